"""Finds cases whose clocks go by a policy no longer in force, and leaves each a letter that says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from adapters.store import rows, schema
from adapters.store import statements as sql
from adapters.store.records import Letter
from machines.kernel.case import case_id
from machines.kernel.clock import PolicyChanged

Stale = tuple[str, str, int]
"""Procedure, key and journal number of a case."""

_cases = schema.cases
_STALE = (
    select(_cases.c.sop, _cases.c.key, _cases.c.seq)
    .where(
        schema.IS_TIMED,
        _cases.c.policy != bindparam("policy"),
        _cases.c.id > bindparam("after"),
        _cases.c.sop.in_(bindparam("sops", expanding=True)),
    )
    .order_by(_cases.c.id)
    .limit(bindparam("limit"))
)


def retime(
    connection: Connection, *, policy: str, after: str, limit: int, sops: Collection[str], now: datetime
) -> list[str]:
    """The case may be leased, and its journal belongs to its worker: a letter reaches it whoever has it."""
    given = {"policy": policy, "after": after, "limit": limit, "sops": list(sops)}
    stale = [(sop, key, seq) for sop, key, seq in connection.execute(_STALE, given)]
    letters = retiming_letters(stale, policy=policy, now=now)
    sql.ADD_LETTERS.run(connection, [rows.letter_values(letter) for letter in letters])
    return [letter.case for letter in letters]


def retiming_letters(stale: Iterable[Stale], *, policy: str, now: datetime) -> list[Letter]:
    """The same letter again, and so none, for a case that has not moved since it was last told."""
    body = PolicyChanged(policy=policy).model_dump_json().encode()
    return [
        Letter("policy", f"{case_id(sop, key)}/{seq}/{policy}", PolicyChanged.type, sop, key, body, now)
        for sop, key, seq in stale
    ]
