"""Moves a case from the version of the procedure it began under to the one that is in force.

Pure, as ``decide`` is: the case as it will stand, with one journal entry, or the reasons why it cannot move.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from machines.kernel.case import Case, Entry, Timer
from machines.kernel.clock_ledger import Ledger
from machines.kernel.decide import clocks_in, timers_in
from machines.kernel.definition import Definition
from machines.kernel.event import Facts
from machines.kernel.migration import Json, Migration
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition
from machines.kernel.state import Act, End, State
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
    definition: Definition,
    case: Case,
    data: Json | None,
    *,
    under_way: Collection[str] = (),
    now: datetime,
    who: str,
    reason: str,
) -> Migrated | Stuck:
    """``case`` without its data, these as JSON, with the commands whose steps are ``under_way``. Deadlines
    and clocks that run before and after go on, others start at ``now``. Deferred events are to be delivered
    again, also where the state keeps its name, for its rules may be others. A case on hold stays where it
    is, and so does one that would come to stand where entering means more than to stand there."""
    procedure = definition.procedure
    try:
        way = _way(definition, case)
        state = _destination(definition, case, way)
        _let_go(procedure, under_way)
        facts = _facts(procedure, data, way)
        timers, clocks = _time(definition, case, definition.states[state], facts, now)
    except _Stays as obstacle:
        return Stuck(case, obstacle.reasons)
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


class _Stays(Exception):
    """Why the case cannot move."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def _way(definition: Definition, case: Case) -> list[Migration]:
    """The migrations from the version of ``case`` to the one in force; raises ``_Stays``."""
    if case.hold is not None:
        raise _Stays(f"it is on hold, by {case.hold.who}: {case.hold.reason}; resume it first")
    procedure, version = definition.procedure, case.version
    if version > procedure.version:
        raise _Stays(f"version {version} is newer than {procedure.version}; update the program")
    known = {migration.before: migration for migration in procedure.migrations}
    for before in range(version, procedure.version):
        if before not in known:
            raise _Stays(f"{procedure.name} states no migration from version {before}")
    return [known[before] for before in range(version, procedure.version)]


def _destination(definition: Definition, case: Case, way: Iterable[Migration]) -> str:
    """Where the case will stand; raises ``_Stays``."""
    state, enters = case.state, False
    for migration in way:
        enters = enters or state in migration.states
        state = migration.leads(state)
    if state not in definition.states:
        raise _Stays(
            f"version {definition.procedure.version} has no state {state!r}; map it in the migration"
        )
    if enters and state != case.state and (undone := _undone(definition.states[state], case)):
        raise _Stays(
            f"who enters {state!r} {undone}, and a migration does not: map {case.state!r} to a state that "
            "waits, with a rule that leads on; or, if it is that state under another name, state it under "
            "'renamed'"
        )
    return state


def _undone(state: State, case: Case) -> str:
    """What else a case does that enters the state; empty if nothing."""
    if isinstance(state, Act) or state.does:
        return f"performs {', '.join(command.name for command in state.does) or 'commands'}"
    tells = (state.reports and case.parent) or (isinstance(state, End) and state.sends)
    return "tells other cases" if tells else ""


def _let_go(procedure: Procedure, under_way: Collection[str]) -> None:
    """Raises ``_Stays`` if a step that has not ended would be forgotten."""
    for command in sorted(set(under_way) - procedure.commands.keys()):
        raise _Stays(
            f"its step {command} has not ended, and version {procedure.version} does not know it: let it end "
            "first, or 'sop skip' it with its outcome"
        )


def _facts(procedure: Procedure, data: Json | None, way: Iterable[Migration]) -> Facts | None:
    """The data of the new version; raises ``_Stays``."""
    if data is None:
        return None
    # Only where and what kind: the message of an error would quote the data.
    for migration in way:
        try:
            data = migration.data(data)
        except Exception as error:
            what = f"the mapping failed: {type(error).__name__}, from version {migration.before}"
            raise _Stays(what) from None
    try:
        return procedure.data.model_validate(data)
    except ValidationError as error:
        raise _Stays(*(f"{_place(one['loc'])}: {one['type']}" for one in error.errors())) from None


def _time(
    definition: Definition, case: Case, state: State, facts: Facts | None, now: datetime
) -> tuple[Mapping[str, Timer], Mapping[str, Ledger]]:
    """Deadlines and clocks as they run there; raises ``_Stays``."""
    try:
        timers = timers_in(definition, case, state, facts, now)
        if facts is None:
            return timers, case.clocks
        moment = Moment(now=now, state=state, data=facts, event=MIGRATE)
        clocks, timers = clocks_in(definition, case, moment, timers)
    except Exception as error:
        raise _Stays(f"its deadlines cannot be found: {type(error).__name__}") from None
    return timers, clocks


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
