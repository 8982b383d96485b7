"""Deadlines that are due together pass together."""

from __future__ import annotations

import json
from typing import cast

import pytest

from benchmarks.deadlines import measure
from tests.acceptance.audit import flaws
from tests.acceptance.conftest import OpenHouse

pytestmark = pytest.mark.crash


def test_deadlines_due_at_one_instant_pass_once_and_not_early(open_house: OpenHouse) -> None:
    house = open_house()
    house.worker()
    figures = measure(house.app, deadlines=50)
    print("\n" + json.dumps(figures))
    assert (figures["deadlines"], figures["fired"]) == (50, 50)
    assert cast("float", figures["first_fired_s"]) >= 0
    assert flaws(house) == []
