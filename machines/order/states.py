"""Where an order can stand, from placement to its end."""

from __future__ import annotations

from collections.abc import Mapping

from machines.kernel.event import Event
from machines.kernel.state import Act, Ask, End, State, Wait
from machines.order import commands, deadlines, letters
from machines.order.data import Order, ParcelStatus
from machines.order.events import (
    AddressCorrected,
    ChoiceMade,
    DebtDecided,
    DelayAnswered,
    HandoverDecided,
    MeansGiven,
    PriceAnswered,
    RemedyChosen,
    ReviewDecided,
)
from machines.order.standing import owed
from machines.surveying import survey


def price_in_question(order: Order) -> Mapping[str, object]:
    """The price that the customer is asked about, which nobody need type in."""
    return {"price": order.asked_price.price} if order.asked_price else {}


def not_handed_over(order: Order) -> Mapping[str, str]:
    """Why the order desk is asked, and what may be packed all the same."""
    stuck = ", ".join(parcel.key for parcel in order.parcels_in(ParcelStatus.STUCK))
    told = {"why": order.not_taken, "not let go of by the warehouse": stuck}
    return {name: text for name, text in told.items() if text}


def sum_owed(order: Order) -> Mapping[str, object]:
    """What the customer owes for goods that came, which nobody need type in."""
    return {"amount": owed(order)}


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
    deadlines=(deadlines.REVIEW_DUE,),
    fulfils=("ORD-2",),
)
AWAITING_ADDRESS = Ask(
    "awaiting_address",
    "The customer is asked for an address that can be delivered to.",
    form=AddressCorrected,
    role="customer",
    does=(letters.ASK_ADDRESS,),
    deadlines=(deadlines.REMINDER, deadlines.ANSWER_DUE),
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
    deadlines=(deadlines.REMINDER, deadlines.ANSWER_DUE),
    fulfils=("RES-2", "RES-3", "RES-4"),
)
RESERVING = Act("reserving", "The goods are reserved.", does=(commands.RESERVE,), fulfils=("ORD-3",))
BACKORDERED = Wait(
    "backordered",
    "The goods are on order; the customer knows the promised day and may cancel.",
    deadlines=(deadlines.PROMISE_DUE, deadlines.PROMISE_BROKEN),
    fulfils=("ORD-3",),
)
FORECASTING = Act(
    "forecasting",
    "The promised day is near; stock is asked whether it stands.",
    does=(commands.FORECAST,),
    deadlines=(deadlines.PROMISE_DUE, deadlines.PROMISE_BROKEN),
)
AWAITING_CONSENT = Ask(
    "awaiting_consent",
    "The customer is asked whether to wait longer; without consent the order is given up.",
    form=DelayAnswered,
    role="customer",
    does=(letters.ASK_LONGER,),
    deadlines=(deadlines.REMINDER, deadlines.ANSWER_DUE),
)
AUTHORISING = Act(
    "authorising",
    "Each means of payment is asked to hold its share.",
    does=(commands.AUTHORISE,),
    deadlines=(deadlines.PAYMENT_DUE,),
    fulfils=("ORD-4",),
)
AWAITING_CONFIRMATION = Wait(
    "awaiting_payment_confirmation",
    "The customer confirms the payment at the bank.",
    does=(letters.ASK_CONFIRMATION,),
    deadlines=(deadlines.PAYMENT_DUE,),
)
AWAITING_MEANS = Ask(
    "awaiting_means",
    "A payment was refused or holds too little; the customer is asked for another means.",
    form=MeansGiven,
    role="customer",
    does=(letters.ASK_MEANS,),
    deadlines=(deadlines.REMINDER, deadlines.MEANS_DUE),
)

AWAITING_PRICE = Ask(
    "awaiting_price",
    "An article costs more than ordered; the customer is asked. Without a yes the price ordered at stands.",
    form=PriceAnswered,
    role="customer",
    settles=price_in_question,
    does=(letters.ASK_PRICE,),
    deadlines=(deadlines.REMINDER, deadlines.PRICE_DUE, deadlines.HOLD_ENDS_SOON),
    fulfils=("RES-4",),
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
    "The warehouse would not take the order, or planned other goods; the order desk tries again or gives up.",
    form=HandoverDecided,
    role=letters.ORDER_DESK[0],
    ladder=letters.ORDER_DESK[1:],
    tells=not_handed_over,
    does=(letters.CALL_ORDER_DESK,),
    deadlines=(deadlines.HANDOVER_DUE, deadlines.HOLD_ENDS),
    fulfils=("ORD-7",),
)
AWAITING_DISPATCH = Wait(
    "awaiting_dispatch",
    "The warehouse packs.",
    deadlines=(*deadlines.PARCEL_CLOCKS, deadlines.HOLD_ENDS_SOON),
    fulfils=("ORD-6", "ORD-7"),
)
PRICE_IN_QUESTION = Ask(
    "price_in_question",
    "The warehouse packs; meanwhile the customer is asked to pay more. Without a yes the price stands.",
    form=PriceAnswered,
    role="customer",
    settles=price_in_question,
    does=(letters.ASK_PRICE,),
    deadlines=(
        *deadlines.PARCEL_CLOCKS,
        deadlines.HOLD_ENDS_SOON,
        deadlines.REMINDER,
        deadlines.PRICE_DUE,
    ),
    fulfils=("RES-4",),
)
PART_SHIPPED = Wait(
    "part_shipped",
    "Some parcels have left, others are being packed.",
    deadlines=(*deadlines.PARCEL_CLOCKS, deadlines.HOLD_ENDS_SOON),
    fulfils=("ORD-6", "ORD-7"),
)
STOP_REQUESTED = Wait(
    "stop_requested",
    "The warehouse is asked to stop what has not left.",
    does=(commands.STOP_PARCELS,),
    deadlines=(deadlines.STOP_DUE, deadlines.HOLD_ENDS_SOON),
    fulfils=("ORD-5", "ORD-7"),
)
RENEWING = Act(
    "renewing_payment",
    "The money will not be held much longer: what is packed is charged, the rest is held anew.",
    deadlines=deadlines.PARCEL_CLOCKS,
)
AWAITING_RENEWAL = Ask(
    "awaiting_renewal",
    "The provider will not hold the money for longer; the customer is asked for another means.",
    form=MeansGiven,
    role="customer",
    does=(letters.ASK_MEANS,),
    deadlines=(*deadlines.PARCEL_CLOCKS, deadlines.REMINDER, deadlines.MEANS_DUE, deadlines.HOLD_ENDS),
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
    "A parcel was lost, damaged or came back: the customer chooses a new one, sent once, or the money.",
    form=RemedyChosen,
    role="customer",
    does=(letters.ASK_REMEDY,),
    deadlines=(
        *deadlines.PARCEL_CLOCKS,
        deadlines.HOLD_ENDS_SOON,
        deadlines.REMINDER,
        deadlines.ANSWER_DUE,
    ),
)
REPLACING = Act("replacing", "The same goods are reserved and handed over once more.")
SETTLING = Act("settling", "Charges, refunds and releases under way come to rest.", fulfils=("ORD-5",))

AWAITING_PAYMENT = Ask(
    "awaiting_payment",
    "The goods have come, but their charge was declined; the customer is asked for another means.",
    form=MeansGiven,
    role="customer",
    does=(letters.ASK_PAYMENT,),
    deadlines=(deadlines.REMINDER, deadlines.OWED_DUE),
    fulfils=("ORD-4",),
)
PAYMENT_OWED = Ask(
    "payment_owed",
    "The customer has the goods and has not paid; finance has them charged again, or gives up the claim.",
    form=DebtDecided,
    role=letters.FINANCE[0],
    ladder=letters.FINANCE[1:],
    settles=sum_owed,
    does=(letters.CALL_ABOUT_DEBT,),
    deadlines=(deadlines.DEBT_DUE,),
    fulfils=("ORD-7",),
)

IN_RETURN = Wait(
    "in_return",
    "The customer has the goods, and some of them are to come back; each return is a case of its own.",
    no_deadline="each return keeps its own clocks and reports its end",
    fulfils=("ORD-6",),
)

# -- ends ------------------------------------------------------------------------------------------

DELIVERED = End(
    "delivered",
    "The customer has the goods, and is asked a day later how it was.",
    outcome="fulfilled",
    does=(commands.RELEASE_LIMITS,),
    sends=survey(of="order", about=lambda order: order.order, time=lambda order: order.reopened + 1),
    fulfils=("ORD-1", "SAT-3", "IMP-1"),
)
CANCELLED = End(
    "cancelled",
    "Nothing is delivered, nothing is owed.",
    outcome="cancelled",
    does=(letters.TELL_CANCELLED, commands.RELEASE_LIMITS),
    fulfils=("ORD-5",),
)
REJECTED = End(
    "rejected",
    "We could not accept the order.",
    outcome="rejected",
    does=(letters.TELL_REJECTED, commands.RELEASE_LIMITS),
)
EXPIRED = End(
    "expired",
    "The customer did not answer or pay in time.",
    outcome="expired",
    does=(letters.TELL_EXPIRED, commands.RELEASE_LIMITS),
)
REFUNDED = End(
    "refunded",
    "Nothing arrived; the money went back.",
    outcome="refunded",
    does=(letters.TELL_REFUNDED, commands.RELEASE_LIMITS),
)
WITHHELD = End(
    "withheld",
    "Nothing arrived, but finance has decided, with a reason, not to pay the money back.",
    outcome="rejected",
    does=(commands.RELEASE_LIMITS,),
)
RETURNED = End(
    "returned",
    "All that was delivered has been returned or paid back.",
    outcome="returned",
    does=(commands.RELEASE_LIMITS,),
)

# -- groups ----------------------------------------------------------------------------------------

ASKING_CUSTOMER = (
    AWAITING_ADDRESS,
    AWAITING_CHOICE,
    AWAITING_CONSENT,
    AWAITING_MEANS,
    AWAITING_PRICE,
    PRICE_IN_QUESTION,
    AWAITING_RENEWAL,
    AWAITING_REMEDY,
    AWAITING_PAYMENT,
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
    AWAITING_PRICE,
    HANDOVER_REFUSED,
)
BEFORE_WAREHOUSE = (*DECIDING, *RESTING)
WITH_MONEY_HELD = (AWAITING_CONFIRMATION, AWAITING_MEANS, AWAITING_PRICE)
PRICED = (*WITH_MONEY_HELD, HANDOVER_REFUSED)  #: before the warehouse, but what it costs is settled
HANDING_OVER = (CONFIRMED, SUBMITTING_AGAIN)
UNSHIPPED = (AWAITING_DISPATCH, PRICE_IN_QUESTION)
PACKING = (*UNSHIPPED, PART_SHIPPED, AWAITING_RENEWAL)
IN_WAREHOUSE = (*PACKING, STOP_REQUESTED, RENEWING)
TOO_LATE_TO_CHANGE = (PART_SHIPPED, AWAITING_RENEWAL, STOP_REQUESTED, RENEWING)
OWING = (AWAITING_PAYMENT, PAYMENT_OWED)
AFTER_WAREHOUSE = (SHIPPED, AWAITING_REMEDY, REPLACING, SETTLING, *OWING, IN_RETURN)
BUSY = (RENEWING, REPLACING)  #: short steps during which parcels wait
OUT_OF_REACH = (STOP_REQUESTED, SHIPPED, AWAITING_REMEDY, REPLACING)
NOTING = (*IN_WAREHOUSE, SHIPPED, AWAITING_REMEDY, REPLACING, IN_RETURN)
ENDED = (DELIVERED, CANCELLED, REJECTED, EXPIRED, REFUNDED, WITHHELD, RETURNED)
AT_REST = (SETTLING, *ENDED)
EVERYWHERE = (PLACED, *BEFORE_WAREHOUSE, *HANDING_OVER, *IN_WAREHOUSE, *AFTER_WAREHOUSE, *ENDED)
OPENED = EVERYWHERE[1:]


def not_asking(form: type[Event]) -> tuple[State, ...]:
    """Where nobody waits for ``form``."""
    return tuple(state for state in OPENED if not (isinstance(state, Ask) and state.form is form))
