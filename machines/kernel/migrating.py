"""Moves a case from the version of the procedure it began under to the one that is in force.

Pure, as ``decide`` is: the case as it will stand, with one journal entry, or the reasons why it cannot move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from machines.kernel.case import Case, Entry, Timer
from machines.kernel.decide import clocks_in, timers_in
from machines.kernel.definition import Definition
from machines.kernel.migration import Json, Migration
from machines.kernel.rule import Disposition
from machines.kernel.timekeeping import Moment

MIGRATE = "staff.migrate"
"""How the journal calls it."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The case as it will stand, and as it stood ``before``. ``timers_moved`` has, for each deadline that
    changes, when it was due and when it will be; ``None`` where it did not or will not run."""

    before: Case
    case: Case
    entry: Entry
    timers_moved: Mapping[str, tuple[datetime | None, datetime | None]]

    @property
    def timers_set(self) -> list[Timer]:
        return [timer for name, timer in self.case.timers.items() if self.before.timers.get(name) != timer]

    @property
    def timers_cleared(self) -> list[str]:
        return [name for name in self.before.timers if name not in self.case.timers]


@dataclass(frozen=True, slots=True)
class Stuck:
    """Why the case cannot move."""

    case: Case
    reasons: tuple[str, ...]


def migrate(
    definition: Definition, case: Case, data: Json | None, *, now: datetime, who: str, reason: str
) -> Migrated | Stuck:
    """``case`` without its data, these as JSON. Deadlines and clocks that run before and after go on, others
    start at ``now``. Deferred events are to be delivered again, also where the state keeps its name, for its
    rules may be others. A case on hold stays where it is."""
    procedure = definition.procedure
    if case.hold is not None:
        return Stuck(case, (f"it is on hold, by {case.hold.who}: {case.hold.reason}; resume it first",))
    try:
        way = list(_way(definition, case.version))
    except LookupError as error:
        return Stuck(case, (str(error),))
    state = case.state
    for migration in way:
        state = migration.states.get(state, state)
        try:
            data = None if data is None else migration.data(data)
        except Exception as error:
            # Only what kind: the message itself may quote the data.
            return Stuck(
                case, (f"the mapping failed: {type(error).__name__}, from version {migration.before}",)
            )
    if state not in definition.states:
        return Stuck(case, (f"version {procedure.version} has no state {state!r}; map it in the migration",))
    try:
        facts = None if data is None else procedure.data.model_validate(data)
    except ValidationError as error:
        # Only where and what kind: the message itself would quote the data.
        return Stuck(case, tuple(f"{_place(one['loc'])}: {one['type']}" for one in error.errors()))
    timers, clocks = timers_in(definition, case, definition.states[state], facts, now), case.clocks
    if facts is not None:
        moment = Moment(now=now, state=definition.states[state], data=facts, event=MIGRATE)
        clocks, timers = clocks_in(definition, case, moment, timers)
    because = "; ".join(dict.fromkeys(migration.because for migration in way))
    return Migrated(
        case,
        replace(
            case,
            version=procedure.version,
            hash=procedure.hash,
            state=state,
            data=facts,
            seq=case.seq + 1,
            timers=timers,
            deferred=0,
            clocks=clocks,
        ),
        _entry(case, state, procedure.version, now=now, who=who, reason=f"{reason} ({because})"),
        _moved(case.timers, timers),
    )


def _way(definition: Definition, version: int) -> Iterator[Migration]:
    """The migrations from ``version`` to the one in force; raises ``LookupError`` where one is missing."""
    procedure = definition.procedure
    known = {migration.before: migration for migration in procedure.migrations}
    for before in range(version, procedure.version):
        if before not in known:
            raise LookupError(f"{procedure.name} states no migration from version {before}")
        yield known[before]
    if version > procedure.version:
        raise LookupError(f"version {version} is newer than {procedure.version}; update the program")


def _entry(case: Case, state: str, version: int, *, now: datetime, who: str, reason: str) -> Entry:
    return Entry(
        seq=case.seq + 1,
        at=now,
        event=MIGRATE,
        source=who,
        event_id=f"{MIGRATE}/{case.seq + 1}",
        disposition=Disposition.HANDLED,
        before=case.state,
        after=state,
        reason=reason,
        body={"from": case.version, "to": version, "who": who},
    )


def _moved(
    before: Mapping[str, Timer], after: Mapping[str, Timer]
) -> dict[str, tuple[datetime | None, datetime | None]]:
    names = dict.fromkeys((*before, *after))
    dues = {name: (_due(before.get(name)), _due(after.get(name))) for name in names}
    return {name: (was, will) for name, (was, will) in dues.items() if was != will}


def _due(timer: Timer | None) -> datetime | None:
    return timer.due if timer else None


def _place(place: tuple[int | str, ...]) -> str:
    return ".".join(("data", *map(str, place)))
