"""A PostgreSQL for stores, started once for the tests that need one; its tables are empty for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from tempfile import TemporaryDirectory

import psycopg
import pytest

from adapters.postgres import EmbeddedPostgres
from adapters.store.opening import open_store


@pytest.fixture(scope="session")
def store_server() -> Iterator[EmbeddedPostgres]:
    # Not below pytest's own folder: each run of pytest closes that one to other accounts again.
    with TemporaryDirectory(prefix="sop-store-") as folder, EmbeddedPostgres(folder) as running:
        yield running


@pytest.fixture(scope="session")
def emptied(store_server: EmbeddedPostgres) -> Callable[[], str]:
    """The address of a database with tables and no rows."""
    url = store_server.url("store")
    with closing(open_store(url, hydrate={})) as store:
        store.migrate()

    def empty() -> str:
        with psycopg.connect(url) as connection:
            connection.execute(
                "TRUNCATE cases, inbox, journal, steps, timers, workers, unreadable, outages, notices, "
                "customers, consents, bulletins, subscriptions"
            )
        return url

    return empty


@pytest.fixture
def postgres_url(emptied: Callable[[], str]) -> str:
    return emptied()
