"""The questions that are open: every case that stands in an Ask state, with what may be told about it.

Nothing personal is in a question: sealed fields are left out, and so are payment tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial

from pydantic import ValidationError

from adapters.asking.form import tells_a_story
from adapters.asking.tellable import tell
from adapters.store.base import Store
from adapters.store.records import Standing
from machines.asked import asked
from machines.kernel.case import Case, Entry, Timer, case_id
from machines.kernel.clock import Clock
from machines.kernel.definition import Definition
from machines.kernel.event import Event, Facts
from machines.kernel.migrating import MIGRATE
from machines.kernel.state import CUSTOMER, Ask, Deadline
from machines.messages import Message

__all__ = ["CUSTOMER", "Closing", "Question", "Questions", "case_of"]

_ALL = 1_000_000
_MOST_FACTS = 30


@dataclass(frozen=True)
class Question:
    """One Ask state that one case entered by the journal entry ``cause``. It is closed for good when the case
    leaves the state; the same state entered again is another question."""

    case: Case
    ask: Ask
    cause: Entry
    gather: Callable[[], Mapping[str, str]] = field(repr=False, compare=False)  #: makes what is ``known``
    heard: bool  #: the customer may have written something, which is sealed
    limits: tuple[tuple[Timer, Deadline], ...]  #: all that run, the one that matters most first
    clocks: tuple[Clock, ...] = field(default=(), repr=False, compare=False)  #: those of the procedure

    @cached_property
    def known(self) -> Mapping[str, str]:
        """What may be told to whoever is asked; put together only for those who want to know."""
        return self.gather()

    @property
    def due(self) -> Timer | None:
        return self.limits[0][0] if self.limits else None

    @property
    def deadline(self) -> Deadline | None:
        return self.limits[0][1] if self.limits else None

    @property
    def currency(self) -> str:
        """That of its sums; empty where there are none."""
        return _currency(self.case)

    @property
    def id(self) -> str:
        """``order/SO-1001/in_review/7``."""
        return f"{self.case.id}/{self.case.state}/{self.cause.seq}"

    @property
    def form(self) -> type[Event]:
        return self.ask.form

    @property
    def since(self) -> datetime:
        return self.cause.at

    @property
    def role(self) -> str:
        """Who is asked by now: the ladder is climbed rung by rung."""
        return asked(self.ask, self.case, self.clocks)

    @property
    def for_customer(self) -> bool:
        return self.ask.role == CUSTOMER

    @property
    def customer(self) -> str | None:
        """Whose case it is."""
        found = getattr(self.case.data, "customer", None)
        return found if isinstance(found, str) else None

    @property
    def locale(self) -> str:
        return _locale(self.case)


@dataclass(frozen=True, slots=True)
class Closing:
    """How a question was closed: by which event, of which source, when, and where the case went."""

    event: str
    source: str
    at: datetime
    title: str

    @property
    def by_deadline(self) -> bool:
        return self.source == "timer"

    @property
    def by_migration(self) -> bool:
        """Whether the question is asked on, under the name that its state has now."""
        return self.event == MIGRATE

    def __str__(self) -> str:
        what = "its deadline" if self.by_deadline else f"{self.event} from {self.source}"
        return f"{what} came first, at {self.at:%Y-%m-%d %H:%M:%S} UTC; the case went to: {self.title}"


class Questions:
    """Reads them from the store; every method raises ``StoreUnavailable``."""

    def __init__(self, store: Store, definitions: Mapping[str, Definition]) -> None:
        self._store = store
        self._definitions = definitions
        self._asks = {
            (sop, state.name): state
            for sop, definition in definitions.items()
            for state in definition.procedure.states
            if isinstance(state, Ask)
        }
        self._hearing = {
            sop
            for sop, definition in definitions.items()
            if any(map(tells_a_story, definition.procedure.event_types.values()))
        }
        self._endings = {
            (sop, state.name, rule.event)
            for sop, definition in definitions.items()
            for rule in definition.procedure.rules
            if rule.to is not None
            for state in rule.at
        }
        self.of_staff = frozenset(place for place, ask in self._asks.items() if ask.role != CUSTOMER)
        self.of_customers = frozenset(self._asks) - self.of_staff

    def open(
        self,
        *,
        cases: Collection[str] | None = None,
        states: Collection[tuple[str, str]] | None = None,
        limit: int = _ALL,
    ) -> list[Question]:
        """Those that wait for an answer, in these (procedure, state) or anywhere; the oldest first."""
        wanted = self._asks.keys() if states is None else states & self._asks.keys()
        found = self._store.standing(list(wanted), cases=cases, limit=limit)
        return sorted(map(self._question, found), key=lambda each: each.since)

    def find(self, id: str) -> Question | None:
        """The question of that name, if it is open still."""
        case, _, _ = _parts(id)
        return next((each for each in self.open(cases=[case]) if each.id == id), None)

    def follower(self, id: str) -> Question | None:
        """The open question that asks the same of the same customer after a deadline has closed the one named
        ``id``, as a reminder does, or after a migration that named its state anew."""
        case, state, _ = _parts(id)
        ask = self._ask(case.partition("/")[0], state)
        closing = self.closing(id)
        if ask is None or closing is None or not (closing.by_deadline or closing.by_migration):
            return None
        return next((each for each in self.open(cases=[case]) if each.form is ask.form), None)

    def of_key(self, key: str) -> list[Question]:
        """The open questions of the cases of that key, in any procedure; ``order/SO-1`` names one of them."""
        sops = [sop for sop in self._definitions if key.startswith(f"{sop}/")]
        names = [key, *(case_id(sop, key) for sop in self._definitions)] if sops else ()
        return self.open(cases=names or [case_id(sop, key) for sop in self._definitions])

    def closing(self, id: str, *, in_the_end: bool = False) -> Closing | None:
        """What closed the question, or ``in_the_end`` those that a deadline or a migration put in its place;
        None while one is open, or if there never was one."""
        case, state, seq = _parts(id)
        sop = case.partition("/")[0]
        for entry, _ in self._store.journal(case):
            if entry.seq > seq and entry.before == state != entry.after:
                closing = Closing(entry.event, entry.source, entry.at, self._title(sop, entry.after))
                old, new = self._ask(sop, state), self._ask(sop, entry.after)
                goes_on = closing.by_deadline or closing.by_migration
                if not (in_the_end and goes_on and old and new and old.form is new.form):
                    return closing
                state = entry.after
        return None

    def _ask(self, sop: str, state: str) -> Ask | None:
        return self._asks.get((sop, self._current(sop, state)))

    def _title(self, sop: str, state: str) -> str:
        """As people call it; as it was called where nothing has taken its place."""
        found = self._definitions[sop].states.get(self._current(sop, state))
        return found.title if found else state

    def _current(self, sop: str, state: str) -> str:
        """What a state is called now; links and journals keep the names of earlier versions."""
        definition = self._definitions[sop]
        if state in definition.states:
            return state
        for migration in sorted(definition.procedure.migrations, key=lambda each: each.before):
            state = migration.leads(state)
        return state

    def place(self, case: str) -> str:
        """Where a case stands, as people call it; empty if there is no such case."""
        sop, _, key = case.partition("/")
        found = self._store.find_case(key=key, sop=sop)
        return self._title(sop, found[0].state) if found else ""

    def is_beyond(self, id: str) -> bool:
        """Whether the case of a question cannot be read here: it is of another version, to be migrated."""
        sop, _, key = case_of(id).partition("/")
        return any(case.data is None for case in self._store.find_case(key=key, sop=sop))

    def locale(self, id: str) -> str:
        """In which language the customer of a question is spoken to, also when it is closed."""
        sop, _, key = case_of(id).partition("/")
        return next(map(_locale, self._store.find_case(key=key, sop=sop)), "en")

    def told(self, question: Question) -> Mapping[str, str]:
        """What the customer was told when the question was put: the facts of the message that asks. It goes
        out after whatever else is told at that moment."""
        sent = f"{question.case.id}/message.send/{self._put(question)}"
        steps = self._store.steps(case=question.case.id, command="message.send", limit=_ALL)
        for step in reversed(steps):
            if step.key == sent or step.key.startswith(f"{sent}/"):
                try:
                    message = Message.model_validate_json(step.arguments)
                except ValidationError:
                    return {}
                return {name: value for name, value in message.facts.items() if value}
        return {}

    def _put(self, question: Question) -> int:
        """The number of the entry by which the case came to ask, under whatever name its state had."""
        cause = question.cause
        if cause.event != MIGRATE:
            return cause.seq
        for entry, _ in reversed(self._store.journal(question.case.id)):
            if entry.seq < cause.seq and entry.after == cause.before != entry.before:
                if entry.event != MIGRATE:
                    return entry.seq
                cause = entry
        return cause.seq

    def _said(self, standing: Standing) -> dict[str, str]:
        """What the event said by which the case came to ask."""
        kinds = self._definitions[standing.case.sop].procedure.event_types
        kind = kinds.get(standing.entered.event)
        try:
            event = kind.model_validate_json(standing.body) if kind else None
        except ValidationError:
            return {}
        return tell(event, currency=_currency(standing.case)) if event else {}

    def _known(self, standing: Standing) -> dict[str, str]:
        case = standing.case
        tells = self._asks[case.sop, case.state].tells(case.data)
        known = {"because of": standing.entered.event} | dict(tells) | self._said(standing)
        if isinstance(case.data, Facts):
            known |= tell(case.data, currency=_currency(case))
        told = {name: text for name, text in known.items() if text != case.key}
        return dict(list(told.items())[:_MOST_FACTS])

    def _question(self, standing: Standing) -> Question:
        case = standing.case
        return Question(
            case=case,
            ask=self._asks[case.sop, case.state],
            cause=standing.entered,
            gather=partial(self._known, standing),
            heard=case.sop in self._hearing,
            limits=self._limits(case),
            clocks=self._definitions[case.sop].clocks,
        )

    def _limits(self, case: Case) -> tuple[tuple[Timer, Deadline], ...]:
        """For staff the next one first. For customers the one after which the case goes on by itself, then
        what is told once, a reminder last; our service levels are none of their business."""
        definition = self._definitions[case.sop]
        of_customer = (case.sop, case.state) in self.of_customers
        named = definition.procedure.deadlines if of_customer else definition.procedure.timers
        running = [
            (timer, named[timer.name])
            for timer in case.timers.values()
            if not timer.passed and timer.name in named
        ]

        def rank(limit: tuple[Timer, Deadline]) -> tuple[bool, bool, datetime]:
            timer, deadline = limit
            ends = (case.sop, case.state, deadline.type) in self._endings
            return of_customer and not ends, of_customer and deadline.repeats, timer.due

        return tuple(sorted(running, key=rank))


def _currency(case: Case) -> str:
    return str(getattr(case.data, "currency", ""))


def _locale(case: Case) -> str:
    return str(getattr(case.data, "locale", "en"))


def case_of(id: str) -> str:
    """The case that a question is about."""
    return _parts(id)[0]


def _parts(id: str) -> tuple[str, str, int]:
    case, state, seq = id.rsplit("/", 2)
    return case, state, int(seq)
