"""The tables. Instants are whole microseconds UTC, payloads are JSON text that the database never looks into.

``cases.id`` is ``sop/key``, and the inbox addresses cases by it, also those that do not exist yet. Work is
found through partial indexes that hold only what is still to do, so they stay small however long the history
gets. ``cases.policy`` names the one that the clocks of a case go by while they run or pause. ``unreadable``
names the cases that a worker could not make sense of: others, of another version, may. ``cases.held`` is the
hold as JSON.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
)

metadata = MetaData()

# SQLite numbers rows by itself only in a column declared INTEGER, which there holds 64 bits.
_Number = BigInteger().with_variant(Integer(), "sqlite")

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sop", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("data", Text),
    Column("seq", Integer, nullable=False),
    Column("parent", Text),
    Column("deferred", Integer, nullable=False),
    Column("lease", Text),
    Column("opened", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("clocks", Text),
    Column("policy", Text),
    Column("held", Text),
    Column("assignee", Text),
)

inbox = Table(
    "inbox",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("sop", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("opens", Boolean, nullable=False),
    Column("parent", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("source", "id", name="inbox_once"),
)

journal = Table(
    "journal",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("key", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger),
    Column("error", Text),
    Column("code", Text),
    Column("outcome", Text),
    Column("run", Text),
    Column("failed", BigInteger),
    Column("earlier", Text),
    Column("presumed", Text),
)

timers = Table(
    "timers",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("due", BigInteger, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("passed", Boolean, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("heartbeat", BigInteger, nullable=False),
)

identity = Table("identity", metadata, Column("id", Text, primary_key=True))  # one row

unreadable = Table(
    "unreadable",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("worker", Text, primary_key=True),
)

outages = Table(
    "outages",
    metadata,
    Column("command", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("halted", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("key", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("wrapped_key", LargeBinary),  # null once destroyed
    Column("created", BigInteger, nullable=False),
    Column("destroyed", BigInteger),
)

consents = Table(
    "consents",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
)

bulletins = Table(
    "bulletins",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("position", BigInteger),  # null until it is given
    Column("case_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("sop", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("sops", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("former", LargeBinary),
    Column("former_until", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger),
    Column("failing", BigInteger),
    Column("error", Text, nullable=False),
    Column("lease", Text),
    Column("revision", Integer, nullable=False),
)

# SQLite uses a partial index only where a query repeats its condition, with the value spelled out.
IS_NEW = inbox.c.status == literal_column("'new'")
IS_UNMATCHED = inbox.c.status == literal_column("'unmatched'")
IS_DEFERRED = inbox.c.status == literal_column("'deferred'")
IS_DEAD = inbox.c.status == literal_column("'dead'")
IS_DUE = steps.c.status.in_([literal_column("'pending'"), literal_column("'retrying'")])
IS_OUT = and_(
    steps.c.status == literal_column("'retrying'"),
    steps.c.code.in_([literal_column("'outage'"), literal_column("'unavailable'")]),
)
IS_STRANDED = and_(
    steps.c.status == literal_column("'parked'"), steps.c.code == literal_column("'unavailable'")
)
IS_PARKED = steps.c.status == literal_column("'parked'")
HAS_RUN = steps.c.run.is_not(None)
IS_LEASED = cases.c.lease.is_not(None)
IS_HELD = cases.c.held.is_not(None)
IS_ASSIGNED = cases.c.assignee.is_not(None)
IS_CHILD = cases.c.parent.is_not(None)
IS_OPEN = cases.c.ended.is_(False)
IS_TIMED = cases.c.policy.is_not(None)
HAS_POSITION = bulletins.c.position.is_not(None)
HAS_NO_POSITION = bulletins.c.position.is_(None)
HAS_NOT_PASSED = timers.c.passed.is_(False)


def _partial(name: str, *columns: Column[Any], where: ColumnElement[bool]) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


_partial("inbox_new", inbox.c.number, where=IS_NEW)
_partial("inbox_new_of_case", inbox.c.case_id, where=IS_NEW)
_partial("inbox_unmatched", inbox.c.case_id, where=IS_UNMATCHED)
_partial("inbox_deferred", inbox.c.case_id, where=IS_DEFERRED)
_partial("inbox_dead", inbox.c.number, where=IS_DEAD)
_partial("steps_due", steps.c.due, where=IS_DUE)
_partial("steps_parked", steps.c.command, where=IS_PARKED)
_partial("steps_out", steps.c.command, steps.c.attempts, steps.c.issued, where=IS_OUT)
_partial("steps_stranded", steps.c.command, steps.c.failed, steps.c.key, where=IS_STRANDED)
_partial("steps_of_run", steps.c.run, where=HAS_RUN)
_partial("timers_due", timers.c.due, where=HAS_NOT_PASSED)
_partial("cases_leased", cases.c.lease, where=IS_LEASED)
_partial("cases_held", cases.c.changed, where=IS_HELD)
_partial("cases_open", cases.c.sop, cases.c.state, where=IS_OPEN)
_partial("cases_assigned", cases.c.assignee, where=IS_ASSIGNED)
_partial("cases_of_parent", cases.c.parent, where=IS_CHILD)
_partial("cases_timed", cases.c.id, cases.c.policy, where=IS_TIMED)
_partial("bulletins_new", bulletins.c.number, where=HAS_NO_POSITION)
Index(
    "bulletins_position",
    bulletins.c.position,
    unique=True,
    sqlite_where=HAS_POSITION,
    postgresql_where=HAS_POSITION,
)

# Whole, not partial: one entry written once costs less than one that comes and goes with "running",
# and the steps of a case are listed by it too.
Index("steps_of_case", steps.c.case_id)
Index("cases_changed", cases.c.changed)
