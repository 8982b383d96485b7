"""Two complaints about the same: only a complaint that can answer for both takes the other one on."""

from __future__ import annotations

import pytest

from machines.complaining import DuplicateFound, MergeAgreed, MergeAsked, MergeDeclined
from machines.complaint.data import Complaint, Remedy
from machines.complaint.events import ComplaintMerged, CustomerWrote
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from tests.machines.complaints import (
    CASE,
    HAZARD,
    MERGED,
    NOT_UPHELD,
    SECURED,
    WITH_ORDER,
    WITHDRAWN,
    WROTE,
    answer,
    investigated,
    offered,
)
from tests.machines.play import Play

HANDLED, REFUSED, IGNORED = Disposition.HANDLED, Disposition.REFUSED, Disposition.IGNORED
OLDER, YOUNGER = "complaint/CP-0999", "complaint/CP-1003"  #: all come at one instant; their numbers decide


def data(play: Play, case: str = CASE) -> Complaint:
    found = play.cases[case].data
    assert isinstance(found, Complaint)
    return found


def opened(*cases: str, customer: str = "C-1") -> Play:
    """This complaint, and others."""
    play = Play()
    for case in (*cases, CASE):
        key = case.removeprefix("complaint/")
        by = customer if case != CASE else "C-1"
        play.tell(case, WITH_ORDER.model_copy(update={"complaint": key, "customer": by}))
    return play


def test_what_is_still_written_about_a_duplicate_is_heard_where_it_goes_on() -> None:
    play = opened(OLDER)
    play.tell(CASE, MERGED)
    assert (play.state(CASE), play.state(OLDER)) == ("merged", "acknowledging")
    assert data(play, OLDER).duplicates == ("CP-1001",)
    assert play.told[-1] == "complaint.merged"
    before = play.called.count("complaints agent")
    play.tell(CASE, WROTE)
    assert play.called.count("complaints agent") == before + 1
    assert play.tell(OLDER, ComplaintMerged(into="CP-1001")) is REFUSED
    assert not any(case.startswith("survey/") for case in play.cases)


def test_a_complaint_is_not_merged_into_itself() -> None:
    play = investigated()
    assert play.tell(CASE, ComplaintMerged(into="CP-1001")) is REFUSED


@pytest.mark.parametrize(
    ("into", "customer", "ended", "stands"),
    [
        ("CP-0999", "C-2", False, "acknowledging"),
        ("CP-0999", "C-1", True, "withdrawn"),
        ("CP-1003", "C-1", False, "acknowledging"),
    ],
    ids=["of another customer", "over already", "came later"],
)
def test_what_cannot_answer_for_both_takes_no_other_on(
    into: str, customer: str, ended: bool, stands: str
) -> None:
    other = f"complaint/{into}"
    play = opened(other, customer=customer)
    if ended:
        play.tell(other, WITHDRAWN)
    play.tell(CASE, ComplaintMerged(into=into))
    assert (play.state(CASE), play.state(other)) == ("acknowledging", stands)
    assert data(play).merging is None
    assert play.called[-1] == "complaints agent"
    assert "complaint.merged" not in play.told


def test_three_complaints_are_not_merged_in_a_ring() -> None:
    play = opened(OLDER, YOUNGER)
    for case, into in ((OLDER, "CP-1001"), (CASE, "CP-1003"), (YOUNGER, "CP-0999"), (CASE, "CP-0999")):
        play.tell(case, ComplaintMerged(into=into))
    assert [play.state(case) for case in (OLDER, CASE, YOUNGER)] == ["acknowledging", "merged", "merged"]


def test_what_is_passed_on_in_an_old_ring_opens_a_complaint_again() -> None:
    play = opened(OLDER)
    play.tell(CASE, MERGED)
    again = CustomerWrote(customer="C-1", words="And?", through=("CP-1001", "CP-0999"))
    play.tell(CASE, again)
    assert (play.state(CASE), data(play).into) == ("assessing", None)


def test_a_complaint_that_does_not_exist_never_agrees_and_the_agent_hears_of_it() -> None:
    play = investigated()
    play.tell(CASE, MERGED)
    assert play.state(CASE) == "investigating"
    play.pass_deadline(CASE, "merge_due")
    assert (play.state(CASE), play.called[-1]) == ("investigating", "complaints agent")


def test_a_hazard_is_seen_to_before_it_is_merged() -> None:
    play = Play()
    play.tell(CASE, HAZARD)
    assert play.tell(CASE, MERGED) is REFUSED
    assert "complaint.secured" in play.reason
    play.tell(CASE, SECURED)
    assert play.tell(CASE, MERGED) is HANDLED


def test_an_agreement_that_comes_too_late_changes_nothing() -> None:
    play = offered(Remedy.PARTIAL_REFUND, 4000)
    play.tell(CASE, MERGED)
    play.tell(CASE, answer(amount=4000))
    play.tell(CASE, MergeAgreed(into="CP-0999"))
    assert (play.state(CASE), data(play).merging) == ("refunding", None)
    assert play.tell(CASE, MERGED) is REFUSED


def test_only_the_complaint_asked_last_is_heard() -> None:
    play = investigated()
    play.tell(CASE, MERGED)
    play.tell(CASE, ComplaintMerged(into="CP-0998"))
    for event in (MergeAgreed(into="CP-0999"), MergeDeclined(into="CP-0999", why="it came later")):
        assert play.tell(CASE, event) is IGNORED
    play.tell(CASE, MergeAgreed(into="CP-0998"))
    assert (play.state(CASE), data(play).into) == ("merged", "CP-0998")


@pytest.mark.parametrize("ending", [WITHDRAWN, NOT_UPHELD], ids=lambda event: event.type)
def test_a_complaint_answered_after_it_agreed_gives_the_other_back(ending: Event) -> None:
    play = investigated()
    play.tell(CASE, ending)
    play.tell(CASE, DuplicateFound(complaint="CP-1003"))
    assert data(play).duplicates == ()
    play = investigated()
    play.tell(CASE, MERGED)
    play.tell(CASE, MergeAgreed(into="CP-0999"))
    play.tell(CASE, MergeDeclined(into="CP-0999", why="it is not open any more"))
    assert (play.state(CASE), data(play).into) == ("assessing", None)


def test_of_two_merged_in_turn_the_news_follows_to_the_last() -> None:
    play = opened(OLDER)
    play.tell(CASE, MERGED)
    play.tell(CASE, DuplicateFound(complaint="CP-1003"))
    assert data(play, OLDER).duplicates == ("CP-1001", "CP-1003")
    asked = MergeAsked(complaint="CP-1003", customer="C-1", received=data(play).received)
    assert play.tell(CASE, asked) is HANDLED
    assert play.state(CASE) == "merged"
