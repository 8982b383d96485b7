"""Fixtures that every test may ask for; the Prefect server starts only for a test that does."""

from __future__ import annotations

import logging

# Imported late, while threads of Prefect run, it has brought CPython 3.11 down.
import hypothesis  # noqa: F401

from tests.conftest_postgres import emptied, postgres_url, store_server
from tests.conftest_prefect import postgres, prefect, prefect_folder, registered

__all__ = ["emptied", "postgres", "postgres_url", "prefect", "prefect_folder", "registered", "store_server"]

logging.getLogger("transitions").setLevel(logging.WARNING)
