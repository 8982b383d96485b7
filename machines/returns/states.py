"""Where a return can stand, from the request to its end, and which time limits run there."""

from __future__ import annotations

from machines.kernel.rule import Junction
from machines.kernel.state import Act, Ask, End, State, Wait
from machines.returns import commands, deadlines, guards, letters
from machines.returns.data import ParcelStatus
from machines.returns.events import (
    ChargeDecided,
    DifferenceAnswered,
    OfferAnswered,
    ParcelJudged,
    ReturnInspected,
)
from machines.returns.reporting import closed, closed_and_missing, closed_and_taken, closed_exchanged
from machines.returns.sending import ask_opinion

# -- may it come back? -----------------------------------------------------------------------------

REQUESTED = Wait("requested", "Goods are to come back.", no_deadline="its first event moves it on")
DECLINED = Wait(
    "declined",
    "The policy does not allow it. The customer is told why, and may appeal; a colleague may decide "
    "otherwise.",
    does=(letters.TELL_DECLINED,),
    deadlines=(deadlines.APPEAL_DUE,),
    fulfils=("RET-2",),
)
UNDER_APPEAL = Wait(
    "under_appeal",
    "The customer has appealed. The complaint has deadlines of its own and tells how it ends; meanwhile a "
    "colleague may override our answer.",
    deadlines=(deadlines.RULING_DUE,),
    fulfils=("RET-2", "RET-6"),
)
AUTHORISING = Act(
    "authorising",
    "The return is allowed; the carrier issues a label.",
    does=(commands.ISSUE_LABEL,),
    fulfils=("RET-4",),
)
ADVANCING = Act(
    "advancing",
    "A replacement is set aside before the original has come.",
    does=(commands.SET_ASIDE,),
    fulfils=("RET-7",),
)

# -- the way to us ---------------------------------------------------------------------------------

AWAITING_PARCEL = Wait(
    "awaiting_parcel",
    "The customer has the label and sends the goods.",
    deadlines=(deadlines.REMINDER, deadlines.PARCEL_DUE),
    fulfils=("RET-6",),
)
IN_TRANSIT = Wait(
    "in_transit",
    "The goods are on their way to us.",
    deadlines=(deadlines.NO_SCAN, deadlines.REFUND_BY),
    fulfils=("RET-6",),
)
IN_DOUBT = Ask(
    "in_doubt",
    "The parcel is said to be sent, or reported lost, and neither scan nor receipt shows that it ever left; "
    "the returns desk asks carrier and customer, and decides.",
    form=ParcelJudged,
    role=letters.RETURNS_DESK[0],
    ladder=letters.RETURNS_DESK[1:],
    does=(letters.TELL_NO_TRACE, letters.CALL_ABOUT_DOUBT),
    deadlines=(deadlines.DOUBT_DUE,),
    fulfils=("RET-6",),
)
INSPECTING = Ask(
    "inspecting",
    "The goods are here; the warehouse says what was in the parcel, and in which condition.",
    form=ReturnInspected,
    role=letters.INSPECTORS[0],
    ladder=letters.INSPECTORS[1:],
    does=(letters.TELL_ARRIVED,),
    deadlines=(deadlines.INSPECTION_DUE, deadlines.REFUND_BY),
    fulfils=("RET-5",),
)
AWAITING_CHOICE = Ask(
    "awaiting_choice",
    "Not all came back as it was sold. The customer chooses between what it is still worth, having it sent "
    "back, and leaving it to us.",
    form=OfferAnswered,
    role="customer",
    does=(letters.ASK_CHOICE,),
    deadlines=(deadlines.CHOICE_REMINDER, deadlines.CHOICE_DUE),
    fulfils=("RET-7",),
)

# -- money or a replacement ------------------------------------------------------------------------

SETTING_ASIDE = Act(
    "setting_aside", "The replacement is taken from stock.", does=(commands.SET_ASIDE,), fulfils=("RET-7",)
)
AWAITING_DIFFERENCE = Ask(
    "awaiting_difference",
    "The other article costs more; the customer pays the difference or has the money back. Nothing is "
    "charged unasked.",
    form=DifferenceAnswered,
    role="customer",
    does=(letters.ASK_DIFFERENCE,),
    deadlines=(deadlines.DIFFERENCE_DUE,),
    fulfils=("RET-7",),
)
CHARGING_DIFFERENCE = Act(
    "charging_difference", "The difference is charged as the customer said.", does=(commands.CHARGE,)
)
PACKING = Wait(
    "packing",
    "A parcel to the customer is packed: the replacement, or goods that we do not take.",
    deadlines=(deadlines.DISPATCH_DUE,),
    fulfils=("RET-7",),
)
ON_THE_WAY = Wait(
    "on_the_way",
    "The parcel is on its way to the customer.",
    no_deadline="the shipment keeps its own clock and reports a parcel that stays away",
    fulfils=("RET-6",),
)
REFUNDING = Wait(
    "refunding",
    "The money is on its way to the customer.",
    no_deadline="the refund keeps its own clocks and reports its end",
    fulfils=("RET-8",),
)
CHARGING = Act(
    "charging",
    "Something has not come back; the replacement sent in advance for it is charged, as agreed.",
    does=(commands.CHARGE,),
)
CHARGE_DECLINED = Ask(
    "charge_declined",
    "The replacement is with the customer and cannot be charged; finance decides.",
    form=ChargeDecided,
    role=letters.FINANCE[0],
    ladder=letters.FINANCE[1:],
    does=(letters.CALL_FINANCE,),
    deadlines=(deadlines.CHARGE_DUE,),
)
COVERING = Wait(
    "covering",
    "A return that was over is open once more; the order says what can still be paid back.",
    no_deadline="the order answers at once",
)

# -- ends ------------------------------------------------------------------------------------------

TURNED_DOWN = End(
    "turned_down",
    "The return was declined, and the answer stands.",
    outcome="rejected",
    does=(letters.TELL_TURNED_DOWN,),
    reports=closed,
)
CANCELLED = End(
    "cancelled",
    "The customer keeps the goods; the label is void.",
    outcome="cancelled",
    does=(commands.VOID_LABEL, letters.TELL_CANCELLED),
    reports=closed,
)
EXPIRED = End(
    "expired",
    "The goods have not come; the label is void.",
    outcome="expired",
    does=(commands.VOID_LABEL, letters.TELL_EXPIRED),
    reports=closed,
)
REFUNDED = End(
    "refunded",
    "The customer has the money.",
    outcome="refunded",
    does=(letters.TELL_REFUNDED,),
    reports=closed_and_taken,
    sends=ask_opinion,
    fulfils=("RET-8", "SAT-3"),
)
EXCHANGED = End(
    "exchanged",
    "The customer has the replacement.",
    outcome="exchanged",
    does=(letters.TELL_EXCHANGED,),
    reports=closed_exchanged,
    sends=ask_opinion,
    fulfils=("RET-7", "SAT-3"),
)
UNEXCHANGED = End(
    "unexchanged",
    "The customer has kept the original and sent the replacement back; nothing is owed.",
    outcome="cancelled",
    does=(letters.TELL_UNEXCHANGED,),
    reports=closed,
)
UNRETURNED = End(
    "unreturned",
    "What has not come back is paid for: the customer has it, and its replacement.",
    outcome="charged",
    does=(commands.VOID_LABEL, letters.TELL_CHARGED),
    reports=closed,
)
WRITTEN_OFF = End(
    "written_off",
    "Something has not come back, its replacement cannot be charged, and finance lets it go.",
    outcome="written off",
    does=(commands.VOID_LABEL,),
    reports=closed_and_missing,
)
REJECTED = End(
    "rejected",
    "What came back was not what was sold; it has been sent back to the customer.",
    outcome="rejected",
    does=(letters.TELL_REJECTED,),
    reports=closed,
)
DISPOSED = End(
    "disposed",
    "The customer has left the goods to us.",
    outcome="disposed",
    does=(letters.TELL_DISPOSED,),
    reports=closed_and_taken,
    sends=ask_opinion,
)
WITHHELD = End(
    "withheld",
    "Finance has decided that nothing is paid back.",
    outcome="rejected",
    does=(letters.TELL_WITHHELD,),
    reports=closed_and_taken,
)
NOT_OWED = End(
    "not_owed",
    "The money for these goods has gone back otherwise; the returns desk says what becomes of them.",
    outcome="rejected",
    does=(letters.CALL_ABOUT_NOT_OWED,),
    reports=closed,
)

# -- where the way forks ---------------------------------------------------------------------------

MONEY_STANDS = Junction("money stands", ((REFUNDING, guards.refunding), (REFUNDED, guards.always)))
RETURN_STANDS = Junction(
    "return stands",
    (
        (PACKING, guards.parcel_in(ParcelStatus.OPEN)),
        (ON_THE_WAY, guards.parcel_in(ParcelStatus.LEFT)),
        (REFUNDING, guards.refunding),
        (UNRETURNED, guards.kept_and_charged),
        (UNEXCHANGED, guards.kept_original),
        (EXCHANGED, guards.exchanged),
        (WITHHELD, guards.all_withheld),
        (REFUNDED, guards.paid_back),
        (DISPOSED, guards.disposed),
        (REJECTED, guards.sent_back),
        (REFUNDED, guards.always),
    ),
)

# -- groups ----------------------------------------------------------------------------------------

BUSY = (AUTHORISING, ADVANCING, SETTING_ASIDE, CHARGING_DIFFERENCE, CHARGING)  #: a step is under way
REFUSED = (DECLINED, UNDER_APPEAL)  #: our answer is no, and may yet become another
BEFORE_INSPECTION = (AWAITING_PARCEL, IN_TRANSIT, IN_DOUBT)
WITH_PARCELS = (PACKING, ON_THE_WAY, REFUNDING)  #: children are at work
PAID_MEANWHILE = (INSPECTING, AWAITING_CHOICE)  #: money may be on its way before this is settled
HERE = (AWAITING_CHOICE, SETTING_ASIDE, AWAITING_DIFFERENCE, CHARGING_DIFFERENCE)  #: the goods have come
KEPT = (TURNED_DOWN, CANCELLED, EXPIRED, UNEXCHANGED, REJECTED, NOT_OWED)
SETTLED = (REFUNDED, EXCHANGED, UNRETURNED, WRITTEN_OFF, DISPOSED, WITHHELD)
ENDED = (*KEPT, *SETTLED)
OPENED = (
    DECLINED,
    UNDER_APPEAL,
    AUTHORISING,
    ADVANCING,
    AWAITING_PARCEL,
    IN_TRANSIT,
    IN_DOUBT,
    INSPECTING,
    AWAITING_CHOICE,
    SETTING_ASIDE,
    AWAITING_DIFFERENCE,
    CHARGING_DIFFERENCE,
    PACKING,
    ON_THE_WAY,
    REFUNDING,
    CHARGING,
    CHARGE_DECLINED,
    COVERING,
    *ENDED,
)


def besides(*states: State) -> tuple[State, ...]:
    """Everywhere but there."""
    return tuple(state for state in OPENED if state not in states)
