"""What a refund asks of the payment provider, and what it tells the customer and colleagues."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from machines.between import Means
from machines.kernel.command import CommandType, Retry
from machines.kernel.event import Event, Facts, Personal
from machines.kernel.money import Money
from machines.messages import Alert, Message, MessageType, alert, message
from machines.refund.data import PartStatus, Refund
from machines.refund.events import (
    PaidOut,
    PayoutFailed,
    RefundConfirmed,
    RefundFailed,
    RefundPaid,
    RefundPending,
)

PATIENT = Retry(attempts=8)  #: money is owed; a technical fault is no reason to give up
LADDER = ("finance", "head of finance", "managing director")


class PayBack(Facts):
    """``amount`` of what one payment paid goes back to it."""

    refund: str
    order: str
    payment: str
    means: Means
    amount: int
    currency: str


class PayOut(Facts):
    """``amount`` goes to the customer by the means agreed to."""

    refund: str
    customer: str
    means: Means
    account: Personal | None
    amount: int
    currency: str


def _pay_back(refund: Refund, _: Event) -> Iterable[Facts]:
    for part in refund.parts_in(PartStatus.ASKED):
        yield PayBack(
            refund=refund.refund,
            order=refund.order,
            payment=part.payment,
            means=part.means,
            amount=part.owed,
            currency=refund.currency,
        )


def _pay_out(refund: Refund, _: Event) -> Iterable[Facts]:
    if refund.consent is not None:
        yield PayOut(
            refund=refund.refund,
            customer=refund.customer,
            means=refund.consent.means,
            account=refund.consent.account,
            amount=refund.outstanding,
            currency=refund.currency,
        )


def _answers(asked: PayBack) -> Iterable[Event]:
    yield RefundPaid(payment=asked.payment, amount=asked.amount)
    yield RefundPending(payment=asked.payment, reason="processing")
    yield RefundFailed(payment=asked.payment, reason="card closed")


PAY_BACK = CommandType(
    "payment.refund",
    _pay_back,
    (RefundPaid, RefundPending, RefundFailed),
    _answers,
    takes=PayBack,
    retry=PATIENT,
    fulfils=("RET-8", "ORD-5"),
)
PAY_OUT = CommandType(
    "payment.pay_out",
    _pay_out,
    (PaidOut, PayoutFailed),
    lambda asked: (PaidOut(amount=asked.amount), PayoutFailed(reason="account closed")),
    takes=PayOut,
    retry=PATIENT,
    fulfils=("RET-8",),
)


def _tell(template: str, *, amount: Callable[[Refund], int] = lambda refund: refund.amount) -> MessageType:
    def arguments(refund: Refund, _: Event) -> Iterable[Message]:
        facts = {
            "amount": str(Money(amount=amount(refund), currency=refund.currency)),
            "reason": refund.reason,
        }
        yield Message(
            template=template,
            customer=refund.customer,
            to=refund.buyer,
            locale=refund.locale,
            about=refund.order,
            facts=facts,
        )

    return message(template, arguments=arguments, fulfils=("RET-8",))


def _call(subject: str, *, role: Callable[[Refund], str]) -> CommandType:
    def arguments(refund: Refund, _: Event) -> Iterable[Alert]:
        yield Alert(role=role(refund), about=refund.refund, subject=subject)

    return alert(arguments=arguments)


def _paid_in_part(refund: Refund, event: RefundConfirmed) -> Iterable[Alert]:
    if refund.part(event.payment).owed:
        subject = "the provider has paid back less than was asked"
        yield Alert(role="finance", about=refund.refund, subject=subject)


def _outstanding(refund: Refund) -> int:
    return refund.outstanding


TELL_SETTLED = _tell("refund.settled")
TELL_WITHHELD = _tell("refund.withheld")
TELL_CALLED_OFF = _tell("refund.called_off")
TELL_PENDING = _tell("refund.pending", amount=_outstanding)
ASK_ALTERNATIVE = _tell("refund.alternative_needed", amount=_outstanding)
REMIND = _tell("refund.reminder", amount=_outstanding)
CALL_APPROVER = _call("a refund waits for approval", role=lambda refund: LADDER[refund.rung])
CALL_ABOUT_PENDING = _call("a refund has been pending for long", role=lambda _: "finance")
CALL_ABOUT_SUM = alert(arguments=_paid_in_part)
CALL_ABOUT_ADDRESS = _call("a customer cannot be told about a refund", role=lambda _: "order desk")
CALL_ABOUT_SILENCE = _call("a customer does not say how to be paid", role=lambda _: "finance")
