"""A toy procedure and a store of two methods, for tests of what stands before the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock

import pytest

from adapters.envelope import EventFault
from adapters.errors import StoreUnavailable
from adapters.intake import Intake, InvalidEvents
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.store.records import Letter, Receipt
from machines.between import Between
from machines.catalogue import CATALOGUE, Catalogue
from machines.kernel.event import Event, Facts, Personal
from machines.kernel.procedure import Procedure
from machines.kernel.state import Ask

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


class Address(Facts):
    name: Personal
    street: Personal
    country: str


class Line(Facts):
    sku: str
    quantity: int


class Placed(Event, type="toy.placed", opens=True):
    """The customer placed it."""

    customer: str
    email: Personal
    ship_to: Address
    lines: tuple[Line, ...]


class Noted(Event, type="toy.noted"):
    """The customer wrote something."""

    text: Personal


class Dispatched(Event, type="toy.dispatched"):
    parcels: int = 1


class Reported(Between, type="toy.reported"):
    """Another case of ours has something to say."""


class Lent(Event, type="toy.lent", key="card"):
    """Somebody borrowed it."""

    card: str


class Decision(Event, type="toy.decision"):
    approve: bool


Placed.examples = (
    {
        "customer": "C-1",
        "email": "jane@example.org",
        "ship_to": {"name": "Jane Doe", "street": "12 Hill Rd", "country": "DE"},
        "lines": [{"sku": "MUG-1", "quantity": 2}],
    },
)


TOY = Procedure(
    name="toy",
    title="Toy",
    version=1,
    purpose="-",
    scope="-",
    responsible="-",
    references=(),
    fulfils=(),
    data=Facts,
    events=(Placed, Noted, Dispatched, Lent, Reported),
    states=(Ask("waiting", "-", form=Decision, role="agent", no_deadline="a toy"),),
    rules=(),
    may_happen=lambda _: (),
    module="tests.adapters",
)


TOYS = Catalogue([TOY])
PERSONAL = ("jane", "Jane", "Hill")  #: parts of what is personal in the example


def placed(number: int = 1, **changes: object) -> dict[str, object]:
    """An event as a shop would send it; ``changes`` are attributes, ``None`` leaves one out."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": f"evt-{number}",
        "source": "shop",
        "type": "toy.placed",
        "subject": f"T-{number}",
        "data": Placed.examples[0],
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


class ToyStore:
    """Keeps letters and wrapped keys; ``down`` makes it unavailable."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.transactions = 0
        self.kept: dict[str, bytes] = {}
        self.destroyed: set[str] = set()
        self.down = False
        self._known: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def receive(self, letters: Sequence[Letter]) -> list[Receipt]:
        if self.down:
            raise StoreUnavailable("down")
        with self._lock:
            self.transactions += 1
            return [self._receive(letter) for letter in letters]

    def clear(self) -> None:
        """Forget all letters; keys stay."""
        self.letters.clear()
        self._known.clear()

    def probe(self) -> None:
        if self.down:
            raise StoreUnavailable("down")

    def _receive(self, letter: Letter) -> Receipt:
        number = self._known.get((letter.source, letter.id))
        if number is not None:
            return Receipt(number=number, duplicate=True)
        self.letters.append(letter)
        self._known[letter.source, letter.id] = len(self.letters)
        return Receipt(number=len(self.letters), duplicate=False)

    def customer_keys(self, customers: Collection[str], *, fresh: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if self.down:
            raise StoreUnavailable("down")
        with self._lock:
            for customer, key in fresh.items():
                self.kept.setdefault(customer, key)
            return {c: self.kept[c] for c in customers if c in self.kept and c not in self.destroyed}


def intake(store: ToyStore, *, catalogue: Catalogue = TOYS) -> Intake:
    vault = Vault(store, master=MasterKeys(b"m" * 32))
    return Intake(store, vault=vault, catalogue=catalogue, clock=lambda: NOW)


def real(store: ToyStore | None = None) -> Intake:
    """An intake for the procedures of the house."""
    return intake(store or ToyStore(), catalogue=CATALOGUE)


def faults(*events: object, store: ToyStore | None = None) -> tuple[EventFault, ...]:
    """What is wrong with ``events``, which are refused without anything personal being said."""
    with pytest.raises(InvalidEvents) as caught:
        intake(store or ToyStore()).accept(events)
    assert not any(clear in str(caught.value) for clear in PERSONAL)
    return caught.value.faults
