"""Deadlines that are due together pass together."""

from __future__ import annotations

import json
from typing import cast

import pytest

from benchmarks.deadlines import measure
from tests.acceptance.audit import flaws
from tests.acceptance.conftest import OpenHouse

pytestmark = pytest.mark.crash


def test_deadlines_due_at_one_instant_pass_within_seconds_and_once(open_house: OpenHouse) -> None:
    house = open_house()
    house.worker()
    figures = measure(house.app, deadlines=50)
    print("\n" + json.dumps(figures))
    assert (figures["deadlines"], figures["fired"]) == (50, 50)
    assert 0 <= cast("float", figures["first_fired_s"]) < 1
    assert cast("float", figures["last_committed_s"]) < 3
    assert flaws(house) == []
