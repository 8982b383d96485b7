"""Each kind of mistake in a procedure is found, with the shortest way to it; the real ones have none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from time import perf_counter

import pytest

from machines.check import Finding, Kind, Report, Scope, check, walk
from machines.kernel.command import CommandType
from machines.kernel.duration import hours
from machines.kernel.event import Event, Facts, Outcome
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Rule, Send, defer, ignore, on
from machines.kernel.state import Act, Ask, Deadline, End, State, Wait
from machines.kernel.verdict import Verdict, allow_if
from machines.obligations import demanded


class Job(Facts):
    count: int = 0
    note: str = ""


class Started(Event, type="job.started", opens=True):
    count: int = 0
    examples = ({}, {"count": 1})


class Stopped(Event, type="job.stopped"):
    pass


class Answered(Event, type="job.answered"):
    yes: bool = True


class Done(Outcome, type="work.done"):
    pass


class Failed(Outcome, type="work.failed"):
    pass


class Undone(Outcome, type="work.undone"):
    pass


WORK = CommandType(
    "work.do",
    lambda job, _: [Job(count=job.count)],
    (Done, Failed),
    lambda _: (Done(), Failed()),
    takes=Job,
)
UNDO = CommandType("work.undo", lambda *_: [Job()], (Undone,), lambda _: (Undone(),), takes=Job)
LATE = Deadline("late", "nobody answers", after=hours(2))
NEW = Wait("new", "", no_deadline="opens at once")
WORKING = Act("working", "", does=(WORK,))
WAITING = Wait("waiting", "", deadlines=(LATE,))
ENDED = End("ended", "", outcome="done")
STATES: tuple[State, ...] = (NEW, WORKING, WAITING, ENDED)
OPEN = (WORKING, WAITING)
RULES: tuple[Rule, ...] = (
    on(Started, at=NEW, to=WORKING, then=lambda *_: Job()),
    ignore(Started, at=(WORKING, WAITING, ENDED), because="twice"),
    on(Done, at=WORKING, to=WAITING),
    on(Failed, at=WORKING, to=ENDED),
    on(Stopped, at=WAITING, to=ENDED),
    ignore(Stopped, at=(WORKING, ENDED), because="not now"),
    on(LATE, at=WAITING, to=ENDED),
)


def toy(
    *,
    name: str = "job",
    states: Iterable[State] = STATES,
    rules: Iterable[Rule] = RULES,
    events: tuple[type[Event], ...] = (Started, Stopped),
    may_happen: Callable[[Job], Iterable[Event | Send]] = lambda _: (Started(), Stopped()),
) -> Procedure:
    return Procedure(
        name=name,
        title=name,
        version=1,
        purpose="",
        scope="",
        responsible="",
        references=(),
        fulfils=(),
        data=Job,
        events=events,
        states=tuple(states),
        rules=tuple(rules),
        may_happen=may_happen,
        module="machines.kernel",
    )


def without(*rules: Rule) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule not in rules)


def checked(*procedures: Procedure) -> Report:
    return check(procedures, clock=perf_counter)


def found(kind: Kind, *procedures: Procedure) -> Finding:
    """The one finding of its kind."""
    findings = [one for one in checked(*procedures).findings if one.kind is kind]
    assert len(findings) == 1, findings
    return findings[0]


def test_a_procedure_without_mistakes_is_clean() -> None:
    report = checked(toy())
    assert report.clean, str(report)
    assert report.explored[0].states == 4


def test_two_runs_find_the_same() -> None:
    broken = toy(rules=RULES[1:4])
    assert checked(broken).findings == checked(broken).findings


def test_an_obligation_that_nothing_fulfils() -> None:
    fulfilling = Wait("waiting", "", deadlines=(LATE,), fulfils=("ORD-1", "RES-1", "XYZ-9"))
    procedure = replace(toy(states=(NEW, WORKING, fulfilling, ENDED)), fulfils=("RES-2", "RET-8", "GOV-1"))
    findings = check([procedure], clock=perf_counter, release="0.1").findings
    missing = [id for id in demanded("0.1") if id not in {"ORD-1", "RES-1", "GOV-1"}]
    assert [one.at for one in findings] == ["XYZ-9", *missing]
    assert {"ORD-2", "RES-2", "RET-1", "RET-8", "CMP-8", "SAT-4", "IMP-1"} <= set(missing)


def test_an_end_of_a_child_that_nobody_hears_of() -> None:
    ends = (
        End("told", "", outcome="x", reports=lambda _: Stopped()),
        End("silent", "", outcome="x"),
        End("known", "", outcome="x", silent="told before"),
    )
    findings = check([toy(states=(*STATES, *ends))], clock=perf_counter).findings
    assert [one.at for one in findings if one.kind is Kind.UNREPORTED] == ["ended", "silent"]


def test_a_customer_who_is_asked_without_a_word() -> None:
    asking = Ask("asking", "", form=Answered, role="customer", deadlines=(LATE,))
    findings = check([toy(states=(*STATES, asking))], clock=perf_counter).findings
    assert [one.at for one in findings if one.kind is Kind.UNASKED] == ["asking"]


def test_a_state_that_no_path_leads_to() -> None:
    attic = Wait("attic", "", no_deadline="x")
    rules = (*RULES, *(ignore(event, at=attic, because="") for event in (Started, Stopped)))
    assert found(Kind.UNREACHABLE, toy(states=(*STATES, attic), rules=rules)).at == "attic"


def test_a_state_that_cannot_end() -> None:
    cellar = Wait("cellar", "", no_deadline="x")
    ignored = (ignore(event, at=cellar, because="") for event in (Started, Stopped))
    rules = (*without(RULES[3]), on(Failed, at=WORKING, to=cellar), *ignored)
    finding = found(Kind.NO_END, toy(states=(*STATES, cellar), rules=rules))
    assert finding.at == "cellar"
    assert finding.path == ("new: job.started -> working", "working: work.do ends in work.failed -> cellar")


def test_waiting_without_a_deadline_or_a_reason() -> None:
    waiting = Wait("waiting", "")
    rules = (
        *RULES[:2],
        on(Done, at=WORKING, to=waiting),
        RULES[3],
        on(Stopped, at=waiting, to=ENDED),
        ignore(Stopped, at=(WORKING, ENDED), because=""),
    )
    procedure = toy(states=(NEW, WORKING, waiting, ENDED), rules=rules)
    assert found(Kind.NO_DEADLINE, procedure).at == "waiting"
    assert found(Kind.STUCK, procedure).path[-1] == "working: work.do ends in work.done -> waiting"


def test_a_deadline_that_passes_once_and_leaves_the_case_asleep() -> None:
    rules = (*without(RULES[-1]), on(LATE, at=WAITING, because="remind"))
    finding = found(Kind.STUCK, toy(rules=rules))
    assert finding.path[-1] == "waiting: deadline.late -> waiting"
    assert len(finding.path) == 3


def test_an_act_with_an_unhandled_outcome() -> None:
    procedure = toy(rules=without(RULES[3]))
    assert found(Kind.UNHANDLED_OUTCOME, procedure).text == "work.do can end in work.failed"
    assert found(Kind.LATE_OUTCOME, procedure).path[-1] == "working: work.do ends in work.failed"


def test_an_outcome_that_a_cancel_overtook_has_no_rule_in_the_end_state() -> None:
    rules = (
        *without(RULES[4], RULES[5]),
        on(Stopped, at=OPEN, to=ENDED),
        ignore(Stopped, at=ENDED, because=""),
    )
    findings = [one for one in checked(toy(rules=rules)).findings if one.kind is Kind.LATE_OUTCOME]
    assert [(one.at, one.text) for one in findings] == [
        ("ended", "work.done (work.do) has no rule"),
        ("ended", "work.failed (work.do) has no rule"),
    ]
    assert findings[0].path == (
        "new: job.started -> working",
        "working: job.stopped -> ended",
        "ended: work.do ends in work.done",
    )


def test_an_outcome_that_every_guard_refuses() -> None:
    def counted(job: Job, *_: object) -> Verdict:
        return allow_if(job.count > 0, "count is 0")

    picky = on(Done, at=WORKING, to=WAITING, when=counted)
    finding = found(Kind.LATE_OUTCOME, toy(rules=(picky, *without(RULES[2]))))
    assert "count is 0" in finding.text


def test_the_outcome_of_a_command_that_changes_nothing_is_found_where_it_has_no_rule() -> None:
    stopping = on(Stopped, at=WAITING, to=ENDED, does=(UNDO,))
    rules = (*without(RULES[4]), stopping, ignore(Undone, at=OPEN, because="nothing follows"))
    finding = found(Kind.LATE_OUTCOME, toy(rules=rules))
    assert finding.at == "ended"
    assert finding.path[-2:] == ("waiting: job.stopped -> ended", "ended: work.undo ends in work.undone")


def test_a_pair_of_state_and_event_without_a_rule() -> None:
    rules = (*without(RULES[5]), ignore(Stopped, at=WORKING, because=""))
    finding = found(Kind.UNDECLARED, toy(rules=rules))
    assert (finding.at, finding.text, finding.path) == ("ended", "job.stopped", ())


def test_an_effect_that_raises() -> None:
    def fail(*_: object) -> Job:
        raise RuntimeError("no such job")

    rules = (*without(RULES[4]), on(Stopped, at=WAITING, to=ENDED, then=fail))
    finding = found(Kind.RAISES, toy(rules=rules))
    assert "no such job" in finding.text
    assert finding.path[-1] == "waiting: job.stopped"


@pytest.mark.parametrize("where", ["when", "sends", "arguments"])
def test_whatever_a_rule_calls_may_raise(where: str) -> None:
    def fail(*_: object) -> Iterable[Job]:
        raise RuntimeError("no such job")

    def fail_guard(*_: object) -> Verdict:
        raise RuntimeError("no such job")

    def fail_sends(*_: object) -> Iterable[Send]:
        raise RuntimeError("no such job")

    broken = {
        "when": on(Stopped, at=WAITING, to=ENDED, when=fail_guard),
        "sends": on(Stopped, at=WAITING, to=ENDED, sends=fail_sends),
        "arguments": on(Stopped, at=WAITING, to=ENDED, does=(replace(UNDO, arguments=fail),)),
    }[where]
    rules = (*without(RULES[4]), broken, ignore(Undone, at=ENDED, because=""))
    assert found(Kind.RAISES, toy(rules=rules)).path[-1] == "waiting: job.stopped"


def test_an_event_and_a_form_that_nobody_sends() -> None:
    asking = Ask("asking", "", form=Answered, role="agent", deadlines=(LATE,))
    rules = (
        *RULES[:2],
        on(Done, at=WORKING, to=asking),
        RULES[3],
        on(Answered, at=asking, to=ENDED),
        on(LATE, at=asking, to=ENDED),
        ignore(Stopped, at=(WORKING, asking, ENDED), because=""),
    )
    procedure = toy(states=(NEW, WORKING, asking, ENDED), rules=rules, may_happen=lambda _: (Started(),))
    findings = [one.text for one in checked(procedure).findings if one.kind is Kind.NOBODY_SENDS]
    assert findings == ["form job.answered is never filled in", "job.stopped"]


def test_an_outcome_that_is_never_possible() -> None:
    hopeful = Act("working", "", does=(replace(WORK, possible=lambda _: (Done(),)),))
    rules = tuple(
        replace(
            rule,
            at=tuple(hopeful if one is WORKING else one for one in rule.at),
            to=hopeful if rule.to is WORKING else rule.to,
        )
        for rule in RULES
    )
    finding = found(Kind.NOBODY_SENDS, toy(states=(NEW, hopeful, WAITING, ENDED), rules=rules))
    assert finding.text == "the outcome work.failed never comes"


def test_a_deadline_without_a_rule_in_a_state_where_it_runs() -> None:
    procedure = toy(rules=without(RULES[-1]))
    assert found(Kind.UNRULED_DEADLINE, procedure).at == "waiting"
    assert found(Kind.LATE_OUTCOME, procedure).path[-1] == "waiting: deadline.late"


def test_a_rule_that_an_earlier_one_hides() -> None:
    rules = (*RULES, on(Stopped, at=WAITING, to=WORKING))
    assert found(Kind.DEAD_RULE, toy(rules=rules)).text == "on job.stopped -> working"


@pytest.mark.parametrize(
    "first",
    [on(Stopped, at=WAITING, to=ENDED), ignore(Stopped, at=OPEN, because="not now")],
    ids=["handled whatever the case knows", "ignored before"],
)
def test_a_deferral_that_another_rule_hides(first: Rule) -> None:
    rules = (*without(RULES[4]), first, defer(Stopped, at=WAITING, because="later"))
    finding = found(Kind.NEVER_DEFERRED, toy(rules=rules))
    assert (finding.sop, finding.at) == ("job", "waiting")
    assert finding.text.startswith("job.stopped: ")


def test_a_deferral_behind_a_guarded_rule_may_apply() -> None:
    rules = (
        replace(RULES[4], when=lambda job, *_: allow_if(job.count > 0, "not yet"))
        if rule is RULES[4]
        else rule
        for rule in (*RULES, defer(Stopped, at=WAITING, because="later"))
    )
    kinds = {one.kind for one in checked(toy(rules=rules)).findings}
    assert Kind.NEVER_DEFERRED not in kinds


def test_an_outcome_that_is_deferred_would_be_lost() -> None:
    rules = (
        *without(RULES[4], RULES[5]),
        on(Stopped, at=WORKING, to=WAITING),
        defer(Done, at=WAITING, because=""),
        ignore(Stopped, at=(WAITING, ENDED), because=""),
        ignore(Failed, at=WAITING, because=""),
        ignore(Done, at=ENDED, because=""),
        ignore(Failed, at=ENDED, because=""),
    )
    finding = found(Kind.DEFERRED_OUTCOME, toy(rules=rules))
    assert finding.at == "waiting"


def test_a_deferred_event_that_no_state_takes_up() -> None:
    rules = (*without(RULES[4], RULES[5]), defer(Stopped, at=(WORKING, WAITING, ENDED), because="later"))
    finding = found(Kind.KEPT_AT_END, toy(rules=rules))
    assert finding.text == "job.stopped"
    assert "ended" in finding.path[-1]


def test_a_deferred_event_is_tried_again_after_a_move() -> None:
    rules = (
        *without(RULES[5]),
        defer(Stopped, at=WORKING, because="later"),
        ignore(Stopped, at=ENDED, because=""),
    )
    assert checked(toy(rules=rules)).clean


class Charged(Outcome, type="pay.charged"):
    def postings(self) -> dict[str, int]:
        return {"taken": 100}


class PaidBack(Outcome, type="pay.paid_back"):
    def postings(self) -> dict[str, int]:
        return {"taken": -100}


CHARGE = CommandType("pay.charge", lambda *_: [Job()], (Charged,), lambda _: (Charged(),), takes=Job)
PAY_BACK = CommandType("pay.back", lambda *_: [Job()], (PaidBack,), lambda _: (PaidBack(),), takes=Job)


def nothing_is_kept(sums: Mapping[str, int]) -> Iterator[str]:
    if sums.get("taken"):
        yield f"{sums['taken']} was kept"


def charging(*, paying_back: bool) -> Procedure:
    """Charges while it waits; a case that is stopped pays back, or not."""
    stopping = on(Stopped, at=WAITING, to=ENDED, does=(PAY_BACK,) if paying_back else ())
    return toy(
        rules=(
            *without(RULES[2], RULES[4], RULES[6]),
            on(Done, at=WORKING, to=WAITING, does=(CHARGE,)),
            stopping,
            on(LATE, at=WAITING, to=ENDED, does=(PAY_BACK,)),
            *(ignore(outcome, at=(*OPEN, ENDED), because="booked") for outcome in (Charged, PaidBack)),
        )
    )


def test_a_law_that_is_broken_at_the_end_of_a_case() -> None:
    report = check([charging(paying_back=False)], clock=perf_counter, laws={"job": (nothing_is_kept,)})
    found = [one for one in report.findings if "kept" in one.text]
    assert [(one.kind, one.text) for one in found] == [(Kind.LAW, "100 was kept")]
    assert len(found[0].path) == 4  # started, done, charged and stopped in either order
    assert found[0].path[-1].endswith("-> ended")


def test_an_account_that_is_overdrawn_on_the_way_although_all_is_well_in_the_end() -> None:
    report = check([charging(paying_back=True)], clock=perf_counter, laws={"job": (nothing_is_kept,)})
    assert {(one.kind, one.text) for one in report.findings} == {(Kind.LAW, "account 'taken' is -100")}
    assert report.findings[0].path[-1] == "ended: pay.back ends in pay.paid_back -> ended"


def test_what_is_noted_early_and_read_late_is_told_apart() -> None:
    """Fields that nothing reads again are forgotten; this one is read two states later."""

    def note(_: Job | None, event: Started, __: datetime) -> Job:
        return Job(count=event.count)

    def many(job: Job, *_: object) -> Verdict:
        return allow_if(job.count > 0, "count is 0")

    attic = End("attic", "", outcome="many")
    rules = (
        on(Started, at=NEW, to=WORKING, then=note),
        on(Stopped, at=WAITING, to=attic, when=many),
        *without(RULES[0]),
        *(ignore(event, at=attic, because="over") for event in (Started, Stopped)),
    )
    assert checked(toy(states=(*STATES, attic), rules=rules)).clean
    without_note = (RULES[0], *rules[1:])
    assert found(Kind.UNREACHABLE, toy(states=(*STATES, attic), rules=without_note)).at == "attic"


def test_what_lies_beyond_the_bound_of_every_scope_is_a_finding() -> None:
    report = check([toy()], clock=perf_counter, scopes={"job": (Scope(deviations=0),)})
    assert report.explored[0].deviations == 0
    assert {one.kind for one in report.findings} == {Kind.NOBODY_SENDS, Kind.DEAD_RULE}
    assert checked(toy()).explored[0].deviations is None


def test_what_one_scope_leaves_out_another_may_meet() -> None:
    scopes = {"job": (Scope(deviations=0), Scope(openings=(1,)))}
    assert check([toy()], clock=perf_counter, scopes=scopes).clean


def test_with_time_a_bounded_scope_goes_on_until_it_is_complete() -> None:
    walked = walk("job", Scope(deviations=0), procedures=[toy()], clock=perf_counter, deeper=60)
    assert walked.explored[0].deviations is None
    assert walked.explored[0].situations == checked(toy()).explored[0].situations


def test_a_scope_keeps_events_and_openings_away() -> None:
    quiet = check([toy()], clock=perf_counter, scopes={"job": (Scope(without=frozenset({"job.stopped"})),)})
    assert [one.at for one in quiet.findings if one.kind is Kind.DEAD_RULE] == ["waiting"]
