"""A house in one process for tests of questions: the real procedures, store, world and drive loop."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.asking.answers import Answers
from adapters.asking.links import Invitations, Links
from adapters.asking.page import Page
from adapters.asking.questions import Question, Questions
from adapters.correction import Correction
from adapters.dead_letters import DeadLetters, Resent
from adapters.intake import Intake
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.world import simulated_world
from adapters.world.message import Outbox, Sent
from flows.driver import Driver, Pace
from flows.reporting import Silence
from machines.catalogue import CATALOGUE
from machines.complaint.events import ComplaintReceived
from machines.definitions import definitions
from machines.kernel.definition import Definition
from machines.kernel.migration import Migration
from machines.kernel.rule import Junction
from machines.kernel.state import State
from machines.policy import DEFAULT, load
from tests.conftest_prefect import eventually

KEY = MasterKeys(b"k" * 32)
BASE = "https://answers.example"
BERLIN = ZoneInfo("Europe/Berlin")
ORDER: dict[str, object] = {
    "customer": "C-9",
    "currency": "EUR",
    "deliver_by": "2030-01-01",
    "buyer": {"name": "Ada Example", "email": "ada@customer.example"},
    "ship_to": {
        "street": "1 Sample Street",
        "city": "Berlin",
        "postcode": "10115",
        "zone": "10",
        "country": "DE",
    },
    "lines": [{"sku": "KETTLE", "quantity": 1, "price": 3000}],
    "payments": [{"means": "card", "token": "tok_example"}],
}
STOLEN = {"payments": [{"means": "card", "token": "tok_stolen"}]}
SHORT = {"lines": [{"sku": "TEA-BACK", "quantity": 1, "price": 3000}]}
FEE = {"lines": [{"sku": "SOFA-BULKY", "quantity": 1, "price": 3000}]}
NOWHERE = {
    "ship_to": {"street": "1 A", "city": "B", "postcode": "00001", "zone": "00", "country": "DE"},
}


class Heard(Silence):
    """A listener that notes which cases' questions came or went."""

    def __init__(self) -> None:
        self.asked_about: list[str] = []

    def asked(self, cases: Collection[str]) -> None:
        self.asked_about += cases


@dataclass
class Clock:
    """The real time, as far ahead as a test has put it."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Office:
    store: Store
    definitions: Mapping[str, Definition]
    clock: Clock = field(default_factory=Clock)
    outbox: Outbox = field(default_factory=Outbox)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        vault = Vault(self.store, master=KEY)
        self.vault = vault
        self.intake = Intake(self.store, vault=vault, catalogue=CATALOGUE, clock=self.clock)
        self.questions = Questions(self.store, self.definitions)
        self.answers = Answers(self.questions, intake=self.intake, store=self.store)
        self.links = Links(KEY, base=BASE, days=30, clock=self.clock)
        self.page = Page(self.questions, self.answers, self.links, BERLIN, self.clock)

    def driver(self, *, worker: str = "w-1", listener: Heard | None = None) -> Driver:
        invite = Invitations(self.questions, links=self.links, catalogue=CATALOGUE)
        world = simulated_world(1, vault=self.vault, outbox=self.outbox, invite=invite, clock=self.clock)
        return Driver(
            self.store,
            self.definitions,
            world,
            worker=worker,
            clock=self.clock,
            listener=listener,
            pace=Pace(tick=0.05),
        )

    def send(self, type: str, subject: str, data: Mapping[str, object], *, source: str = "shop") -> None:
        event = {"specversion": "1.0", "id": f"e-{next(self.numbers)}", "source": source}
        self.intake.accept([{**event, "type": type, "subject": subject, "data": dict(data)}])

    def complain(self, key: str) -> None:
        self.send("complaint.received", key, {**ComplaintReceived.examples[1], "complaint": key})

    def wait_until_at_work(self, passed: timedelta) -> None:
        """The clock goes ahead by ``passed``, and on until an hour after work has begun."""
        opening = load(DEFAULT).calendar.opening_after(datetime.now(UTC) + passed)
        self.clock.ahead = opening + timedelta(hours=1) - datetime.now(UTC)

    def place(self, key: str, **other: object) -> None:
        self.send("order.placed", key, {"order": key, **ORDER, **other})

    def asked(self, key: str, state: str) -> Question:
        """The question about an order, as soon as it is put."""
        return eventually(
            lambda: next((q for q in self.questions.of_key(key) if q.case.state == state), None)
        )

    def state(self, key: str) -> str:
        found = self.store.find_case(key=key, sop="order")
        return found[0].state if found else ""

    def resend(self, letter: int, changes: Correction, who: str, reason: str) -> Resent:
        letters = DeadLetters(self.store, catalogue=CATALOGUE)
        return letters.resend(letter, intake=self.intake, changes=changes, who=who, reason=reason)

    def message(self, template: str, about: str) -> Sent:
        """The latest message of that template about a case, as soon as it is sent."""
        return eventually(
            lambda: next(
                (s for s in self.outbox.last if (s.message.template, s.message.about) == (template, about)),
                None,
            )
        )


def renamed(definition: Definition, names: Mapping[str, str]) -> Definition:
    """The next version of a procedure, in which some states have other names and nothing else is new."""
    procedure = definition.procedure
    states = {state.name: copy(state) for state in procedure.states}
    for name, state in states.items():
        vars(state)["_name"] = names.get(name, name)

    def new(target: State | Junction | None) -> State | Junction | None:
        if isinstance(target, Junction):
            branches = tuple((states[state.name], holds) for state, holds in target.branches)
            return replace(target, branches=branches)
        return target and states[target.name]

    rules = (
        replace(rule, at=tuple(states[each.name] for each in rule.at), to=new(rule.to))
        for rule in procedure.rules
    )
    migration = Migration(procedure.version, "clearer names", renamed=names)
    following = replace(
        procedure,
        version=procedure.version + 1,
        states=tuple(states.values()),
        rules=tuple(rules),
        migrations=(migration,),
    )
    return Definition(following, due=definition.due, timing=definition.timing, terms=definition.terms)


@contextmanager
def open_office(
    folder: Path | None = None, *, driving: bool = True, built: Mapping[str, Definition] | None = None
) -> Iterator[Office]:
    """On a SQLite file in ``folder``, or in memory; with the procedures ``built``, or our own."""
    built = built or definitions(load(DEFAULT))
    hydrate = {
        name: {definition.procedure.version: definition.procedure.data} for name, definition in built.items()
    }
    url = f"sqlite:///{folder / 'cases.db'}" if folder else "memory:"
    with closing(open_store(url, hydrate=hydrate)) as store:
        store.migrate()
        office = Office(store, built)
        if not driving:
            yield office
            return
        driver = office.driver()
        driver.start()
        try:
            yield office
        finally:
            driver.stop()
