"""The ways in that docs/howto/send-events.md shows, copied from the page and run: HTTP in its modes, signed,
from Python, ``sop send``, an event of Prefect."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal, TypeVar

import httpx
import pytest

from adapters.store.records import InboxRow
from deployments.bootstrap import Application, open_application
from deployments.processes import Child, free_port
from deployments.settings import Settings
from tests.conftest_prefect import Json, Prefect, eventually

pytestmark = pytest.mark.crash

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "send-events.md"
ADDRESS = "http://127.0.0.1:8080"
PREFECT = "http://127.0.0.1:4200/api"
T = TypeVar("T")
_PATIENCE = 120.0
_ANSWER = re.compile(r"\n\n(?:HTTP/1\.1|accepted |\{\"accepted)")


def blocks(heading: str) -> list[str]:
    """The pieces of code under a heading of the page, in order, without what they answer."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S)
    found = re.findall(r"(?:^(?: {4}[^\n]*)?\n)+", section, re.M)
    pieces = (textwrap.dedent(part).strip("\n") for part in found)
    return [_ANSWER.split(piece)[0] for piece in pieces if piece]


class Installation:
    """Its web process and its worker, and a shell in which the page's examples run."""

    def __init__(self, app: Application, environment: Mapping[str, str], folder: Path) -> None:
        self.app = app
        self._environment = dict(environment)
        self._folder = folder

    def run(self, code: str, *, program: str = "bash") -> str:
        """As somebody does who copies it, but for the port."""
        command = ["bash", "-euo", "pipefail", "-c"] if program == "bash" else [sys.executable, "-c"]
        done = subprocess.run(
            [*command, self._here(code)],
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _here(self, code: str) -> str:
        for theirs, ours in (
            (ADDRESS, self.app.settings.web_url),
            (PREFECT, self.app.settings.prefect_url),
            (".venv/bin/", f"{Path(sys.executable).parent}/"),
        ):
            code = code.replace(theirs, ours)
        return code

    def arrived(self, source: str, id: str) -> InboxRow:
        """The event, as soon as it is committed."""
        return eventually(lambda: self.app.store.letter(source=source, id=id), seconds=_PATIENCE)


@pytest.fixture(scope="module")
def house(prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("ways-in")
    port = free_port(8600 + os.getpid() % 400)
    (folder / "sop.toml").write_text(
        f'home = "{folder / "home"}"\nweb_port = {port}\n{blocks("Signed")[0]}\n'
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SOP_", "PREFECT_"))}
    environment = clean | {
        "SOP_CONFIG": str(folder / "sop.toml"),
        "SOP_PREFECT_API_URL": prefect.server.api_url,
        "PREFECT_HOME": str(folder / "prefect"),
        "DO_NOT_TRACK": "1",
        "WEBSHOP_KEY": tomllib.loads(blocks("Signed")[0])["source_keys"]["webshop"][1],
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    settings = Settings(home=folder / "home", web_port=port, prefect_api_url=prefect.server.api_url)
    with ExitStack() as stack:
        app = stack.enter_context(open_application(settings))
        for name in ("web", "worker"):
            child = Child(name, name, log=folder / f"{name}.log", environment=environment)
            child.start()
            stack.callback(child.stop)
        eventually(lambda: healthy(settings.web_url), seconds=_PATIENCE)
        yield Installation(app, environment, folder)


def emitted(house: Installation, code: str, look: Callable[[], T | Literal[False] | None]) -> T:
    """What follows from an event of Prefect, which may lose some: the same again does nothing."""
    for _ in range(4):
        house.run(code)
        with suppress(AssertionError):
            return eventually(look, seconds=_PATIENCE / 4)
    raise AssertionError("nothing follows from the event")


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_examples_over_http(house: Installation) -> None:
    assert "202 Accepted" in house.run(blocks("One event")[0])
    house.run(blocks("Binary mode")[0])
    house.run(blocks("A batch")[0])
    for source, id in (("shop", "10"), ("carrier", "11"), ("carrier", "12"), ("carrier", "13")):
        assert house.arrived(source, id)
    eventually(lambda: "order.placed" in house.run(blocks("One event")[-1]), seconds=_PATIENCE)


def test_the_signed_example(house: Installation) -> None:
    code = blocks("Signed")[1]
    assert "202 Accepted" in house.run(code)
    assert house.arrived("webshop", "20")
    wrong = house.run(code.replace("price", "prize"))
    assert "202 Accepted" not in wrong
    unsigned = house.run(re.sub(r'-H "webhook-signature[^"]*"', "", code))
    assert "401 Unauthorized" in unsigned
    assert "add webhook-signature" in unsigned


def test_the_python_example(house: Installation) -> None:
    house.run(blocks("From Python")[0], program="python")
    assert house.arrived("webshop", "21").letter.case == "order/SO-9010"


def test_the_examples_of_the_command_line(house: Installation) -> None:
    assert "accepted shipment.disputed for SO-9010-1" in house.run(blocks("From the command line")[0])
    assert house.arrived("helpdesk", "ticket-77")
    for block in blocks("From the command line"):
        if block.startswith("echo"):
            house.run(block)
    assert house.arrived("carrier", "14")


def test_the_example_of_an_event_of_prefect(house: Installation, prefect: Prefect) -> None:
    eventually(prefect.workers, seconds=_PATIENCE)
    eventually(lambda: prefect.post("/automations/filter", {}), seconds=_PATIENCE)
    code = blocks("By an event of Prefect")[0]
    row = emitted(house, code, lambda: house.app.store.letter(source="prefect", id="22"))
    assert (row.letter.type, row.letter.case) == ("shipment.scanned", "shipment/SO-9010-1")
    run = eventually(lambda: prefect.runs(any_=["SO-9010-1: shipment.scanned"]), seconds=_PATIENCE)
    assert run[0]["created_by"]


def test_names_and_addresses_do_not_come_by_an_event_of_prefect(
    house: Installation, prefect: Prefect
) -> None:
    eventually(prefect.workers, seconds=_PATIENCE)
    personal = (
        '{"type": "order.cancel", "subject": "SO-9012", "id": "23", "data": {"customer": "C-9", "note": "-"}}'
    )
    code = re.sub(r"'\{.*\}'", lambda _: f"'{personal}'", blocks("By an event of Prefect")[0], flags=re.S)

    def failed() -> list[Json]:
        runs = prefect.runs(any_=["SO-9012: order.cancel"])
        return [one for one in runs if one["state_type"] == "FAILED"]

    state = emitted(house, code, failed)[0]["state"]
    assert isinstance(state, dict)
    assert state["message"] == "note of order.cancel may be personal, and Prefect keeps events: use HTTP"
    assert house.app.store.letter(source="prefect", id="23") is None
