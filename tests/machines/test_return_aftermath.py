"""What follows a return: an appeal against our answer, and the question how it was."""

from __future__ import annotations

import pytest

from machines.between import ParcelFailed, Source, Trouble
from machines.complaining import Origin
from machines.complaint.data import Complaint
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.returning import ReturnCovered
from machines.returns import events as told
from tests.machines.advance_exchanges import IN_ADVANCE
from tests.machines.play import Play
from tests.machines.returns import (
    APPEAL,
    ARRIVED,
    ARRIVES,
    BACK,
    BRICK,
    CASE,
    DEFECTIVE,
    KETTLE,
    LEAVES,
    OLD,
    OVERRIDE,
    PATHS,
    PLAIN,
    REPLACEMENT,
    RMA,
    TOO_LATE,
    Path,
    inspected,
    request,
    walk,
)

APPEALED = f"complaint/{RMA}-A"


def test_an_appeal_opens_a_complaint_with_what_is_known() -> None:
    play = Play()
    play.tell(CASE, request(delivered=OLD, channel="phone"))
    assert play.tell(CASE, told.ReturnAppealed(customer="C-2")) is Disposition.REFUSED
    assert APPEALED not in play.cases
    assert play.tell(CASE, APPEAL) is Disposition.HANDLED
    assert (play.state(CASE), play.state(APPEALED)) == ("under_appeal", "acknowledging")
    complaint = play.data(APPEALED, Complaint)
    assert (complaint.origin, complaint.order, complaint.channel) == (Origin.RETURN, "SO-1001", "phone")
    assert RMA in complaint.reason
    assert play.tell(CASE, APPEAL) is Disposition.IGNORED


@pytest.mark.parametrize(
    ("steps", "state"),
    [(["appeal_due"], "turned_down"), ([OVERRIDE, ARRIVED, inspected(BRICK)], "rejected")],
    ids=["turned down", "rejected after inspection"],
)
def test_what_was_turned_down_stays_so_and_the_appeal_is_heard_once(
    steps: list[Event | str], state: str
) -> None:
    play = Play()
    play.tell(CASE, TOO_LATE)
    for step in steps:
        if isinstance(step, str):
            play.pass_deadline(CASE, step)
        else:
            play.tell(CASE, step)
    for one in (LEAVES, ARRIVES):
        if BACK in play.cases:
            play.tell(BACK, one)
    assert play.state(CASE) == state
    assert play.tell(CASE, APPEAL) is Disposition.HANDLED
    assert (play.state(CASE), play.state(APPEALED)) == (state, "acknowledging")
    assert play.tell(CASE, APPEAL) is Disposition.REFUSED
    assert f"{RMA}-A" in play.reason


def test_nothing_to_appeal_against_is_a_refusal_that_says_so() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, APPEAL) is Disposition.REFUSED
    assert "nothing was declined" in play.reason


SURVEY = f"survey/return-{RMA}"
SERVED = {"refunded", "exchanged", "disposed"}


@pytest.mark.parametrize("path", [*PATHS, *IN_ADVANCE], ids=lambda path: path.name)
def test_customers_are_surveyed_when_they_were_served_and_never_else(path: Path) -> None:
    play = walk(path)
    asked = [case for case in play.cases if case.startswith(SURVEY) and play.state(case) != "called_off"]
    assert len(asked) == (path.ends in SERVED)


def test_a_return_that_opens_once_more_calls_its_survey_off_and_is_asked_about_at_its_second_end() -> None:
    play = Play()
    play.tell(CASE, DEFECTIVE)
    for step in (ARRIVED, inspected(KETTLE)):
        play.tell(CASE, step)
    for event in (LEAVES, ARRIVES):
        play.tell(REPLACEMENT, event)
    assert (play.state(CASE), play.state(SURVEY)) == ("exchanged", "due")
    play.tell(
        CASE,
        ParcelFailed(
            parcel=f"{RMA}-X1", pieces=1, value=3000, trouble=Trouble.NOT_RECEIVED, after_delivery=True
        ),
    )
    assert (play.state(CASE), play.state(SURVEY)) == ("covering", "called_off")
    cap = Source.model_validate({"payment": "1", "means": "card", "cap": 3500})
    play.tell(CASE, ReturnCovered(rma=RMA, sources=(cap,)))
    assert (play.state(CASE), play.state(f"{SURVEY}-2")) == ("refunded", "due")
