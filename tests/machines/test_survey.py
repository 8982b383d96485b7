"""The survey procedure: whoever was served is asked once, and a low score is a complaint."""

from __future__ import annotations

import pytest

from machines.between import SurveyCalledOff, SurveyRequested
from machines.complaint.data import Complaint
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.order.events import OrderPlaced
from machines.shipment import events as carrier
from machines.survey.data import Terms
from machines.survey.effects import request
from machines.survey.events import OpinionGiven
from machines.survey.guards import dissatisfied
from machines.surveying import survey_key
from tests.machines.play import START, Play

CASE = "survey/order-SO-1001"
REQUESTED = SurveyRequested.model_validate(SurveyRequested.examples[0])
OFF = SurveyCalledOff(survey="order-SO-1001")


def score(stars: int, *, customer: str = "C-1") -> Event:
    return OpinionGiven(customer=customer, score=stars)


PATHS: list[tuple[str, list[Event | str], str, list[str]]] = [
    ("satisfied", ["ask_at", score(5)], "answered", ["survey.opinion_asked", "survey.thanks"]),
    ("not told before a day", [score(5)], "due", []),
    (
        "after a reminder",
        ["ask_at", "reminder", score(3)],
        "answered",
        ["survey.opinion_asked", "survey.reminder", "survey.thanks"],
    ),
    ("low", ["ask_at", score(2)], "recovering", ["survey.opinion_asked", "survey.sorry"]),
    (
        "silent",
        ["ask_at", "reminder", "answer_due"],
        "expired",
        ["survey.opinion_asked", "survey.reminder"],
    ),
    ("open again", [OFF], "called_off", []),
    ("open again later", ["ask_at", OFF], "called_off", ["survey.opinion_asked"]),
    ("somebody else", ["ask_at", score(1, customer="C-2")], "sent", ["survey.opinion_asked"]),
]


@pytest.mark.parametrize(
    ("steps", "ends", "told"), [path[1:] for path in PATHS], ids=[path[0] for path in PATHS]
)
def test_path(steps: list[Event | str], ends: str, told: list[str]) -> None:
    play = Play()
    play.tell(CASE, REQUESTED)
    for step in steps:
        if isinstance(step, str):
            play.pass_deadline(CASE, step)
        else:
            play.tell(CASE, step)
    assert (play.state(CASE), play.told) == (ends, told)


def test_a_low_score_opens_a_complaint_about_the_same_order() -> None:
    play = Play()
    play.tell(CASE, REQUESTED)
    play.pass_deadline(CASE, "ask_at")
    play.tell(CASE, OpinionGiven(customer="C-1", score=1, words="I had to ask three times."))
    assert play.state("complaint/order-SO-1001-C") == "calling_back"
    complaint = play.cases["complaint/order-SO-1001-C"].data
    assert isinstance(complaint, Complaint)
    assert (complaint.order, complaint.reason) == ("SO-1001", "scored 1 of 5 about order/SO-1001")
    assert play.tell(CASE, score(1)) is Disposition.REFUSED


@pytest.mark.parametrize(("limit", "stars", "low"), [(2, 2, True), (2, 3, False), (0, 1, False)])
def test_the_house_says_what_is_a_low_score(limit: int, stars: int, low: bool) -> None:
    survey = request(Terms(low_score=limit), REQUESTED, START)
    opinion = OpinionGiven(customer="C-1", score=stars)
    assert bool(dissatisfied(survey, opinion, START)) is low


def test_the_same_end_is_asked_about_once() -> None:
    play = Play()
    play.tell(CASE, REQUESTED)
    assert play.tell(CASE, REQUESTED) is Disposition.IGNORED
    assert survey_key("complaint", "CP-1", time=1) == "complaint-CP-1"
    assert survey_key("complaint", "CP-1", time=2) == "complaint-CP-1-2"


def test_an_order_that_is_delivered_does_not_wait_for_its_survey() -> None:
    play = Play()
    play.tell("order/SO-1001", OrderPlaced.model_validate(OrderPlaced.examples[0]))
    play.tell("shipment/SO-1001-1", carrier.ShipmentDispatched())
    assert CASE not in play.cases
    play.tell("shipment/SO-1001-1", carrier.ShipmentDelivered())
    assert (play.state("order/SO-1001"), play.state(CASE)) == ("delivered", "due")
    assert play.cases[CASE].parent == "order/SO-1001"
