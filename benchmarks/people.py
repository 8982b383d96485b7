"""People by script: whoever is asked answers at once: warehouse, agents, a department, customers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from benchmarks import load
from benchmarks.outside import Outside

LOOK_SECONDS = 0.2

GOES_BACK = "-BACK"  #: how keys of orders end whose customers return everything
Answer = Callable[[str], Iterator[Mapping[str, object]]]


def _sent_back(key: str) -> Iterator[Mapping[str, object]]:
    """The customer asks to, and the parcel comes."""
    if key.endswith(GOES_BACK):
        yield load.returned(key)
        yield load.arrived(key)


def _inspected(key: str) -> Iterator[Mapping[str, object]]:
    yield load.form("return.inspected", key, by="m.mill", found=[{"sku": "KETTLE", "quantity": 1}])


def _taken(key: str) -> Iterator[Mapping[str, object]]:
    yield load.form("complaint.taken", key, owner="a.field")


def _assessed(key: str) -> Iterator[Mapping[str, object]]:
    yield load.form("complaint.assessed", key, severity="S3", nature="service")


def _consulted(key: str) -> Iterator[Mapping[str, object]]:
    yield load.form("complaint.consulted", key, department="telephone", question="What happened?")


def _answered(key: str) -> Iterator[Mapping[str, object]]:
    yield load.form("task.answered", key, by="w.stone", answer="The line was overloaded.")


def _found(task: str) -> Iterator[Mapping[str, object]]:
    key = task.removesuffix("-T1")
    yield load.form("complaint.found", key, cause="the line was overloaded", upheld=True)


def _proposed(key: str) -> Iterator[Mapping[str, object]]:
    offer = {"remedy": "voucher", "amount": 1500, "explanation": "for the wait"}
    yield load.form("complaint.proposed", key, **offer)


def _accepted(key: str) -> Iterator[Mapping[str, object]]:
    yield load.form("complaint.answered", key, customer=f"C-{key}", number=1, amount=1500, accept=True)


#: Where a case of a procedure waits for somebody, and what that person then says.
ANSWERS: Mapping[tuple[str, str], Answer] = {
    ("order", "delivered"): _sent_back,
    ("return", "inspecting"): _inspected,
    ("complaint", "acknowledging"): _taken,
    ("complaint", "assessing"): _assessed,
    ("complaint", "investigating"): _consulted,
    ("task", "asked"): _answered,
    ("task", "answered"): _found,
    ("complaint", "proposing"): _proposed,
    ("complaint", "awaiting_answer"): _accepted,
}


class People:
    """Looks for cases that ask, at most every ``LOOK_SECONDS``, and answers each once."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._done: set[tuple[str, str, str]] = set()
        self._look_again = 0.0
        self.answers = 0

    def look(self) -> None:
        if time.monotonic() < self._look_again:
            return
        said: list[object] = []
        for sop, state, key in self._outside.standing(ANSWERS.keys()):
            if (sop, state, key) not in self._done:
                self._done.add((sop, state, key))
                said.extend(ANSWERS[sop, state](key))
        self._outside.send(said)
        self.answers += len(said)
        self._look_again = time.monotonic() + LOOK_SECONDS
