"""Brings the tables up to date, inside a transaction of the caller that keeps other processes from doing
so too."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

_REVISIONS = Path(__file__).parent / "migrations"
_NEWEST = max(file.stem for file in (_REVISIONS / "versions").glob("[0-9]*.py"))


def migrate(connection: Connection) -> None:
    """Apply every revision that is missing; all or none."""
    if not _is_up_to_date(connection):
        _upgrade(connection)


def _is_up_to_date(connection: Connection) -> bool:
    """Seen without Alembic, which would cost every worker 9 MB that it never needs again."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return [_NEWEST.partition("_")[0]] == found


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_REVISIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
