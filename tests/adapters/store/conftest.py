"""The three stores, each empty at the start of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from adapters.store.base import Store
from adapters.store.opening import open_store
from tests.adapters.store.scenery import HYDRATE

Opener = Callable[[], Store]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/cases.db"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """For what only a database can show."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def opener(url: str) -> Iterator[Opener]:
    """Opens the same database again and again, as other processes would."""
    with ExitStack() as stack:

        def open_again() -> Store:
            store = stack.enter_context(closing(open_store(url, hydrate=HYDRATE)))
            store.migrate()
            return store

        yield open_again


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    url = "memory:" if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")
    with closing(open_store(url, hydrate=HYDRATE)) as opened:
        opened.migrate()
        yield opened
