"""Houses to live in, each with a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.house import House

OpenHouse = Callable[..., House]


@pytest.fixture
def open_house(tmp_path: Path) -> Iterator[OpenHouse]:
    """Takes settings by name; everything that was started in the house is stopped after the test."""
    with ExitStack() as stack:
        yield lambda **chosen: House(stack, tmp_path / "home", **chosen)
