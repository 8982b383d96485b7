"""What the warehouse plans to pack, for an order or to send goods once more. A plan that is not what it was
asked for is not taken, and called off. An order is not handed over again before the warehouse has let go of
it; for goods to be sent once more the money goes back at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from machines.kernel.event import Event
from machines.kernel.rule import on
from machines.kernel.verdict import ALLOWED, ELSEWHERE, Verdict, all_of, allow_if
from machines.order import (
    commands,
    deadlines,
    delivery,
    effects,
    events,
    guards,
    junctions,
    letters,
    outcomes,
    states,
)
from machines.order.data import Order, Parcel, ParcelStatus
from machines.order.money import with_parcel
from machines.order.sending import open_new_parcels, request_refunds
from machines.order.standing import some

# -- guards ----------------------------------------------------------------------------------------


def plan_is_complete(order: Order, event: outcomes.WarehouseAccepted, _: datetime) -> Verdict:
    return allow_if(not _amiss(order, event), _amiss(order, event))


def _amiss(order: Order, event: outcomes.WarehouseAccepted) -> str:
    """What the plan lacks, or has too much, of what was submitted."""
    wanted = order.parcel(order.replacing).items if order.replacing else order.lines
    asked = _pieces((line.sku, line.quantity) for line in wanted)
    planned = _pieces((item.sku, item.quantity) for parcel in event.parcels for item in parcel.items)
    told = [f"it lacks {_goods(asked - planned)}"] if asked - planned else []
    told += [f"it has {_goods(planned - asked)} too much"] if planned - asked else []
    return f"the warehouse's plan was not taken: {' and '.join(told)}" if told else ""


def _pieces(items: Iterable[tuple[str, int]]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for sku, quantity in items:
        pieces[sku] += quantity
    return pieces


def _goods(pieces: Mapping[str, int]) -> str:
    return ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(pieces.items()))


def recalling(order: Order, _: Event, __: datetime) -> Verdict:
    return allow_if(some(ParcelStatus.RECALLED)(order), "no plan of the warehouse is called off")


def lets_go_late(order: Order, event: events.CancellationAccepted, _: datetime) -> Verdict:
    late = any(parcel.key in event.parcels for parcel in order.parcels_in(ParcelStatus.STUCK))
    return allow_if(late, "no parcel is waiting to be stopped")


def let_go_before(order: Order, _: Event, __: datetime) -> Verdict:
    """Else the goods might be packed twice."""
    stuck = ", ".join(parcel.key for parcel in order.parcels_in(ParcelStatus.STUCK))
    return allow_if(
        not stuck,
        f"the warehouse has not let go of {stuck}, which it had planned before: have it stopped there first, "
        "and warehouse.cancellation_accepted sent",
    )


def gives_up(_: Order, event: events.HandoverDecided, __: datetime) -> Verdict:
    return ELSEWHERE if event.again else ALLOWED


# -- effects ---------------------------------------------------------------------------------------


def note_refusal(order: Order, event: outcomes.WarehouseRejected, _: datetime) -> Order:
    return order.model_copy(
        update={"not_taken": f"the warehouse would not take it: {event.reason}", "rung": 0}
    )


def recall(order: Order, event: outcomes.WarehouseAccepted, _: datetime) -> Order:
    """Its parcels keep their numbers, so that those of the warehouse and ours stay the same."""
    first = len(order.parcels) + 1
    planned = tuple(
        Parcel(key=f"{order.order}-{number}", items=parcel.items, value=0, status=ParcelStatus.RECALLED)
        for number, parcel in enumerate(event.parcels, start=first)
    )
    parcels = (*order.parcels, *planned)
    return order.model_copy(update={"parcels": parcels, "not_taken": _amiss(order, event), "rung": 0})


def answered(order: Order, event: Event, _: datetime) -> Order:
    """Only what the warehouse says it has stopped is not packed."""
    stopped = event.parcels if isinstance(event, events.CancellationAccepted) else ()
    for parcel in order.parcels_in(ParcelStatus.RECALLED, ParcelStatus.STUCK):
        status = ParcelStatus.LET_GO if parcel.key in stopped else ParcelStatus.STUCK
        order = with_parcel(order, parcel.key, status=status)
    return order


def not_sent_again(order: Order, event: Event, now: datetime) -> Order:
    order = answered(order, event, now).model_copy(update={"not_taken": ""})
    return delivery.replacement_rejected(order, event, now)


def submit_again(order: Order, _: events.HandoverDecided, __: datetime) -> Order:
    return order.model_copy(update={"not_taken": "", "rung": 0})


def why(order: Order) -> str:
    return order.not_taken


# -- rules -----------------------------------------------------------------------------------------

ANSWERS = (  #: of a warehouse that is to let go of a plan, and whether somebody must see to it by hand
    (events.CancellationAccepted, ()),
    (events.CancellationRejected, (letters.CALL_ABOUT_PLAN,)),
    (outcomes.CancellationNoted, (letters.CALL_ABOUT_PLAN,)),
)

# The warehouse takes the order; each parcel it plans becomes a shipment.
HANDOVER = (
    on(
        outcomes.WarehouseAccepted,
        at=states.HANDING_OVER,
        to=states.AWAITING_DISPATCH,
        when=plan_is_complete,
        then=delivery.plan_parcels,
        sends=open_new_parcels,
    ),
    on(
        outcomes.WarehouseAccepted,
        at=states.HANDING_OVER,
        then=recall,
        does=(commands.RECALL_PLAN,),
        explains=why,
    ),
    *(
        on(
            answer,
            at=states.HANDING_OVER,
            to=states.HANDOVER_REFUSED,
            when=recalling,
            then=answered,
            does=calls,
            explains=why,
        )
        for answer, calls in ANSWERS
    ),
    on(
        outcomes.WarehouseRejected,
        at=states.HANDING_OVER,
        to=states.HANDOVER_REFUSED,
        then=note_refusal,
        explains=why,
    ),
    on(
        events.HandoverDecided,
        at=states.HANDOVER_REFUSED,
        to=states.SUBMITTING_AGAIN,
        when=all_of(guards.tries_again, let_go_before),
        then=submit_again,
    ),
    on(
        events.HandoverDecided,
        at=states.HANDOVER_REFUSED,
        to=junctions.ORDER_STANDS,
        when=gives_up,
        then=effects.cannot_hand_over,
        does=commands.MONEY_BACK,
    ),
    on(
        events.CancellationAccepted,
        at=states.HANDOVER_REFUSED,
        when=lets_go_late,
        then=answered,
        because="the warehouse has let go of a plan that was not taken",
    ),
    on(
        deadlines.HANDOVER_DUE,
        at=states.HANDOVER_REFUSED,
        then=effects.climb,
        does=(letters.CALL_ORDER_DESK,),
    ),
)

# What is to be sent once more, too, is sent as a whole or not at all.
REPLACEMENT = (
    on(
        outcomes.WarehouseAccepted,
        at=states.REPLACING,
        to=junctions.ORDER_STANDS,
        when=plan_is_complete,
        then=delivery.replaced,
        sends=open_new_parcels,
    ),
    on(
        outcomes.WarehouseAccepted,
        at=states.REPLACING,
        then=recall,
        does=(commands.RECALL_PLAN,),
        explains=why,
    ),
    *(
        on(
            answer,
            at=states.REPLACING,
            to=junctions.ORDER_STANDS,
            when=recalling,
            then=not_sent_again,
            does=(commands.RELEASE_REPLACEMENT, commands.VOID, letters.TELL_NOT_PACKED_AGAIN, *calls),
            sends=request_refunds,
        )
        for answer, calls in ANSWERS
    ),
)
