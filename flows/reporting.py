"""Tells what the drive loop did, wake-up by wake-up: the first thing an SOP has to do opens a session, a
quiet moment or a few seconds of work close it. What listens (Prefect's recorder) never holds the loop up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Protocol

from adapters.store.outage import Outage
from adapters.store.records import Step
from flows.draft import Draft
from flows.performing import Result
from flows.session import Session
from machines.asked import asked
from machines.attention import attention, priority
from machines.kernel.case import Case, Entry
from machines.kernel.definition import Definition
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.kernel.state import CUSTOMER, DEADLINE, Ask, End, State
from machines.kernel.steering import PutOnHold, Resumed

QUIET = 0.5  #: seconds without work after which a session ends
ON_HOLD = "On hold"  #: what staff read in place of the state
_TELLING = (DEADLINE, PutOnHold.type, Resumed.type)
_FEW = 50  #: cases of one session whose deadlines are told
LONGEST = 10.0  #: seconds after which a session ends even in a rush, so that its run shows what was done


class Listener(Protocol):
    """Hears of sessions and parked steps; called from the drive loop's thread, must return at once."""

    def opened(self, session: Session) -> None: ...

    def parked(self, steps: Sequence[Step]) -> None: ...

    def settled(self, step: Step) -> None:
        """A step that had been parked reached an outcome."""
        ...

    def asked(self, cases: Collection[str]) -> None:
        """Questions of these cases for staff came, went, were put to somebody else, or more is known."""
        ...

    def outage(self, outage: Outage, over: bool) -> None:
        """A command is out, is resuming, or it is ``over``."""
        ...


class Silence:
    """A listener for processes that nobody watches."""

    def opened(self, session: Session) -> None:
        pass

    def parked(self, steps: Sequence[Step]) -> None:
        pass

    def settled(self, step: Step) -> None:
        pass

    def asked(self, cases: Collection[str]) -> None:
        pass

    def outage(self, outage: Outage, over: bool) -> None:
        pass


class Reporting:
    """Keeps at most one open session for each SOP. All but ``join`` is for the drive loop's thread."""

    def __init__(self, definitions: Mapping[str, Definition], *, listener: Listener) -> None:
        self._definitions = definitions
        self._listener = listener
        self._asks = {
            sop: {state.name for state in definition.procedure.states if _asks_staff(state)}
            for sop, definition in definitions.items()
        }
        self._open: dict[str, tuple[Session, float]] = {}
        self._latest: dict[str, float] = {}
        self._lock = Lock()

    def committed(self, draft: Draft, results: Iterable[Result], released: Iterable[str]) -> None:
        """A round is committed: what was taken, how tries ended, and which of the cases let go rest now."""
        changes, now = draft.changes, draft.now
        for case, event in draft.took:
            self._told(case.sop, now).took(key=case.key, event=event)
        for result in results:
            self._performed(result, draft.case(result.errand.step.case), now=now)
        self._parked(draft.parked, now=now)
        self._overtaken(draft.overtaken)
        self.journalled(changes.entries)
        for identity in released:
            if identity in changes.moved or identity in changes.opened:
                self._rested(draft.cases[identity], now=now)

    def _performed(self, result: Result, case: Case, *, now: datetime) -> None:
        self._told(case.sop, now).performed(
            key=case.key,
            command=result.errand.command.name,
            started=result.started,
            ended=result.ended,
            outcome=_outcome(result),
            error=str(result.failure) if result.failure else None,
        )
        if isinstance(result.outcome, Event) and result.errand.step.run:
            self._listener.settled(result.errand.step)

    def _overtaken(self, steps: Iterable[Step]) -> None:
        """Steps that an event has ended, while they were parked perhaps."""
        for step in steps:
            if step.run:
                self._listener.settled(step)

    def _parked(self, steps: Sequence[Step], *, now: datetime) -> None:
        for step in steps:
            sop, _, key = step.case.partition("/")
            self._told(sop, now).parked(key=key)
        if steps:
            self._listener.parked(steps)

    def journalled(self, entries: Iterable[tuple[str, Entry]]) -> None:
        """What was written: a state that asks staff was entered, left or put on hold, its ladder was climbed,
        or something else has become known there."""
        cases = set()
        for case, entry in entries:
            asks = self._asks[case[: case.index("/")]]
            moved = entry.before != entry.after and (entry.before in asks or entry.after in asks)
            heard = entry.disposition is Disposition.HANDLED and entry.source != "step"
            if moved or (entry.before in asks and (heard or entry.event.startswith(_TELLING))):
                cases.add(case)
        if cases:
            self._listener.asked(cases)

    def _rested(self, case: Case, *, now: datetime) -> None:
        definition = self._definitions[case.sop]
        state = definition.state(case.state)
        session = self._told(case.sop, now)
        # In a rush nobody reads when each of hundreds is due.
        message = _message(definition, case) if session.count <= _FEW else _brief(definition, case)
        session.rested(
            key=case.key,
            title=ON_HOLD if case.hold else state.title,
            message=message,
            final=isinstance(state, End),
            state=case.state,
            priority=priority(case),
            attention=attention(definition, case, now=now),
        )

    def close_quiet(
        self, *, waits: Callable[[str], bool] = lambda sop: False, everything: bool = False
    ) -> None:
        """Close the sessions whose time has come. ``waits`` tells whether a command of that procedure is
        under way: its answer belongs to the same session unless it takes too long."""
        at = monotonic()
        with self._lock:
            for sop, (session, since) in list(self._open.items()):
                quiet = at - self._latest[sop] >= QUIET and not waits(sop)
                if everything or quiet or at - since >= LONGEST:
                    session.close()
                    del self._open[sop]

    def join(self, sop: str, *, now: datetime) -> Session:
        """The open session of ``sop``, or a new one that the listener is not told of. From any thread."""
        return self._session(sop, now)[0]

    def _told(self, sop: str, now: datetime) -> Session:
        session, new = self._session(sop, now)
        if new:
            self._listener.opened(session)
        return session

    def _session(self, sop: str, now: datetime) -> tuple[Session, bool]:
        at = monotonic()
        with self._lock:
            self._latest[sop] = at
            known = self._open.get(sop)
            if known is not None:
                return known[0], False
            session = Session(sop=sop, opened=now)
            self._open[sop] = (session, at)
            return session, True


def _asks_staff(state: State) -> bool:
    return isinstance(state, Ask) and state.role != CUSTOMER


def _brief(definition: Definition, case: Case) -> str:
    state = definition.state(case.state)
    if isinstance(state, End):
        return state.outcome
    return f"asks {asked(state, case, definition.clocks)}" if isinstance(state, Ask) else state.text


def _message(definition: Definition, case: Case) -> str:
    state = definition.state(case.state)
    if isinstance(state, End):
        return _brief(definition, case)
    if case.hold:
        return f"since {case.hold.since:%Y-%m-%d %H:%M} UTC, by {case.hold.who}; it stands at: {state.title}"
    running = [timer for timer in case.timers.values() if not timer.passed]
    parts = [_brief(definition, case)] if isinstance(state, Ask) else []
    if running:
        first = min(running, key=lambda timer: timer.due)
        deadline = definition.procedure.timers[first.name]
        parts.append(f"until {first.due:%Y-%m-%d %H:%M} UTC, then: {deadline.text}")
    return ", ".join(parts) or state.text


def _outcome(result: Result) -> str:
    if isinstance(result.outcome, Event):
        return result.outcome.type
    return "answers later" if result.outcome else "failed"
