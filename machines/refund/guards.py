"""Under which condition a rule of the refund procedure applies, and how far a refund has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from machines.between import Means, RefundCapped, RefundRequested
from machines.kernel.money import Money
from machines.kernel.verdict import Refusal, Verdict, allow_if
from machines.refund import events
from machines.refund.data import PartStatus, Refund, RefundTerms
from machines.refund.effects import MOST_TRIES, cap


def covered(_: RefundTerms, event: RefundRequested, __: datetime) -> Verdict:
    caps = sum(source.cap for source in event.sources)
    return allow_if(
        0 < event.amount <= caps,
        f"{event.amount} is more than the {caps} that can still go back; no more is paid back than was paid",
    )


def within_limit(terms: RefundTerms, event: RefundRequested, now: datetime) -> Verdict:
    if not (verdict := covered(terms, event, now)):
        return verdict
    asked, limit = Money(amount=event.amount, currency=event.currency), terms.limit(event.currency)
    return allow_if(asked <= limit, f"{asked} is above {limit}: finance must approve a refund of this size")


def approved(_: Refund, event: events.RefundDecided, __: datetime) -> Verdict:
    return allow_if(event.approve, "finance has not approved this refund")


def _part(refund: Refund, payment: str, *statuses: PartStatus) -> Verdict:
    for part in refund.parts:
        if part.payment == payment:
            return allow_if(part.status in statuses, f"that part is {part.status} already")
    return Refusal("this refund has nothing from that payment")


def answers(
    refund: Refund, event: events.RefundPaid | events.RefundPending | events.RefundFailed, _: datetime
) -> Verdict:
    return _part(refund, event.payment, PartStatus.ASKED)


def was_pending(refund: Refund, event: events.RefundConfirmed | events.RefundBounced, _: datetime) -> Verdict:
    return _part(refund, event.payment, PartStatus.PENDING)


def was_paid(refund: Refund, event: events.RefundReversed, _: datetime) -> Verdict:
    """By whatever means: a bank transfer can come back as well."""
    paid = any(part.payment == event.payment and part.paid for part in refund.parts)
    return allow_if(paid, "this part has not been paid")


def has_account(refund: Refund, event: events.AlternativeChosen, _: datetime) -> Verdict:
    if event.customer != refund.customer:
        return Refusal("this refund belongs to another customer")
    if event.means is Means.BANK_TRANSFER and event.account is None:
        return Refusal("a bank transfer needs an account", ("store credit",))
    return allow_if(event.means is not Means.CARD, "the card has failed", alternatives=("store credit",))


def cut_down(refund: Refund, event: RefundCapped, now: datetime) -> Verdict:
    return allow_if(cap(refund, event, now) != refund, "no more than that is still to go back")


def leaves(holds: Callable[[Refund], bool]) -> Callable[[Refund, RefundCapped, datetime], Verdict]:
    """It is cut down, and what is left of it goes on as it was."""

    def guard(refund: Refund, event: RefundCapped, now: datetime) -> Verdict:
        if not (verdict := cut_down(refund, event, now)):
            return verdict
        return allow_if(holds(cap(refund, event, now)), "the customer's bank has taken what was left to pay")

    return guard


def paid_more(refund: Refund, event: RefundCapped, _: datetime) -> Verdict:
    twice = any(part.beyond(event.most) for part in refund.parts if part.payment == event.payment)
    return allow_if(twice, "nothing of that has gone back twice")


# -- how far a refund has come ---------------------------------------------------------------------


def some(*statuses: PartStatus) -> Callable[[Refund], bool]:
    def holds(refund: Refund) -> bool:
        return any(part.status in statuses for part in refund.parts)

    return holds


def called_off(refund: Refund) -> bool:
    return all(part.status is PartStatus.CALLED_OFF for part in refund.parts)


def may_retry(refund: Refund) -> bool:
    return any(part.status is PartStatus.FAILED and part.tries < MOST_TRIES for part in refund.parts)


def settled_again(refund: Refund) -> bool:
    return refund.reported and refund.outstanding == 0


def nothing_open(refund: Refund) -> bool:
    return refund.outstanding == 0
