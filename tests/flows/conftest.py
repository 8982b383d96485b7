"""Stores for the loans of `tests.toy`. A file that needs other cases has a `store` of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.store.base import Store
from adapters.store.opening import open_store
from tests.toy import Loan


@pytest.fixture(params=("memory", "sqlite"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'cases.db'}"
    store = open_store(url, hydrate={"loan": {1: Loan}})
    store.migrate()
    yield store
    store.close()
