"""An appeal against the answer to a return: how it ends, how the return goes on, and what goes back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from machines.between import RefundWithheld, Share
from machines.complaining import AppealDecided, Ruling
from machines.complaint import events as heard
from machines.complaint.data import Nature, Remedy, Severity
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.returning import ReturnCovered
from machines.returns.data import Return
from tests.machines.play import Answer, Play
from tests.machines.returns import (
    APPEAL,
    ARRIVED,
    ARRIVES,
    BACK,
    BRICK,
    CASE,
    KETTLE,
    LEAVES,
    OVERRIDE,
    REPLACED,
    RMA,
    SHORT,
    TOO_LATE,
    inspected,
)

COMPLAINT = f"complaint/{RMA}-A"
TAKEN = heard.ComplaintTaken(owner="a.field")
ASSESSED = heard.ComplaintAssessed(severity=Severity.S4, nature=Nature.SERVICE)
FOUND = heard.CauseFound(cause="it came in time", upheld=True)
NOT_UPHELD = heard.CauseFound(cause="it came too late", upheld=False)
APPROVED = heard.OfferApproved(approve=True, reason="fair")
REOPENED = heard.ComplaintReopened(customer="C-1", words="Look at the date.")


def proposed(remedy: Remedy, amount: int = 0) -> Event:
    return heard.ResolutionProposed(remedy=remedy, amount=amount, explanation="fair")


def answered(number: int, amount: int, *, accept: bool = True) -> Event:
    return heard.OfferAnswered(customer="C-1", number=number, amount=amount, accept=accept)


class Appeal:
    """A return of 35.00 that was declined, or of goods that came and were sent back, under appeal. The order
    covers a return that opens once more with ``covered``."""

    def __init__(
        self,
        *,
        sent_back: bool = False,
        covered: int = 3500,
        answers: dict[str, list[Answer]] | None = None,
        held: Sequence[str] = (),
    ) -> None:
        self.play = Play(answers=answers or {}, held=held)
        self.play.tell(CASE, TOO_LATE, parent="order/SO-1001")
        self._covered = covered
        if sent_back:
            for event in (OVERRIDE, ARRIVED, inspected(BRICK)):
                self.play.tell(CASE, event)
            for event in (LEAVES, ARRIVES):
                self.play.tell(BACK, event)
        for case, event in ((CASE, APPEAL), (COMPLAINT, TAKEN), (COMPLAINT, ASSESSED)):
            self.play.tell(case, event)

    def upheld(self, remedy: Remedy, amount: int = 0, *, number: int = 1) -> Appeal:
        self.play.tell(COMPLAINT, FOUND)
        return self.offered(remedy, amount, number=number)

    def offered(self, remedy: Remedy, amount: int = 0, *, number: int = 1) -> Appeal:
        assert self.play.tell(COMPLAINT, proposed(remedy, amount)) is Disposition.HANDLED
        if self.stand[1] == "awaiting_senior":
            self.play.tell(COMPLAINT, APPROVED)
        self.play.tell(COMPLAINT, answered(number, amount))
        self.cover()
        return self

    def cover(self) -> None:
        if self.play.state(CASE) == "covering":
            caps = [{"payment": "1", "means": "card", "cap": self._covered}] if self._covered else []
            self.play.tell(CASE, ReturnCovered.model_validate({"rma": RMA, "sources": caps}))

    @property
    def stand(self) -> tuple[str, str]:
        return self.play.state(CASE), self.play.state(COMPLAINT)

    @property
    def going_back(self) -> int:
        data = self.play.cases[CASE].data
        assert isinstance(data, Return)
        return data.going_back

    def lawful(self) -> bool:
        return not [law for case in (CASE, COMPLAINT) for law in self.play.broken_laws(case)]


@pytest.fixture(autouse=True)
def _no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is played by ``Appeal.cover``; what else is told to it goes nowhere."""
    tell = Play.tell

    def told(play: Play, case: str, event: Event, *, parent: str | None = None) -> Disposition:
        if case.startswith("order/"):
            return Disposition.IGNORED
        return tell(play, case, event, parent=parent)

    monkeypatch.setattr(Play, "tell", told)


@pytest.mark.parametrize("sent_back", [False, True])
@pytest.mark.parametrize(
    ("remedy", "amount", "ends"),
    [(Remedy.FULL_REFUND, 3500, "refunded"), (Remedy.PARTIAL_REFUND, 1200, "refunded")],
)
def test_an_appeal_that_is_upheld_brings_the_money_once(
    sent_back: bool, remedy: Remedy, amount: int, ends: str
) -> None:
    appeal = Appeal(sent_back=sent_back).upheld(remedy, amount)
    assert appeal.stand == (ends, "resolved")
    assert appeal.going_back == amount
    assert "return.appeal_upheld" in appeal.play.told
    assert appeal.play.tell(CASE, ARRIVED) in (Disposition.HANDLED, Disposition.IGNORED)
    assert appeal.stand[0] == ends
    assert appeal.lawful()


def test_the_complaint_waits_until_the_return_has_paid() -> None:
    appeal = Appeal(held=["payment.refund"]).upheld(Remedy.FULL_REFUND, 3500)
    assert appeal.stand == ("refunding", "awaiting_return")
    appeal.play.answer("payment.refund")
    assert appeal.stand == ("refunded", "resolved")
    assert appeal.lawful()


def test_goods_that_may_come_back_after_all_bring_the_money_by_the_usual_way() -> None:
    appeal = Appeal().upheld(Remedy.RETURN)
    assert appeal.stand == ("awaiting_parcel", "resolved")
    for event in (ARRIVED, inspected(KETTLE)):
        appeal.play.tell(CASE, event)
    assert appeal.stand[0] == "refunded"
    assert appeal.going_back == 3000
    assert appeal.lawful()


@pytest.mark.parametrize("sent_back", [False, True])
def test_a_replacement_arrives_or_the_money_goes_back_instead(sent_back: bool) -> None:
    appeal = Appeal(sent_back=sent_back).upheld(Remedy.REPLACEMENT)
    assert appeal.stand == ("packing", "resolved")
    for case, event in REPLACED:
        appeal.play.tell(case.replace("X1", "X2") if sent_back else case, event)
    assert appeal.stand[0] == "exchanged"
    assert appeal.lawful()
    appeal = Appeal(sent_back=sent_back, answers={"stock.set_aside": [SHORT]}).upheld(Remedy.REPLACEMENT)
    assert appeal.stand == ("refunded", "resolved")
    assert appeal.going_back == 3000
    assert appeal.lawful()


@pytest.mark.parametrize("sent_back", [False, True])
def test_an_appeal_that_is_not_upheld_leaves_the_return_as_it_stood_and_says_so(sent_back: bool) -> None:
    appeal = Appeal(sent_back=sent_back)
    appeal.play.tell(COMPLAINT, NOT_UPHELD)
    assert appeal.stand == ("rejected" if sent_back else "turned_down", "not_upheld")
    assert ("return.appeal_stands" if sent_back else "return.turned_down") in appeal.play.told
    assert appeal.going_back == 0


@pytest.mark.parametrize(
    "events",
    [
        [heard.ComplaintWithdrawn(customer="C-1")],
        [FOUND, proposed(Remedy.VOUCHER, 1500), answered(1, 1500)],
        [FOUND, proposed(Remedy.APOLOGY), answered(1, 0, accept=False)] * 2,
    ],
    ids=["withdrawn", "settled otherwise", "turned down twice"],
)
def test_whatever_else_ends_an_appeal_ends_the_wait_of_the_return(events: list[Event]) -> None:
    appeal = Appeal()
    for number, event in enumerate(events):
        offer = isinstance(event, heard.OfferAnswered) and number > 2
        appeal.play.tell(COMPLAINT, answered(2, 0, accept=False) if offer else event)
    assert appeal.stand[0] == "turned_down"


def test_silence_to_our_offer_ends_the_wait_too() -> None:
    appeal = Appeal()
    for event in (FOUND, proposed(Remedy.FULL_REFUND, 3500)):
        appeal.play.tell(COMPLAINT, event)
    appeal.play.pass_deadline(COMPLAINT, "offer_due")
    assert appeal.stand == ("turned_down", "closed_unanswered")


def test_a_complaint_that_is_opened_again_can_still_overturn_the_answer() -> None:
    appeal = Appeal()
    appeal.play.tell(COMPLAINT, NOT_UPHELD)
    appeal.play.tell(COMPLAINT, REOPENED)
    assert appeal.upheld(Remedy.FULL_REFUND, 3500, number=1).stand == ("refunded", "resolved")
    assert appeal.going_back == 3500
    assert appeal.lawful()


@pytest.mark.parametrize("covered", [0, 3000])
def test_what_has_gone_back_otherwise_does_not_go_back_twice(covered: int) -> None:
    appeal = Appeal(sent_back=True, covered=covered).upheld(Remedy.FULL_REFUND, 3500)
    assert appeal.stand == ("not_owed", "redress_failed")
    assert appeal.going_back == 0
    assert appeal.offered(Remedy.VOUCHER, 1500, number=2).stand == ("not_owed", "resolved")
    assert appeal.lawful()


def test_finance_may_withhold_it_and_the_complaint_finds_something_else() -> None:
    appeal = Appeal(held=["payment.refund"]).upheld(Remedy.FULL_REFUND, 3500)
    share = Share(payment="1", amount=3500)
    appeal.play.tell(CASE, RefundWithheld(refund=f"{RMA}-R1", shares=(share,), reason="fraud"))
    assert appeal.stand == ("withheld", "redress_failed")
    assert appeal.offered(Remedy.VOUCHER, 1500, number=2).stand == ("withheld", "resolved")
    assert appeal.lawful()


def test_a_return_that_goes_on_by_an_override_grants_what_is_allowed_and_bars_the_rest() -> None:
    appeal = Appeal()
    appeal.play.tell(CASE, OVERRIDE)
    assert appeal.upheld(Remedy.RETURN).stand == ("awaiting_parcel", "resolved")
    appeal = Appeal()
    appeal.play.tell(CASE, OVERRIDE)
    assert appeal.upheld(Remedy.FULL_REFUND, 3500).stand == ("awaiting_parcel", "redress_failed")
    assert appeal.lawful()


@pytest.mark.parametrize(
    ("remedy", "amount", "why"),
    [(Remedy.FULL_REFUND, 3501, "at most 35.00 EUR"), (Remedy.RETURN, 0, "were inspected")],
)
def test_no_more_is_offered_than_the_return_could_give(remedy: Remedy, amount: int, why: str) -> None:
    appeal = Appeal(sent_back=True)
    appeal.play.tell(COMPLAINT, FOUND)
    assert appeal.play.tell(COMPLAINT, proposed(remedy, amount)) is Disposition.REFUSED
    assert appeal.play.last is not None
    assert why in appeal.play.last.entry.reason


def test_an_appeal_is_not_merged_away() -> None:
    appeal = Appeal()
    assert appeal.play.tell(COMPLAINT, heard.ComplaintMerged(into="CP-1")) is Disposition.REFUSED


def test_a_ruling_is_told_to_the_customer_once() -> None:
    appeal = Appeal(sent_back=True)
    decided = AppealDecided(complaint=f"{RMA}-A", ruling=Ruling.NOT_UPHELD)
    for _ in range(2):
        appeal.play.tell(CASE, decided)
    assert appeal.play.told.count("return.appeal_stands") == 1


def test_a_ruling_waits_while_the_order_is_asked_about_goods_that_came_after_all() -> None:
    """The first box was empty; the goods come in a second one while the ruling is on its way."""
    appeal = Appeal()
    for event in (FOUND, proposed(Remedy.RETURN)):
        appeal.play.tell(COMPLAINT, event)
    for event in (OVERRIDE, ARRIVED, inspected(), ARRIVED):
        appeal.play.tell(CASE, event)
    appeal.play.tell(COMPLAINT, answered(1, 0))
    assert appeal.stand == ("covering", "awaiting_return")
    appeal.cover()
    assert appeal.stand == ("inspecting", "resolved")


@pytest.mark.parametrize("sent_back", [False, True])
def test_an_ombudsman_who_awards_more_than_was_paid_is_followed_another_way(sent_back: bool) -> None:
    appeal = Appeal(sent_back=sent_back)
    for event in (
        heard.ReferredOutside(body="Ombudsman"),
        heard.OutsideDecision(amount=9000, reason="the goods were fine"),
        answered(1, 9000),
    ):
        assert appeal.play.tell(COMPLAINT, event) is Disposition.HANDLED
    appeal.cover()
    assert appeal.stand == ("not_owed" if sent_back else "turned_down", "redress_failed")
    assert appeal.going_back == 0
    assert appeal.lawful()


def test_an_ombudsman_who_overturns_our_answer_is_followed_by_the_return() -> None:
    appeal = Appeal()
    appeal.play.tell(COMPLAINT, NOT_UPHELD)
    for event in (
        heard.ReferredOutside(body="Ombudsman"),
        heard.OutsideDecision(amount=3500, reason="the goods were fine"),
        answered(1, 3500),
    ):
        assert appeal.play.tell(COMPLAINT, event) is Disposition.HANDLED
    appeal.cover()
    assert appeal.stand == ("refunded", "resolved")
    assert appeal.going_back == 3500
    assert appeal.lawful()
