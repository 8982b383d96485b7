"""Letters that say how a step ended bring the step along, as it stands, in every store."""

from __future__ import annotations

from dataclasses import replace

from adapters.store.base import Store
from adapters.store.records import ANSWER, ANSWERS_LATER, Changes, Letter, StepStatus
from machines.kernel.case import Case
from tests.adapters.store.scenery import DAY, NOW, drive, open_parcels, peek, step_of


def told(step: str) -> Letter:
    return Letter(ANSWER, step, "label.printed", "parcel", "A", b"{}", NOW)


def test_an_answer_comes_with_its_step(store: Store) -> None:
    (case,) = open_parcels(store, "A").values()
    step = step_of(case)
    store.receive([told(step.key)])
    taken = peek(store, worker="ann", held=(case.id,))
    assert [row.letter.source for row in taken.letters] == [ANSWER]
    assert taken.answered == {step.key: step}


def test_an_answer_to_a_step_that_waits_finds_it_waiting(store: Store) -> None:
    def wait(changes: Changes, cases: dict[str, Case]) -> None:
        waiting = replace(
            step_of(cases["parcel/A"]), status=StepStatus.RETRYING, due=NOW + DAY, code=ANSWERS_LATER
        )
        changes.settled.append(waiting)

    held = open_parcels(store, "A")
    drive(store, held=held, change=wait, release=True)
    key = step_of(held["parcel/A"]).key
    store.receive([told(key), told(key)])
    taken = peek(store, worker="bob")
    assert taken.answered[key].waits
    assert len(taken.letters) == 1
    assert taken.steps == []


def test_an_answer_to_no_step_brings_none(store: Store) -> None:
    open_parcels(store, "A", release=True)
    store.receive([told("parcel/A/label.print/99")])
    taken = peek(store, worker="bob")
    assert (len(taken.letters), taken.answered) == (1, {})
