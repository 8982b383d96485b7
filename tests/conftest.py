"""Fixtures that every test may ask for; the Prefect server starts only for a test that does."""

from __future__ import annotations

import logging

from tests.conftest_prefect import postgres, prefect, prefect_folder

__all__ = ["postgres", "prefect", "prefect_folder"]

logging.getLogger("transitions").setLevel(logging.WARNING)
