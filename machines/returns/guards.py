"""Under which condition a rule of the return procedure applies, and how to tell where a return stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from machines.between import ParcelReport, RefundReport
from machines.complaining import AppealDecided, Relief
from machines.kernel.event import Event
from machines.kernel.verdict import Refusal, Verdict, allow_if
from machines.returning import ReturnCapped, ReturnCovered, ReturnRequested, Wish
from machines.returns import events as told
from machines.returns.counting import came, missing
from machines.returns.data import ParcelStatus, Purpose, Reopening, Return, appeal_key
from machines.returns.effects import answered, inspect
from machines.returns.eligibility import Ruling
from machines.returns.paying import cap
from machines.returns.terms import Terms

TO_INSPECT = timedelta(days=3)  #: we take no longer, where goods are sent when the 14 days are over
UNDER_WAY = (ParcelStatus.OPEN, ParcelStatus.LEFT)
STANDING = (*UNDER_WAY, ParcelStatus.DELIVERED)
ByCustomer = (
    told.ReturnWithdrawn
    | told.ReturnAppealed
    | told.ReturnSent
    | told.PostageClaimed
    | told.OfferAnswered
    | told.DifferenceAnswered
)

# -- request ---------------------------------------------------------------------------------------


def may_keep(terms: Terms, event: ReturnRequested, _: datetime) -> Verdict:
    answer = answered(terms, event)
    return allow_if(answer.keep, "the goods are to be sent back", alternatives=answer.alternatives)


def eligible(terms: Terms, event: ReturnRequested, _: datetime) -> Verdict:
    answer = answered(terms, event)
    allowed = answer.ruling is not Ruling.DECLINED
    return allow_if(allowed, answer.explained, alternatives=answer.alternatives)


def to_keep(_: Return, event: told.ReturnOverridden, __: datetime) -> Verdict:
    return allow_if(event.keep, "the goods are to come back")


def to_come_back(_: Return, event: told.ReturnOverridden, __: datetime) -> Verdict:
    return allow_if(not event.keep, "the goods are here already, or a replacement has been sent for them")


def may_still_keep(data: Return, event: told.ReturnOverridden, now: datetime) -> Verdict:
    if data.replacement(*STANDING):
        return Refusal("a replacement has been sent for these goods")
    return to_keep(data, event, now)


def may_appeal(data: Return, event: told.ReturnAppealed, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(data, event, now)):
        return verdict
    return allow_if(not data.appealed, f"a complaint is open about it already: {appeal_key(data)}")


def awards(relief: Relief) -> Callable[[Return, AppealDecided, datetime], Verdict]:
    def guard(_: Return, event: AppealDecided, __: datetime) -> Verdict:
        return allow_if(event.relief is relief, "the appeal has brought something else")

    return guard


def awards_refund(data: Return, event: AppealDecided, _: datetime) -> Verdict:
    if event.relief is not Relief.REFUND:
        return Refusal("the appeal has brought something else")
    return allow_if(event.amount <= data.covered, "so much was never paid for these goods")


def awards_something(_: Return, event: AppealDecided, __: datetime) -> Verdict:
    return allow_if(event.relief is not Relief.NONE, "nothing is to be given")


def new_ruling(data: Return, event: AppealDecided, _: datetime) -> Verdict:
    return allow_if(event.ruling is not data.ruling, "the customer has been told so before")


def opened_by_appeal(data: Return, _: ReturnCovered, __: datetime) -> Verdict:
    return allow_if(data.reopening is Reopening.APPEAL, "it was opened once more for another reason")


def covers(relief: Relief) -> Callable[[Return, ReturnCovered, datetime], Verdict]:
    def guard(data: Return, event: ReturnCovered, now: datetime) -> Verdict:
        if not (verdict := opened_by_appeal(data, event, now)):
            return verdict
        if data.award is None or data.award.relief is not relief:
            return Refusal("the appeal has brought something else")
        covered = sum(source.cap for source in event.sources)
        return allow_if(
            covered > 0 and covered >= data.award.amount, "the money for these goods has gone back otherwise"
        )

    return guard


# -- parcel to us ----------------------------------------------------------------------------------


def by_its_customer(data: Return, event: ByCustomer, _: datetime) -> Verdict:
    return allow_if(event.customer == data.customer, "this return belongs to another customer")


def may_withdraw(data: Return, event: told.ReturnWithdrawn, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(data, event, now)):
        return verdict
    return allow_if(
        not data.replacement(*STANDING), "a replacement is on its way; send either of the two back"
    )


def newer(data: Return, event: told.ReturnScanned, _: datetime) -> Verdict:
    """Scans come twice, late and backwards; only one that is newer by number and time tells anything."""
    later = data.scanned_at is None or event.scanned_at >= data.scanned_at
    return allow_if(
        later and event.sequence > data.sequence, "a late or repeated scan changes nothing but the log"
    )


def wants_replacement(data: Return, _: Event, __: datetime) -> Verdict:
    return allow_if(data.wish is not Wish.REFUND, "the customer wants the money")


def in_advance(data: Return, _: Event, __: datetime) -> Verdict:
    return allow_if(data.advance, "the goods come back first")


def replaced(data: Return, _: Event, __: datetime) -> Verdict:
    return allow_if(data.replacement(*STANDING), "no replacement has been sent")


def charge_is_due(data: Return, _: Event, __: datetime) -> Verdict:
    sent = data.replacement(ParcelStatus.LEFT, ParcelStatus.DELIVERED)
    return allow_if(sent, "no replacement has been sent")


# -- inspection ------------------------------------------------------------------------------------


def accepted(data: Return, event: told.ReturnInspected, now: datetime) -> Verdict:
    after = inspect(data, event, now)
    return allow_if(after.accepted >= data.answer.refund, "not all came back as it was sold")


def worth_something(data: Return, event: told.ReturnInspected, now: datetime) -> Verdict:
    return allow_if(inspect(data, event, now).offered > 0, "nothing came back that is worth anything")


def paid_before(data: Return, _: told.ReturnInspected, __: datetime) -> Verdict:
    return allow_if(bool(data.paybacks), "nothing has been paid back for these goods yet")


def only_too_few(data: Return, event: told.ReturnInspected, now: datetime) -> Verdict:
    """There is nothing to send back, and so nothing to choose."""
    if not (verdict := worth_something(data, event, now)):
        return verdict
    as_sold = all(found.condition is told.Condition.AS_SOLD for found in event.found)
    return allow_if(as_sold, "not all that came is as it was sold")


def not_here_yet(data: Return, _: Event, __: datetime) -> Verdict:
    return allow_if(not data.came, "the goods are here already")


def box_was_empty(data: Return, _: Event, __: datetime) -> Verdict:
    """The goods may come in a second parcel; what comes later, or after a replacement, is for the desk."""
    untouched = not data.found and not data.reopened and not data.parcels
    return allow_if(untouched, "what came has been looked at")


def something_came(_: Return, event: told.ReturnInspected, __: datetime) -> Verdict:
    return allow_if(bool(event.found), "there was nothing in the parcel")


def sends_back(data: Return, event: told.OfferAnswered, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(data, event, now)):
        return verdict
    return allow_if(event.choice is told.Choice.SEND_BACK, "nothing is to be sent back")


# -- replacement and money -------------------------------------------------------------------------


def dearer(data: Return, event: told.GoodsSetAside, _: datetime) -> Verdict:
    after = data.model_copy(update={"price": event.price})
    return allow_if(after.difference > 0, "the other article costs no more")


def pays(data: Return, event: told.DifferenceAnswered, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(data, event, now)):
        return verdict
    if event.pay and not (event.token or data.token):
        return Refusal("paying the difference needs a means of payment", ("have the money back",))
    return allow_if(event.pay, "the customer does not pay the difference")


def does_not_pay(data: Return, event: told.DifferenceAnswered, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(data, event, now)):
        return verdict
    return allow_if(not event.pay, "paying the difference needs a means of payment")


def charges_again(data: Return, event: told.ChargeDecided, _: datetime) -> Verdict:
    if not data.replacement(ParcelStatus.LEFT, ParcelStatus.DELIVERED):
        return Refusal("the replacement has not arrived; there is nothing to charge")
    return allow_if(event.again, "finance has let it go")


def refund_open(data: Return, event: RefundReport, _: datetime) -> Verdict:
    known = any(payback.key == event.refund and payback.open for payback in data.paybacks)
    return allow_if(known, "this refund was reported before")


def cut_down(data: Return, event: ReturnCapped, now: datetime) -> Verdict:
    return allow_if(cap(data, event, now) != data, "no more than that is still to go back")


def parcel_is(*statuses: ParcelStatus) -> Callable[[Return, ParcelReport, datetime], Verdict]:
    def guard(data: Return, event: ParcelReport, _: datetime) -> Verdict:
        for parcel in data.parcels:
            if parcel.key == event.parcel:
                return allow_if(parcel.status in statuses, f"that parcel is {parcel.status} already")
        return Refusal("this return has no such parcel")

    return guard


def reopened_for(reopening: Reopening) -> Callable[[Return, ReturnCovered, datetime], Verdict]:
    def guard(data: Return, event: ReturnCovered, _: datetime) -> Verdict:
        if data.reopening is not reopening:
            return Refusal("it was opened once more for another reason")
        covered = bool(event.sources) or data.charged > 0
        return allow_if(covered, "the money for these goods has gone back otherwise")

    return guard


# -- where a return stands -------------------------------------------------------------------------


def parcel_in(*statuses: ParcelStatus) -> Callable[[Return], bool]:
    def holds(data: Return) -> bool:
        return any(parcel.status in statuses for parcel in data.parcels)

    return holds


def refunding(data: Return) -> bool:
    return any(payback.open for payback in data.paybacks)


def kept_and_charged(data: Return) -> bool:
    """Something has not come back, and is paid for."""
    return data.advance and data.charge_left > 0 and bool(missing(data))


def replacement_is_back(data: Return) -> bool:
    """It went ahead and came back, all of it: the customer keeps the original."""
    back = (found for found in came(data) if found.condition is told.Condition.REPLACEMENT)
    return data.advance and sum(found.quantity for found in back) == data.pieces


def kept_original(data: Return) -> bool:
    return replacement_is_back(data) and not all_withheld(data)


def exchanged(data: Return) -> bool:
    return data.replacement(ParcelStatus.DELIVERED) and not replacement_is_back(data)


def all_withheld(data: Return) -> bool:
    return bool(data.paybacks) and all(payback.withheld for payback in data.paybacks)


def paid_back(data: Return) -> bool:
    return bool(data.paybacks)


def disposed(data: Return) -> bool:
    return data.choice is told.Choice.DISPOSE


def sent_back(data: Return) -> bool:
    return any(parcel.purpose is Purpose.BACK for parcel in data.parcels)


def always(_: Return) -> bool:
    return True


# -- instants --------------------------------------------------------------------------------------


def refund_by(data: Return) -> datetime | None:
    """Directive 2011/83/EU, Article 13: the refund of a withdrawal may wait for the goods or for proof that
    they were sent, and for nothing else."""
    by_law = data.answer.refund_by
    if by_law is None or data.sent_at is None or data.wish is not Wish.REFUND:
        return None
    return max(by_law, data.sent_at + TO_INSPECT)
