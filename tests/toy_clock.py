"""A toy procedure with clocks for tests: a help desk answers a question, or waits for who asked it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from machines.kernel.clock import Acknowledged, Clock, Rung
from machines.kernel.command import CommandType
from machines.kernel.duration import days, working_hours
from machines.kernel.event import Event, Facts, Outcome
from machines.kernel.procedure import Procedure
from machines.kernel.rule import ignore, on
from machines.kernel.state import End, Wait
from machines.policy import Policy, parse


class Question(Facts):
    priority: str = "normal"
    owner: str | None = None
    told: tuple[str, ...] = ()


class Asked(Event, type="question.asked", opens=True):
    priority: str = "normal"
    examples = ({},)


class AskedBack(Event, type="question.asked_back"):
    pass


class Replied(Event, type="question.replied"):
    pass


class Ranked(Event, type="question.ranked"):
    priority: str


class HandedOver(Event, type="question.handed_over"):
    owner: str


class Answered(Event, type="question.answered"):
    pass


class Reopened(Event, type="question.reopened"):
    pass


class Taken(Acknowledged, type="question.escalation_acknowledged"):
    pass


class AlertSent(Outcome, type="alert.sent"):
    pass


class Alert(Facts):
    whom: str | None
    percent: int
    times: int


def ask(question: Question | None, event: Asked, at: datetime) -> Question:
    return Question(priority=event.priority)


def rank(question: Question, event: Ranked, at: datetime) -> Question:
    return question.model_copy(update={"priority": event.priority})


def hand_over(question: Question, event: HandedOver, at: datetime) -> Question:
    return question.model_copy(update={"owner": event.owner})


ALERT = CommandType(
    "alert.send",
    lambda question, event: [Alert(whom=event.whom, percent=event.percent, times=event.times)],
    outcomes=(AlertSent,),
    possible=lambda alert: [AlertSent()],
    takes=Alert,
)

NEW = Wait("new", "Nobody has asked yet.", no_deadline="a question opens at once")
OPEN = Wait("open", "The desk looks for an answer.", no_deadline="its clocks watch over it")
AWAITING = Wait("awaiting", "Who asked has to reply.", title="Awaiting customer", no_deadline="a toy")
DONE = Wait("done", "There is an answer.", no_deadline="it may be reopened")
CLOSED = End("closed", "It is over.", outcome="answered")

RESOLUTION = Clock(
    "resolution",
    "The question is answered.",
    budget=working_hours(8),
    runs_in=(OPEN,),
    pauses_in=(AWAITING,),
    thresholds=(50, 75, 90, 100),
    rungs=(
        Rung(75, whom="agent", text="Answer it soon.", acknowledge_within=working_hours(1)),
        Rung(100, whom="lead", text="The target is missed.", acknowledge_within=working_hours(2)),
    ),
    owner=lambda question: question.owner,
)
STATUTORY = Clock(
    "statutory",
    "The law wants an answer.",
    budget=days(56),
    runs_in=(OPEN, AWAITING),
    thresholds=(100,),
    statutory=True,
)
ALIVE = (OPEN, AWAITING)
PROCEDURE = Procedure(
    name="question",
    title="A question",
    version=1,
    purpose="Answer it.",
    scope="One question.",
    responsible="Desk lead",
    references=(),
    fulfils=(),
    data=Question,
    events=(Asked, AskedBack, Replied, Ranked, HandedOver, Answered, Reopened, Taken),
    states=(NEW, OPEN, AWAITING, DONE, CLOSED),
    rules=(
        on(Asked, at=NEW, to=OPEN, then=ask),
        on(AskedBack, at=OPEN, to=AWAITING),
        on(Replied, at=AWAITING, to=OPEN),
        on(Ranked, at=ALIVE, then=rank),
        on(HandedOver, at=ALIVE, then=hand_over),
        on(Answered, at=ALIVE, to=DONE),
        on(Answered, at=DONE, to=CLOSED),
        on(Reopened, at=DONE, to=OPEN),
        on(Taken, at=ALIVE),
        on(RESOLUTION.at(50), at=ALIVE),
        on(RESOLUTION.at(75), at=ALIVE, does=(ALERT,)),
        on(RESOLUTION.at(90), at=ALIVE),
        on(RESOLUTION.at(100), at=ALIVE, does=(ALERT,)),
        on(RESOLUTION.unacknowledged, at=OPEN, does=(ALERT,)),
        on(STATUTORY.at(100), at=ALIVE),
        on(AlertSent, at=(OPEN, AWAITING, DONE, CLOSED)),
        ignore(Asked, at=(OPEN, AWAITING, DONE, CLOSED), because="it is asked already"),
        ignore(AskedBack, at=(AWAITING, DONE, CLOSED), because="a toy"),
        ignore(Replied, at=(OPEN, DONE, CLOSED), because="a toy"),
        ignore(Ranked, at=(DONE, CLOSED), because="a toy"),
        ignore(HandedOver, at=(DONE, CLOSED), because="a toy"),
        ignore(Answered, at=CLOSED, because="a toy"),
        ignore(Reopened, at=(OPEN, AWAITING, CLOSED), because="a toy"),
        ignore(Taken, at=(DONE, CLOSED), because="a toy"),
    ),
    may_happen=lambda question: (
        *(AskedBack(), Replied(), Answered(), Reopened()),
        *(Ranked(priority="high"), HandedOver(owner="ann"), Taken(by="ann")),
    ),
    module="machines.kernel",
    clocks=(RESOLUTION, STATUTORY),
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
OFFICE = {
    "zone": "Europe/Berlin",
    "country": "DE",
    "subdivision": "BE",
    "opening": {day: ["09:00-12:30", "13:00-17:30"] for day in WEEKDAYS},
}


def policy(*, calendar: Mapping[str, object] | None = None, **more: object) -> Policy:
    """Eight hours of work a weekday in Berlin, and what a test has otherwise."""
    return parse({"calendar": {**OFFICE, **(calendar or {})}, **more})
