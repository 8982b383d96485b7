"""What a return writes to the customer at each step, and when it calls a colleague."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from machines.kernel.command import CommandType
from machines.kernel.event import Event
from machines.kernel.money import Money
from machines.messages import Alert, Message, MessageType, alert, message
from machines.returns import guards
from machines.returns.counting import counted, missing, price
from machines.returns.data import Return
from machines.returns.events import Condition

INSPECTORS = ("warehouse", "warehouse lead", "head of logistics")
RETURNS_DESK = ("returns desk", "returns lead", "head of returns")
FINANCE = ("finance", "head of finance", "managing director")
Told = Callable[[Return, Any], dict[str, str]]


def _money(data: Return, amount: int) -> str:
    return str(Money(amount=amount, currency=data.currency))


def _nothing(_: Return, __: Event) -> dict[str, str]:
    return {}


def _tell(template: str, told: Told = _nothing, *, fulfils: tuple[str, ...] = ()) -> MessageType:
    def arguments(data: Return, event: Event) -> Iterable[Message]:
        yield Message(
            template=template,
            customer=data.customer,
            to=data.buyer,
            locale=data.locale,
            about=data.rma,
            facts={"order": data.order, **told(data, event)},
        )

    return message(template, arguments=arguments, fulfils=("RET-6", *fulfils))


def _call(role: str, subject: str) -> CommandType:
    def arguments(data: Return, _: Event) -> Iterable[Alert]:
        yield Alert(role=role, about=data.rma, subject=subject)

    return alert(arguments=arguments)


def _call_next(ladder: tuple[str, ...], subject: str) -> CommandType:
    def arguments(data: Return, _: Event) -> Iterable[Alert]:
        yield Alert(role=ladder[data.rung], about=data.rma, subject=subject)

    return alert(arguments=arguments)


def _unlisted(data: Return, _: Event) -> Iterable[Alert]:
    """Only if more was in the parcel than was announced."""
    own = sum(found.quantity for found in counted(data.items, data.found))
    if sum(found.quantity for found in data.found) > own:
        subject = "a parcel held more than was announced; the customer's other things go back"
        yield Alert(role="returns desk", about=data.rma, subject=subject)


def _worn(data: Return, _: Event) -> Iterable[Alert]:
    """Only if the original came back in a worse condition."""
    if any(found.condition is Condition.WORTH_LESS for found in data.found):
        subject = "goods replaced in advance came back in a worse condition"
        yield Alert(role="returns desk", about=data.rma, subject=subject)


def _paid_for_less(data: Return, _: Event) -> Iterable[Alert]:
    """Only if less came, or worse, than was paid back before anybody had looked."""
    if data.offered < data.answer.refund:
        subject = "goods paid back before they were looked at are missing or not as they were sold"
        yield Alert(role="returns desk", about=data.rma, subject=subject)


def _answer(data: Return, _: Event) -> dict[str, str]:
    return {"reason": data.reason, **data.answer.facts()}


def _authorised(data: Return, event: Event) -> dict[str, str]:
    told = {"rma": data.rma, "tracking": data.tracking or "", "postage": _money(data, data.postage_most)}
    return {**_answer(data, event), **told}


def _postage(data: Return, _: Event) -> dict[str, str]:
    return {"amount": _money(data, data.postage)}


def _offer(data: Return, _: Event) -> dict[str, str]:
    return {
        "found": ", ".join(f"{found.quantity} x {found.sku}: {found.condition}" for found in data.found),
        "offered": _money(data, data.offered),
        "accepted": _money(data, data.accepted),
        "refund": _money(data, data.refund),
    }


def _difference(data: Return, _: Event) -> dict[str, str]:
    return {
        "article": data.instead or "",
        "difference": _money(data, data.difference),
        "refund": _money(data, data.refund),
    }


def _missing(data: Return) -> str:
    return ", ".join(f"{item.quantity} x {item.sku}" for item in missing(data))


def _charge(data: Return, _: Event) -> dict[str, str]:
    return {"amount": _money(data, data.charge_left), "missing": _missing(data)}


def _rest(data: Return, event: Event) -> dict[str, str]:
    """Nothing is charged where the replacement did not arrive."""
    charge = _money(data, price(missing(data))) if data.replacement(*guards.STANDING) else ""
    return {
        "found": _offer(data, event)["found"],
        "missing": _missing(data),
        "charge": charge,
        "rma": data.rma,
        "tracking": data.tracking or "",
        "postage": _money(data, data.postage_most),
    }


def _refund(data: Return, _: Event) -> dict[str, str]:
    return {"refund": _money(data, data.going_back) if data.going_back else ""}


def _incomplete(data: Return, event: Event) -> dict[str, str]:
    return {**_offer(data, event), **_refund(data, event)}


def _award(data: Return, event: Event) -> dict[str, str]:
    amount = data.award.amount if data.award else 0
    return {"refund": _money(data, amount) if amount else "", **_replacement(data, event)}


def _replacement(data: Return, _: Event) -> dict[str, str]:
    return {"items": ", ".join(f"{pick.quantity} x {pick.sku}" for pick in data.replacing)}


TELL_AUTHORISED = _tell("return.authorised", _authorised, fulfils=("RET-1", "RET-3", "RET-4"))
TELL_KEEP = _tell("return.keep_the_goods", _answer, fulfils=("RET-3",))
TELL_DECLINED = _tell("return.declined", _answer, fulfils=("RET-1", "RET-2"))
TELL_TURNED_DOWN = _tell("return.turned_down", _answer)
TELL_POSTAGE = _tell("return.postage_paid", _postage, fulfils=("RET-8",))
TELL_APPEAL_UPHELD = _tell("return.appeal_upheld", _award, fulfils=("RET-2", "RET-3", "RET-7"))
TELL_APPEAL_STANDS = _tell("return.appeal_stands", fulfils=("RET-2",))
REMIND_TO_SEND = _tell("return.reminder_to_send", _authorised)
TELL_EXPIRED = _tell("return.expired", _authorised)
TELL_CANCELLED = _tell("return.cancelled")
ASK_RECEIPT = _tell("return.receipt_asked")
TELL_NO_TRACE = _tell("return.no_trace")
TELL_ON_ITS_WAY = _tell("return.on_its_way")
TELL_ARRIVED = _tell("return.arrived")
TELL_LOST = _tell("return.lost_on_the_way", _refund)
ASK_CHOICE = _tell("return.choice_needed", _offer, fulfils=("RET-7",))
REMIND_TO_CHOOSE = _tell("return.reminder_to_choose", _offer)
TELL_SENDING_BACK = _tell("return.sent_back_to_you", _offer)
TELL_REJECTED = _tell("return.rejected", _offer)
TELL_INCOMPLETE = _tell("return.incomplete", _incomplete, fulfils=("RET-7", "RET-8"))
TELL_REFUND = _tell("return.refund_on_its_way", _refund, fulfils=("RET-7", "RET-8"))
TELL_REFUND_BY_LAW = _tell("return.refund_before_inspection", _refund, fulfils=("RET-8",))
TELL_REPLACEMENT = _tell("return.replacement_on_its_way", _replacement, fulfils=("RET-7",))
TELL_OUT_OF_STOCK = _tell("return.replacement_out_of_stock", _replacement, fulfils=("RET-7",))
ASK_DIFFERENCE = _tell("return.difference_needed", _difference, fulfils=("RET-7",))
ASK_FOR_THE_REST = _tell("return.rest_missing", _rest, fulfils=("RET-7",))
TELL_CHARGED = _tell("return.replacement_charged", _charge)
TELL_REFUNDED = _tell("return.completed", _refund)
TELL_EXCHANGED = _tell("return.exchanged")
TELL_UNEXCHANGED = _tell("return.unexchanged")
TELL_DISPOSED = _tell("return.disposed")
TELL_WITHHELD = _tell("return.withheld")

CALL_INSPECTOR = _call_next(INSPECTORS, "a returned parcel waits for inspection")
CALL_ABOUT_DOUBT = _call_next(
    RETURNS_DESK, "a return is said to be sent or lost, and there is no trace of it"
)
CALL_FINANCE = _call_next(FINANCE, "a replacement was not returned for, and its charge was declined")
CALL_ABOUT_LABEL = _call("dispatch desk", "the carrier gives no label for a return")
CALL_ABOUT_POSTAGE = _call("finance", "a customer's postage cannot be paid to the account given")
CALL_ABOUT_UNASKED = _call("returns desk", "goods came for a return that was declined")
CALL_ABOUT_UNAWAITED = _call("returns desk", "goods came for a return that waits for none")
CALL_ABOUT_NOT_OWED = _call("returns desk", "the money for goods of a return has gone back otherwise")
CALL_ABOUT_LATE = _call("returns desk", "goods of a return that is settled have come in")
CALL_ABOUT_UNLISTED = alert(arguments=_unlisted)
CALL_ABOUT_PAID = alert(arguments=_paid_for_less)
CALL_ABOUT_CONDITION = alert(arguments=_worn)
CALL_ABOUT_ADDRESS = _call("returns desk", "a customer cannot be reached by message")
CALL_WAREHOUSE_LEAD = _call("warehouse lead", "a parcel to a customer is late")
