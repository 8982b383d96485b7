"""A decision found again by what it read is the one that ``decide`` takes; what is read is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from machines.catalogue import CATALOGUE
from machines.check import Scope
from machines.check.explorer import Explorer
from machines.check.knowledge import Knowledge
from machines.check.liveness import Fields
from machines.check.remembering import Remembered
from machines.check.situation import NOW, PAST, Raised
from machines.check.traffic import Traffic
from machines.kernel.decide import decide
from machines.kernel.event import Facts, Received

KNOWN = {procedure.name: procedure for procedure in CATALOGUE}


class Line(Facts):
    sku: str


class Job(Facts):
    lines: tuple[Line, ...]
    count: int = 0
    mark: str | None = None
    since: datetime | None = None


class Bare(Facts):
    pass


JOB = Job(lines=(Line(sku="A"),), count=1)


def read_by(fields: Fields, data: Facts) -> list[str]:
    fields.log.reads.clear()
    data.model_copy(update={"mark": "x"})
    return list(fields.log.reads)


@pytest.mark.parametrize("sop", ["shipment", "refund", "complaint"])
def test_what_is_found_again_is_what_decide_says(sop: str) -> None:
    traffic = Traffic(Scope(children={"task": 1}), 1, lambda: False, True)
    explorer = Explorer(sop, procedures=KNOWN, traffic=traffic, child=False)
    explorer.explore(explorer.root)
    decisions = traffic.decisions[sop, False]
    decided, compared = explorer.stepper.decisions, 0
    for situation, edges in zip(explorer.situations, explorer.edges, strict=True):
        for happening in {edge.label.happening for edge in edges if " " not in edge.label.who}:
            found = decisions.decided(situation.core, happening)
            assert not isinstance(found, Raised)
            kind, payload, at = decided.happenings[happening]
            if at > NOW:
                continue  # everything has grown older since
            case = decisions.case(situation.core)
            anew = decide(decisions.definition, case, Received("1", "test", kind, payload, at), at)
            known = decisions.data.data(found.data)
            assert anew.case.state == found.ruled.state
            assert (anew.case.data and anew.case.data.model_dump()) == (known and known.model_dump())
            assert anew.sends == found.ruled.sends
            compared += 1
    assert compared > len(decisions) / 4


def test_an_answer_is_found_by_the_fields_that_were_read_and_no_others() -> None:
    remembered: Remembered[str] = Remembered()
    remembered.put("who?", (1, 2, 3), read=(1, 0), answer="a")
    remembered.put("who?", (1, 4, 3), read=(1,), answer="b")
    assert remembered.get("who?", (1, 2, 9)) == "a"
    assert remembered.get("who?", (7, 4, 9)) == "b"
    assert remembered.get("who?", (7, 2, 3)) is None
    assert remembered.get("when?", (1, 2, 3)) is None


def test_a_field_counts_as_read_unless_it_was_written_before() -> None:
    fields = Fields(Job)
    job = fields.watched(dict(JOB))
    assert read_by(fields, job) == []
    copied = job.model_copy(update={"count": 5})
    # The model is made when it runs, so no type checker knows its fields.
    assert (copied.count, copied.mark) == (5, None)  # type: ignore[attr-defined]
    assert list(fields.log.reads) == ["mark"]
    assert fields.written(copied) == {"count"}
    assert fields.plain(copied) == JOB.model_copy(update={"count": 5})


@pytest.mark.parametrize("whole", [Facts.model_dump_json, dict, repr, lambda job: job == job.model_copy()])
def test_who_looks_at_all_of_it_reads_every_field(whole: Callable[[Facts], object]) -> None:
    fields = Fields(Job)
    job = fields.watched(dict(JOB))
    fields.log.reads.clear()
    whole(job)
    assert set(fields.log.reads) == set(Job.model_fields)


def test_equal_data_have_one_number_and_others_another() -> None:
    knowledge = Knowledge(Job)
    names = list(Job.model_fields)
    number = knowledge.changed(0, knowledge.changes(JOB, names))
    equal = JOB.model_copy(update={"lines": (Line(sku="A"),)})
    assert knowledge.changed(0, knowledge.changes(equal, names)) == number
    marked = knowledge.changed(number, knowledge.changes(JOB.model_copy(update={"mark": "x"}), ["mark"]))
    assert knowledge.data(marked) == JOB.model_copy(update={"mark": "x"})
    assert knowledge.has(number) == frozenset()
    assert knowledge.has(marked) == frozenset({"mark"})
    assert knowledge.differing(marked, ["lines", "mark"]) == ["mark"]
    assert knowledge.without(marked, ["mark"]) == number


def test_no_data_and_data_without_a_field_are_told_apart() -> None:
    knowledge = Knowledge(Bare)
    assert knowledge.changed(0, None) == 0
    bare = knowledge.changed(0, knowledge.changes(Bare(), ()))
    assert (knowledge.data(0), knowledge.data(bare)) == (None, Bare())


def test_what_has_grown_older_lies_earlier() -> None:
    knowledge = Knowledge(Job)
    job = JOB.model_copy(update={"since": NOW + timedelta(hours=3)})
    number = knowledge.changed(0, knowledge.changes(job, list(Job.model_fields)), by=timedelta(hours=2))
    later = knowledge.changed(number, (), by=timedelta(hours=2))
    instants = [data.since for data in map(knowledge.data, (number, later)) if isinstance(data, Job)]
    assert instants == [NOW + timedelta(hours=1), PAST]
