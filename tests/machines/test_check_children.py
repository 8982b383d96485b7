"""A parent is checked against what its child really does, messages crossing on the way included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from time import perf_counter

from machines.check import Finding, Kind, Scope, check
from machines.kernel.duration import hours
from machines.kernel.event import Event, Facts
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Rule, Send, ignore, on
from machines.kernel.state import Deadline, End, State, Wait


class Job(Facts):
    pass


class Ordered(Event, type="order.opened", opens=True):
    examples = ({},)


class Cancelled(Event, type="order.cancelled"):
    pass


class Requested(Event, type="parcel.requested", opens=True):
    examples = ({},)


class Stopped(Event, type="parcel.stopped"):
    pass


class Scanned(Event, type="parcel.scanned"):
    pass


class Sent(Event, type="parcel.sent"):
    pass


class Kept(Event, type="parcel.kept"):
    pass


LOST = Deadline("lost", "no scan", after=hours(2))
NEW = Wait("new", "", no_deadline="opens at once")
READY = Wait("ready", "", deadlines=(LOST,))
SENT = End("sent", "", outcome="sent", reports=lambda _: Sent())
KEPT = End("kept", "", outcome="kept", reports=lambda _: Kept())
OPEN = Wait("open", "", no_deadline="the parcel has one")
STOPPING = Wait("stopping", "", no_deadline="the parcel has one")
DONE, DEAD = End("done", "", outcome="done"), End("dead", "", outcome="cancelled")


def start(*_: object) -> Job:
    return Job()


PARCEL_RULES = (
    on(Requested, at=NEW, to=READY, then=start),
    on(Scanned, at=READY, to=SENT),
    on(Stopped, at=READY, to=KEPT),
    on(LOST, at=READY, to=KEPT),
    ignore(Requested, at=(READY, SENT, KEPT), because="twice"),
    ignore(Scanned, at=(SENT, KEPT), because="late"),
    ignore(Stopped, at=(SENT, KEPT), because="too late"),
)
ORDER_RULES: tuple[Rule, ...] = (
    on(Ordered, at=NEW, to=OPEN, then=start, sends=lambda *_: (Send(Requested(), ("parcel", "1")),)),
    on(Cancelled, at=OPEN, to=STOPPING, sends=lambda *_: (Send(Stopped(), ("parcel", "1")),)),
    on(Sent, at=(OPEN, STOPPING), to=DONE),
    on(Kept, at=(OPEN, STOPPING), to=DEAD),
    ignore(Ordered, at=(OPEN, STOPPING, DONE, DEAD), because="twice"),
    ignore(Cancelled, at=(STOPPING, DONE, DEAD), because="too late"),
    *(ignore(event, at=(DONE, DEAD), because="over") for event in (Sent, Kept)),
)


def procedure(
    name: str, events: tuple[type[Event], ...], states: Iterable[State], rules: Iterable[Rule]
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
        may_happen=lambda _: tuple(event() for event in events if event not in (Sent, Kept)),
        module="machines.kernel",
    )


PARCEL = procedure("parcel", (Requested, Scanned, Stopped), (NEW, READY, SENT, KEPT), PARCEL_RULES)
ORDER = procedure("order", (Ordered, Cancelled, Sent, Kept), (NEW, OPEN, STOPPING, DONE, DEAD), ORDER_RULES)


def findings(*procedures: Procedure) -> tuple[Finding, ...]:
    return check(procedures, clock=perf_counter).findings


def test_parent_and_child_that_fit_are_clean() -> None:
    assert findings(ORDER, PARCEL) == ()


def test_a_report_that_crosses_a_message_is_met() -> None:
    rules = (
        *(rule for rule in ORDER_RULES if rule.event != Sent.type),
        on(Sent, at=OPEN, to=DONE),
        ignore(Sent, at=(DONE, DEAD), because="over"),
    )
    found = [one for one in findings(replace(ORDER, rules=rules), PARCEL) if one.kind is Kind.LATE_OUTCOME]
    assert [(one.at, one.path) for one in found] == [
        (
            "stopping",
            (
                "new: order.opened -> open",
                "open: order.cancelled -> stopping",
                "stopping: parcel 1 parcel.sent",
            ),
        )
    ]


def test_the_parent_meets_only_what_the_child_can_do() -> None:
    """A child that is never kept back never says so, whatever the parent declares."""
    rules = (
        on(Requested, at=NEW, to=READY, then=start),
        on(Scanned, at=READY, to=SENT),
        on(LOST, at=READY, to=SENT),
        ignore(Requested, at=(READY, SENT), because="twice"),
        ignore(Scanned, at=SENT, because="late"),
        ignore(Stopped, at=(READY, SENT), because="too late"),
    )
    found = findings(ORDER, replace(PARCEL, rules=rules, states=(NEW, READY, SENT)))
    assert {one.kind for one in found} == {Kind.UNREACHABLE, Kind.NOBODY_SENDS, Kind.DEAD_RULE}
    assert {one.at for one in found if one.kind is Kind.UNREACHABLE} == {"dead"}


def test_a_child_that_never_answers_leaves_the_parent_stuck() -> None:
    silent = Wait("silent", "", no_deadline="x")
    rules = (
        on(Requested, at=NEW, to=READY, then=start),
        on(Scanned, at=READY, to=SENT),
        on(LOST, at=READY, to=SENT),
        on(Stopped, at=READY, to=silent),
        ignore(Requested, at=(READY, SENT, silent), because="twice"),
        ignore(Scanned, at=(SENT, silent), because="late"),
        ignore(Stopped, at=(SENT, silent), because="too late"),
    )
    found = findings(ORDER, replace(PARCEL, rules=rules, states=(NEW, READY, SENT, silent)))
    stuck = [one for one in found if one.kind is Kind.NO_END and one.sop == "order"]
    assert [one.at for one in stuck] == ["stopping"]
    assert stuck[0].path[-1] == "stopping: parcel 1 takes parcel.stopped -> stopping"


def test_an_event_to_a_procedure_or_a_case_that_does_not_exist() -> None:
    stray = on(Cancelled, at=OPEN, to=STOPPING, sends=lambda *_: (Send(Stopped(), ("parcel", "2")),))
    rules = (ORDER_RULES[0], stray, *ORDER_RULES[2:])
    for procedures, text in (
        ((replace(ORDER, rules=rules), PARCEL), "parcel/2 has not been opened"),
        ((ORDER,), "there is no procedure 'parcel'"),
    ):
        found = [one for one in findings(*procedures) if one.kind is Kind.NO_RECEIVER]
        assert text in {one.text for one in found}


class Closed(Event, type="order.closed"):
    pass


def test_a_child_that_waits_for_its_parents_word_is_not_without_end_where_the_bound_cut_that_word_off() -> (
    None
):
    waiting = Wait("waiting", "", no_deadline="the order says")
    child = procedure(
        "parcel",
        (Requested, Stopped),
        (NEW, waiting, KEPT),
        (
            on(Requested, at=NEW, to=waiting, then=start),
            on(Stopped, at=waiting, to=KEPT),
            ignore(Requested, at=(waiting, KEPT), because="twice"),
            ignore(Stopped, at=KEPT, because="too late"),
        ),
    )
    parent = procedure(
        "order",
        (Ordered, Closed, Cancelled, Kept),
        (NEW, OPEN, STOPPING, DONE, DEAD),
        (
            *ORDER_RULES,
            on(Closed, at=OPEN, to=DONE),
            ignore(Closed, at=(STOPPING, DONE, DEAD), because="too late"),
        ),
    )
    for deviations in (0, 9):
        scopes = {"order": (Scope(deviations=deviations),)}
        found = check((parent, child), clock=perf_counter, scopes=scopes).findings
        assert not [one for one in found if one.kind is Kind.NO_END]


def test_a_case_apart_goes_its_own_way() -> None:
    """None of the sender's children: the sender waits for nothing, the receiver is explored alone."""
    opens = on(
        Ordered,
        at=NEW,
        to=DONE,
        then=start,
        sends=lambda *_: (Send(Requested(), ("parcel", "1"), apart=True),),
    )
    events = (Ordered, Cancelled, Sent, Kept)
    rules = (opens, *(ignore(event, at=DONE, because="over") for event in events))
    order = replace(
        ORDER, states=(NEW, DONE), rules=rules, may_happen=lambda _: (Cancelled(), Sent(), Kept())
    )
    report = check((order, PARCEL), clock=perf_counter)
    assert report.findings == ()
    assert [one.sop for one in report.explored] == ["order", "parcel"]


def test_a_case_apart_of_a_procedure_that_does_not_take_it() -> None:
    sends = on(Cancelled, at=OPEN, to=STOPPING, sends=lambda *_: (Send(Kept(), ("parcel", "9"), apart=True),))
    rules = (ORDER_RULES[0], sends, *ORDER_RULES[2:])
    found = [one for one in findings(replace(ORDER, rules=rules), PARCEL) if one.kind is Kind.NO_RECEIVER]
    assert [(one.at, one.text) for one in found] == [("parcel.kept", "no procedure 'parcel' takes it")]
