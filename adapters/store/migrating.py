"""Brings the tables up to date, inside a transaction of the caller that keeps other processes from doing
so too."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_REVISIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Apply every revision that is missing; all or none."""
    config = Config()
    config.set_main_option("script_location", str(_REVISIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
