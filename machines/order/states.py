"""Where an order can stand, from placement to its end, and the time limits that run there."""

from __future__ import annotations

from machines.kernel.duration import days, hours, working_hours
from machines.kernel.event import Event
from machines.kernel.rule import Junction
from machines.kernel.state import Act, Ask, Deadline, End, State, Wait
from machines.order import commands, letters
from machines.order.data import Ending, ParcelStatus, PaymentStatus
from machines.order.events import (
    AddressCorrected,
    ChoiceMade,
    DelayAnswered,
    HandoverDecided,
    MeansGiven,
    RemedyChosen,
    ReviewDecided,
)
from machines.order.guards import (
    always,
    being_charged,
    covered,
    ended_as,
    hold_ends,
    hold_ends_soon,
    part_shipped,
    payment_is,
    promise_ends_soon,
    promised_day,
    renewing,
    some,
    under_way,
    unsecured,
)
from machines.surveying import survey

# -- time limits -----------------------------------------------------------------------------------

REVIEW_DUE = Deadline(
    "review_due",
    "Nobody has decided; the next in line is called.",
    after=working_hours(4),
    repeats=True,
)
REMINDER = Deadline("reminder", "The customer is reminded.", after=hours(24), repeats=True)
ANSWER_DUE = Deadline("answer_due", "The customer has not answered; the order is given up.", after=hours(72))
PAYMENT_DUE = Deadline("payment_due", "The payment was not confirmed; the order is given up.", after=hours(1))
MEANS_DUE = Deadline("means_due", "No other means of payment came; the order is given up.", after=days(3))
PROMISE_DUE = Deadline(
    "promise_due", "The promised day may slip; the customer is told before it does.", until=promise_ends_soon
)
PROMISE_BROKEN = Deadline(
    "promise_broken", "The promised day is here without the goods; the customer decides.", until=promised_day
)
HANDOVER_DUE = Deadline(
    "handover_due",
    "Nobody has decided; the desk is called again.",
    after=working_hours(4),
    repeats=True,
)
DISPATCH_DUE = Deadline(
    "dispatch_due", "A parcel is late; the warehouse is chased, the customer told.", after=hours(48)
)
DISPATCH_OVERDUE = Deadline(
    "dispatch_overdue", "A parcel is four days late; its lead is called.", after=hours(96)
)
HOLD_ENDS_SOON = Deadline(
    "hold_ends_soon", "The money will not be held much longer; it is secured anew.", until=hold_ends_soon
)
HOLD_ENDS = Deadline(
    "hold_ends", "The money is not held any longer; what has not left is stopped.", until=hold_ends
)
STOP_DUE = Deadline(
    "stop_due", "The warehouse has not answered; its lead is called.", after=hours(24), repeats=True
)
PARCEL_CLOCKS = (DISPATCH_DUE, DISPATCH_OVERDUE)

# -- from placement to confirmation ----------------------------------------------------------------

PLACED = Wait("placed", "The order arrives.", no_deadline="its first event moves it on", fulfils=("ORD-1",))
VERIFYING = Act(
    "verifying",
    "Address, means of payment and fraud rules are checked.",
    does=(commands.VERIFY,),
    fulfils=("ORD-2",),
)
IN_REVIEW = Ask(
    "in_review",
    "A colleague looks at a suspicious order.",
    form=ReviewDecided,
    role=letters.REVIEWERS[0],
    ladder=letters.REVIEWERS[1:],
    deadlines=(REVIEW_DUE,),
    fulfils=("ORD-2",),
)
AWAITING_ADDRESS = Ask(
    "awaiting_address",
    "The customer is asked for an address that can be delivered to.",
    form=AddressCorrected,
    role="customer",
    does=(letters.ASK_ADDRESS,),
    deadlines=(REMINDER, ANSWER_DUE),
    fulfils=("ORD-2",),
)
CHECKING = Act(
    "checking_restrictions",
    "Availability, zone and purchase limits are checked; limits count the customer's other orders too.",
    does=(commands.CHECK_RESTRICTIONS,),
    fulfils=("RES-1",),
)
AWAITING_CHOICE = Ask(
    "awaiting_choice",
    "The customer chooses among what can be had: a fee, less, a similar product, a later day, nothing.",
    form=ChoiceMade,
    role="customer",
    does=(letters.ASK_CHOICE,),
    deadlines=(REMINDER, ANSWER_DUE),
    fulfils=("RES-2", "RES-3", "RES-4"),
)
RESERVING = Act("reserving", "The goods are reserved.", does=(commands.RESERVE,), fulfils=("ORD-3",))
BACKORDERED = Wait(
    "backordered",
    "The goods are on order; the customer knows the promised day and may cancel.",
    deadlines=(PROMISE_DUE, PROMISE_BROKEN),
    fulfils=("ORD-3",),
)
FORECASTING = Act(
    "forecasting",
    "The promised day is near; stock is asked whether it stands.",
    does=(commands.FORECAST,),
    deadlines=(PROMISE_DUE, PROMISE_BROKEN),
)
AWAITING_CONSENT = Ask(
    "awaiting_consent",
    "The customer is asked whether to wait longer; without consent the order is given up.",
    form=DelayAnswered,
    role="customer",
    does=(letters.ASK_LONGER,),
    deadlines=(REMINDER, ANSWER_DUE),
)
AUTHORISING = Act(
    "authorising",
    "Each means of payment is asked to hold its share.",
    does=(commands.AUTHORISE,),
    fulfils=("ORD-4",),
)
AWAITING_CONFIRMATION = Wait(
    "awaiting_payment_confirmation",
    "The customer confirms the payment at the bank.",
    does=(letters.ASK_CONFIRMATION,),
    deadlines=(PAYMENT_DUE,),
)
AWAITING_MEANS = Ask(
    "awaiting_means",
    "A payment was refused or holds too little; the customer is asked for another means.",
    form=MeansGiven,
    role="customer",
    does=(letters.ASK_MEANS,),
    deadlines=(REMINDER, MEANS_DUE),
)

# -- in the warehouse ------------------------------------------------------------------------------

CONFIRMED = Act(
    "confirmed",
    "The customer has the confirmation, with dates and fees; the warehouse is told.",
    does=(letters.TELL_CONFIRMED, commands.SUBMIT),
    fulfils=("ORD-4", "RES-4"),
)
SUBMITTING_AGAIN = Act(
    "submitting_again", "The warehouse is asked once more to take the order.", does=(commands.SUBMIT,)
)
HANDOVER_REFUSED = Ask(
    "handover_refused",
    "The warehouse would not take the order; the order desk tries again or gives up.",
    form=HandoverDecided,
    role="order desk",
    ladder=("order lead",),
    does=(letters.CALL_ORDER_DESK,),
    deadlines=(HANDOVER_DUE, HOLD_ENDS),
    fulfils=("ORD-7",),
)
AWAITING_DISPATCH = Wait(
    "awaiting_dispatch",
    "The warehouse packs.",
    deadlines=(*PARCEL_CLOCKS, HOLD_ENDS_SOON),
    fulfils=("ORD-6", "ORD-7"),
)
PART_SHIPPED = Wait(
    "part_shipped",
    "Some parcels have left, others are being packed.",
    deadlines=(*PARCEL_CLOCKS, HOLD_ENDS_SOON),
    fulfils=("ORD-6", "ORD-7"),
)
STOP_REQUESTED = Wait(
    "stop_requested",
    "The warehouse is asked to stop what has not left.",
    does=(commands.STOP_PARCELS,),
    deadlines=(STOP_DUE,),
    fulfils=("ORD-5", "ORD-7"),
)
RENEWING = Act(
    "renewing_payment",
    "The money will not be held much longer: what is packed is charged, the rest is held anew.",
    deadlines=PARCEL_CLOCKS,
)
AWAITING_RENEWAL = Ask(
    "awaiting_renewal",
    "The provider will not hold the money for longer; the customer is asked for another means.",
    form=MeansGiven,
    role="customer",
    does=(letters.ASK_MEANS,),
    deadlines=(*PARCEL_CLOCKS, REMINDER, MEANS_DUE, HOLD_ENDS),
)

# -- on the way and after --------------------------------------------------------------------------

SHIPPED = Wait(
    "shipped",
    "All parcels that are to leave have left.",
    no_deadline="each shipment keeps its own clock and reports a parcel that stays away",
    fulfils=("ORD-6",),
)
AWAITING_REMEDY = Ask(
    "awaiting_remedy",
    "A parcel was lost, damaged or came back: the customer chooses a new one or the money.",
    form=RemedyChosen,
    role="customer",
    does=(letters.ASK_REMEDY,),
    deadlines=(REMINDER, ANSWER_DUE),
)
REPLACING = Act("replacing", "The same goods are reserved and handed over once more.")
SETTLING = Act("settling", "Charges, refunds and releases under way come to rest.", fulfils=("ORD-5",))

# -- ends ------------------------------------------------------------------------------------------

DELIVERED = End(
    "delivered",
    "The customer has the goods, and is asked a day later how it was.",
    outcome="fulfilled",
    sends=survey(of="order", about=lambda order: order.order),
    fulfils=("ORD-1", "SAT-3", "IMP-1"),
)
CANCELLED = End(
    "cancelled",
    "Nothing is delivered, nothing is owed.",
    outcome="cancelled",
    does=(letters.TELL_CANCELLED,),
    fulfils=("ORD-5",),
)
REJECTED = End(
    "rejected", "We could not accept the order.", outcome="rejected", does=(letters.TELL_REJECTED,)
)
EXPIRED = End(
    "expired", "The customer did not answer or pay in time.", outcome="expired", does=(letters.TELL_EXPIRED,)
)
REFUNDED = End(
    "refunded", "Nothing arrived; the money went back.", outcome="refunded", does=(letters.TELL_REFUNDED,)
)

# -- where the way forks ---------------------------------------------------------------------------

PAYMENT_STANDS = Junction(
    "payment stands",
    (
        (AUTHORISING, payment_is(PaymentStatus.ASKED)),
        (AWAITING_MEANS, payment_is(PaymentStatus.DECLINED)),
        (AWAITING_CONFIRMATION, payment_is(PaymentStatus.ACTION)),
        (CONFIRMED, covered),
        (AWAITING_MEANS, always),
    ),
)
ORDER_STANDS = Junction(
    "order stands",
    (
        (SETTLING, being_charged),
        (AWAITING_REMEDY, some(ParcelStatus.FAILED)),
        (SETTLING, some(ParcelStatus.STOPPING)),
        (PART_SHIPPED, part_shipped),
        (AWAITING_DISPATCH, some(ParcelStatus.OPEN)),
        (SHIPPED, some(ParcelStatus.DISPATCHED)),
        (SETTLING, under_way),
        (DELIVERED, some(ParcelStatus.DELIVERED)),
        (REJECTED, ended_as(Ending.REJECTED)),
        (EXPIRED, ended_as(Ending.EXPIRED)),
        (CANCELLED, ended_as(Ending.CANCELLED)),
        (REFUNDED, always),
    ),
)
RENEWAL_STANDS = Junction(
    "renewal stands",
    ((RENEWING, renewing), (AWAITING_RENEWAL, unsecured), *ORDER_STANDS.branches),
)

STOP_STANDS = Junction("stop stands", ((STOP_REQUESTED, some(ParcelStatus.OPEN)), *ORDER_STANDS.branches))

# -- groups ----------------------------------------------------------------------------------------

ASKING_CUSTOMER = (
    AWAITING_ADDRESS,
    AWAITING_CHOICE,
    AWAITING_CONSENT,
    AWAITING_MEANS,
    AWAITING_RENEWAL,
    AWAITING_REMEDY,
)
ON_ORDER = (BACKORDERED, FORECASTING)
DECIDING = (VERIFYING, CHECKING, RESERVING, FORECASTING, AUTHORISING)
RESTING = (  #: before the warehouse, with nothing asked of anybody's system
    IN_REVIEW,
    AWAITING_ADDRESS,
    AWAITING_CHOICE,
    BACKORDERED,
    AWAITING_CONSENT,
    AWAITING_CONFIRMATION,
    AWAITING_MEANS,
    HANDOVER_REFUSED,
)
BEFORE_WAREHOUSE = (*DECIDING, *RESTING)
WITH_MONEY_HELD = (AWAITING_CONFIRMATION, AWAITING_MEANS)
HANDING_OVER = (CONFIRMED, SUBMITTING_AGAIN)
PACKING = (AWAITING_DISPATCH, PART_SHIPPED, AWAITING_RENEWAL)
IN_WAREHOUSE = (*PACKING, STOP_REQUESTED, RENEWING)
TOO_LATE_TO_CHANGE = (PART_SHIPPED, AWAITING_RENEWAL, STOP_REQUESTED, RENEWING)
AFTER_WAREHOUSE = (SHIPPED, AWAITING_REMEDY, REPLACING, SETTLING)
BUSY = (RENEWING, REPLACING)  #: short steps during which parcels wait
OUT_OF_REACH = (STOP_REQUESTED, SHIPPED, AWAITING_REMEDY, REPLACING)
NOTING = (*IN_WAREHOUSE, SHIPPED, AWAITING_REMEDY, REPLACING)
ENDED = (DELIVERED, CANCELLED, REJECTED, EXPIRED, REFUNDED)
EVERYWHERE = (PLACED, *BEFORE_WAREHOUSE, *HANDING_OVER, *IN_WAREHOUSE, *AFTER_WAREHOUSE, *ENDED)
OPENED = EVERYWHERE[1:]
WITH_PARCELS = (  #: and where news of a parcel leads from there
    ((AWAITING_DISPATCH, PART_SHIPPED, SHIPPED, AWAITING_REMEDY, SETTLING), ORDER_STANDS),
    ((STOP_REQUESTED,), STOP_STANDS),
    ((AWAITING_RENEWAL,), RENEWAL_STANDS),
)


def not_asking(form: type[Event]) -> tuple[State, ...]:
    """Where nobody waits for ``form``."""
    return tuple(state for state in OPENED if not (isinstance(state, Ask) and state.form is form))
