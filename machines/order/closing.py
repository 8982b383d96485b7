"""Rules for orders that are given up or come to rest, and for all that changes nothing."""

from __future__ import annotations

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundSettled,
    RefundWithheld,
)
from machines.kernel.rule import defer, ignore, note, on, refuse
from machines.kernel.verdict import all_of
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.order import (
    commands,
    delivery,
    effects,
    events,
    guards,
    junctions,
    letters,
    outcomes,
    paying,
    states,
)
from machines.order.sending import request_refunds
from machines.order.settling import settle, settle_part

# An order can be cancelled at any time; goods and money follow from how far it had come.
CANCELLING = (
    on(
        events.OrderCancelRequested,
        at=states.BEFORE_WAREHOUSE,
        to=junctions.ORDER_STANDS,
        when=guards.by_its_customer,
        then=effects.cancel,
        does=commands.MONEY_BACK,
    ),
    on(
        events.OrderCancelRequested,
        at=states.PACKING,
        to=states.STOP_REQUESTED,
        when=guards.by_its_customer,
        then=effects.ask_to_stop,
        does=(letters.TELL_CANCELLING,),
    ),
    on(
        events.OrderCancelRequested,
        at=states.STOP_REQUESTED,
        when=all_of(guards.by_its_customer, guards.not_yet_asked),
        then=effects.ask_to_stop,
        does=(letters.TELL_CANCELLING,),
    ),
    on(  # while it settles parcels can be in the warehouse, on their way to a change, or to be replaced
        events.OrderCancelRequested,
        at=states.SETTLING,
        to=states.STOP_REQUESTED,
        when=all_of(guards.by_its_customer, guards.not_yet_asked_but_open),
        then=delivery.cancel_all,
        does=(letters.TELL_CANCELLING,),
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.SETTLING,
        to=junctions.ORDER_STANDS,
        when=all_of(guards.by_its_customer, guards.not_yet_asked_nor_arrived),
        then=delivery.cancel_all,
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.AWAITING_REMEDY,
        to=states.STOP_REQUESTED,
        when=all_of(guards.by_its_customer, guards.some_open),
        then=delivery.cancel_all,
        does=(letters.TELL_CANCELLING,),
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.AWAITING_REMEDY,
        to=junctions.ORDER_STANDS,
        when=guards.by_its_customer,
        then=delivery.cancel_all,
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.SHIPPED,
        when=all_of(guards.by_its_customer, guards.not_yet_offered),
        then=effects.offer_return,
        does=(letters.TELL_TOO_LATE,),
    ),
    note(outcomes.CancellationNoted, at=states.EVERYWHERE, because="the warehouse answers later"),
    defer(
        events.OrderCancelRequested,
        at=(*states.HANDING_OVER, *states.BUSY),
        because="the step under way comes first",
    ),
    ignore(
        events.OrderCancelRequested,
        at=(
            states.STOP_REQUESTED,
            states.SETTLING,
            states.CANCELLED,
            states.EXPIRED,
            states.REJECTED,
            states.REFUNDED,
            states.WITHHELD,
        ),
        because="the order is being given up already",
    ),
    ignore(events.OrderCancelRequested, at=states.SHIPPED, because="a return was offered already"),
    refuse(
        events.OrderCancelRequested,
        at=(*states.OWING, states.DELIVERED, states.IN_RETURN, states.RETURNED),
        because="the goods have been delivered; they can be sent back instead",
    ),
)

# Money and goods that come back are noted wherever the order stands; at rest it ends, or starts anew.
SETTLEMENT = (
    *settle_part(  # what was taken for a parcel that is stopped for a change has still to go back
        outcomes.PaymentCaptured, when=guards.charge_open, then=paying.captured, sends=request_refunds
    ),
    *settle(
        outcomes.CaptureDeclined,
        when=guards.charge_open,
        then=paying.capture_declined,
        does=(letters.CALL_FINANCE,),
        sends=request_refunds,
    ),
    *settle(outcomes.PaymentReauthorized, then=paying.renewed),
    *settle(outcomes.PaymentDeclined, when=guards.asked_for_longer, then=paying.held_until_it_ends),
    *settle(outcomes.PaymentVoided, when=guards.being_voided, then=paying.voided),
    *settle(outcomes.NothingToVoid, when=guards.being_voided, then=paying.voided),
    *settle(outcomes.StockReleased, then=effects.released),
    *settle(RefundSettled, when=guards.refund_open, then=delivery.refunded, sends=request_refunds),
    *settle(RefundWithheld, when=guards.refund_open, then=delivery.refunded, sends=request_refunds),
    on(
        outcomes.StockReserved,
        at=states.SETTLING,
        to=junctions.ORDER_STANDS,
        then=effects.reserved_late,
        does=(commands.RELEASE,),
    ),
    on(outcomes.StockShort, at=states.SETTLING, to=junctions.ORDER_STANDS, then=effects.not_reserved),
    on(
        outcomes.PaymentAuthorized,
        at=states.SETTLING,
        to=junctions.ORDER_STANDS,
        then=paying.authorised_late,
        does=(commands.VOID_LATE,),
    ),
    on(outcomes.PaymentDeclined, at=states.SETTLING, to=junctions.ORDER_STANDS, then=paying.declined),
    on(
        outcomes.PaymentActionRequired,
        at=states.SETTLING,
        to=junctions.ORDER_STANDS,
        then=paying.action_required,
        does=(commands.CALL_OFF,),
    ),
    on(
        events.PaymentConfirmed,
        at=states.AT_REST,
        when=guards.nobody_waits,
        does=(commands.CALL_OFF,),
        because="nobody waits for it any more: what the customer has confirmed is let go",
    ),
    on(
        outcomes.PaymentVoided, at=states.OPENED, when=guards.called_off, because="it counted as held nowhere"
    ),
    on(outcomes.NothingToVoid, at=states.OPENED, when=guards.called_off, because="it was not confirmed"),
    on(
        events.PaymentLapsed,
        at=states.WITH_MONEY_HELD,
        when=guards.held,
        then=paying.lapsed_before_handover,
    ),
    on(events.PaymentLapsed, at=states.OUT_OF_REACH, when=guards.held, then=paying.lapsed),
    on(
        events.PaymentLapsed,
        at=states.HANDOVER_REFUSED,
        to=junctions.ORDER_STANDS,
        when=guards.held,
        then=paying.cannot_hand_over_lapsed,
        does=commands.MONEY_BACK,
    ),
    defer(
        events.PaymentLapsed,
        at=(*states.DECIDING, *states.HANDING_OVER, states.RENEWING),
        because="the step under way comes first",
    ),
)

# Whatever else arrives changes nothing.
OTHERWISE = (
    on(MessageUndeliverable, at=states.OPENED, does=(letters.CALL_ABOUT_ADDRESS,)),
    note(MessageSent, at=states.OPENED, because="the message is on its way"),
    note(StaffAlerted, at=states.OPENED, because="a colleague has been called"),
    note(outcomes.LimitsReleased, at=states.OPENED, because="limits count what the customer has"),
    note(outcomes.WarehouseChased, at=states.OPENED, because="the warehouse has been reminded"),
    ignore(events.OrderPlaced, at=states.OPENED, because="this order is known already"),
    *(
        ignore(event, at=states.OPENED, because="the order has moved on meanwhile")
        for event in (
            outcomes.OrderVerified,
            outcomes.OrderSuspicious,
            outcomes.AddressUndeliverable,
            outcomes.MeansUnusable,
            outcomes.RestrictionsCleared,
            outcomes.RestrictionsOffer,
            outcomes.OrderBlocked,
            outcomes.StockExpected,
            outcomes.WarehouseReported,
            events.StockReplenished,
            events.PaymentConfirmed,
        )
    ),
    *(
        ignore(event, at=states.OPENED, because="this has been counted already")
        for event in (
            events.PaymentLapsed,
            ParcelDispatched,
            ParcelDelivered,
            ParcelFailed,
            ParcelCancelled,
            RefundSettled,
            RefundWithheld,
        )
    ),
    *(
        refuse(event, at=states.not_asking(event), because="that question is not open")
        for event in (
            events.ReviewDecided,
            events.AddressCorrected,
            events.ChoiceMade,
            events.DelayAnswered,
            events.MeansGiven,
            events.PriceAnswered,
            events.HandoverDecided,
            events.DebtDecided,
            events.RemedyChosen,
        )
    ),
)
