"""The receiver that docs/howto/receive-events.md shows, copied from the page and run."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from deployments.driving import running_driver, telling
from deployments.processes import free_port
from examples import orders
from examples.day import Day
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.house import House
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.crash

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "receive-events.md"
_ADDRESS = '("127.0.0.1", 9000)'


def code() -> str:
    _, section = PAGE.read_text("utf-8").split("\n## A receiver\n")
    (found,) = re.findall(r"^(?: {4}.*\n|\n)+(?=Try it)", section, re.M)
    return textwrap.dedent(found)


@contextmanager
def receiving(house: House, secret: str, port: int) -> Iterator[Path]:
    """The file that the receiver prints to."""
    assert _ADDRESS in code()
    printed = house.home / "printed.txt"
    with printed.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", code().replace(_ADDRESS, f'("127.0.0.1", {port})')],
            env={**os.environ, "SOP_SECRET": secret},
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
    try:
        eventually(lambda: _listens(port))
        yield printed
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_receiver_of_the_page_is_told_of_an_order(open_house: OpenHouse) -> None:
    house, day = open_house(), Day(Random(1))
    port = free_port(8600 + os.getpid() % 400)
    made = house.app.subscribing.subscribe(f"http://127.0.0.1:{port}/", name="erp", sops=["order"])
    orders.delivered(day, 0.0)
    placed = json.loads(min(day.events)[1])
    with (
        receiving(house, made.secret, port) as printed,
        running_driver(house.app) as driver,
        telling(house.app, driver),
    ):
        house.send([placed])
        eventually(lambda: "Awaiting dispatch" in printed.read_text("utf-8"), seconds=90)
        told = [line.split(maxsplit=3) for line in printed.read_text("utf-8").splitlines()]
    positions, types, subjects, _ = zip(*told, strict=True)
    assert list(positions) == sorted(positions, key=int)
    assert list(types) == ["case.opened", *["case.moved"] * (len(told) - 1)]
    assert set(subjects) == {placed["subject"]}
