"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _cases()
    _inbox()
    _journal()
    _steps()
    _timers()
    _people()


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _number() -> sa.Column[Any]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("number", kind, primary_key=True)


def _partial(name: str, table: str, *columns: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Text, primary_key=True),
        _text("sop"),
        _text("key"),
        sa.Column("version", sa.Integer, nullable=False),
        _text("hash"),
        _text("state"),
        sa.Column("data", sa.Text),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("parent", sa.Text),
        sa.Column("deferred", sa.Integer, nullable=False),
        sa.Column("lease", sa.Text),
        _instant("opened"),
        _instant("changed"),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    op.create_index("cases_changed", "cases", ["changed"])
    _partial("cases_leased", "cases", "lease", where="lease IS NOT NULL")


def _inbox() -> None:
    op.create_table(
        "inbox",
        _number(),
        *(_text(name) for name in ("source", "id", "type", "sop", "key", "case_id", "body")),
        _instant("received"),
        sa.Column("opens", sa.Boolean, nullable=False),
        sa.Column("parent", sa.Text),
        _text("status"),
        _text("reason"),
        sa.UniqueConstraint("source", "id", name="inbox_once"),
    )
    _partial("inbox_new", "inbox", "number", where="status = 'new'")
    _partial("inbox_new_of_case", "inbox", "case_id", where="status = 'new'")
    _partial("inbox_unmatched", "inbox", "case_id", where="status = 'unmatched'")
    _partial("inbox_deferred", "inbox", "case_id", where="status = 'deferred'")
    _partial("inbox_dead", "inbox", "number", where="status = 'dead'")


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        _instant("at"),
        *(_text(name) for name in ("event", "source", "event_id", "disposition")),
        *(_text(name) for name in ("before", "after", "reason", "body")),
    )


def _steps() -> None:
    op.create_table(
        "steps",
        sa.Column("key", sa.Text, primary_key=True),
        *(_text(name) for name in ("case_id", "command", "arguments", "status")),
        _instant("issued"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _instant("due", nullable=True),
        *(sa.Column(name, sa.Text) for name in ("error", "code", "outcome", "run")),
    )
    op.create_index("steps_of_case", "steps", ["case_id"])
    _partial("steps_due", "steps", "due", where="status IN ('pending', 'retrying')")
    _partial("steps_parked", "steps", "command", where="status = 'parked'")
    _partial("steps_of_run", "steps", "run", where="run IS NOT NULL")


def _timers() -> None:
    op.create_table(
        "timers",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        _instant("due"),
        _instant("set_at"),
        sa.Column("passed", sa.Boolean, nullable=False),
    )
    condition = sa.column("passed", sa.Boolean).is_(False)
    op.create_index("timers_due", "timers", ["due"], sqlite_where=condition, postgresql_where=condition)


def _people() -> None:
    op.create_table("workers", sa.Column("id", sa.Text, primary_key=True), _instant("heartbeat"))
    op.create_table(
        "unreadable",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("worker", sa.Text, primary_key=True),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("wrapped_key", sa.LargeBinary),
        _instant("created"),
        _instant("destroyed", nullable=True),
    )
    op.create_table(
        "consents",
        _number(),
        sa.Column("customer", sa.Text, sa.ForeignKey("customers.id"), nullable=False),
        _text("purpose"),
        sa.Column("granted", sa.Boolean, nullable=False),
        _instant("at"),
        _text("source"),
    )
