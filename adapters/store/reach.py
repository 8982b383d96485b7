"""Which work is within a worker's reach: that of cases which it leases or nobody does, and which it can
read."""

from __future__ import annotations

from sqlalchemy import BindParameter, Column, ColumnElement, Text, bindparam, exists, or_

from adapters.store import schema

WORKER: BindParameter[str] = bindparam("worker", type_=Text)
IS_OWN = schema.cases.c.lease == WORKER
IS_FREE = schema.cases.c.lease.is_(None)
IS_OWN_OR_FREE = or_(IS_FREE, IS_OWN)


def readable(case: Column[str]) -> ColumnElement[bool]:
    """Not marked as beyond this worker."""
    marks = schema.unreadable
    return ~exists().where(marks.c.case_id == case, marks.c.worker == WORKER)
