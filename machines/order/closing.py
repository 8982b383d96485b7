"""Rules for orders that change, are given up, or come to rest; and for all that changes nothing."""

from __future__ import annotations

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundSettled,
    RefundWithheld,
)
from machines.kernel.rule import defer, ignore, on, refuse
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.order import commands, delivery, effects, events, guards, letters, states
from machines.order.sending import request_refunds, stop_shipments
from machines.order.settling import settle

# An order can be cancelled at any time; goods and money follow from how far it had come.
CANCELLING = (
    on(
        events.OrderCancelRequested,
        at=states.BEFORE_WAREHOUSE,
        to=states.ORDER_STANDS,
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
        at=(states.STOP_REQUESTED, states.SETTLING),
        when=guards.by_its_customer_and(guards.amending),
        then=effects.ask_to_stop,
        does=(letters.TELL_CANCELLING,),
    ),
    on(
        events.OrderCancelRequested,
        at=states.AWAITING_REMEDY,
        to=states.STOP_REQUESTED,
        when=guards.by_its_customer_and(guards.some_open),
        then=delivery.cancel_all,
        does=(letters.TELL_CANCELLING,),
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.AWAITING_REMEDY,
        to=states.ORDER_STANDS,
        when=guards.by_its_customer,
        then=delivery.cancel_all,
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.SHIPPED,
        when=guards.by_its_customer_and(guards.not_yet_offered),
        then=effects.offer_return,
        does=(letters.TELL_TOO_LATE,),
    ),
    on(
        events.CancellationAccepted,
        at=states.STOP_REQUESTED,
        to=states.ORDER_STANDS,
        when=guards.stops_some,
        then=effects.stop_accepted,
        sends=stop_shipments,
    ),
    on(
        events.CancellationRejected,
        at=states.STOP_REQUESTED,
        to=states.ORDER_STANDS,
        then=effects.stop_rejected,
        does=(letters.TELL_TOO_LATE,),
    ),
    on(states.STOP_DUE, at=states.STOP_REQUESTED, does=(letters.CALL_ABOUT_STOP,)),
    ignore(events.CancellationNoted, at=states.EVERYWHERE, because="the warehouse answers later"),
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
        ),
        because="the order is being given up already",
    ),
    ignore(events.OrderCancelRequested, at=states.SHIPPED, because="a return was offered already"),
    refuse(
        events.OrderCancelRequested,
        at=(states.DELIVERED, states.IN_RETURN, states.RETURNED),
        because="the goods have been delivered; they can be sent back instead",
    ),
    ignore(events.CancellationAccepted, at=states.OPENED, because="no parcel is waiting to be stopped"),
    ignore(events.CancellationRejected, at=states.OPENED, because="no parcel is waiting to be stopped"),
)

# Goods, address and prices can change until the first parcel leaves; whatever was held is let go first.
CHANGES = (
    on(
        events.OrderAmended,
        at=states.RESTING,
        to=states.VERIFYING,
        when=guards.nothing_to_undo,
        then=effects.amend_at_once,
    ),
    on(
        events.OrderAmended,
        at=states.RESTING,
        to=states.ORDER_STANDS,
        when=guards.may_amend,
        then=effects.take_back_to_amend,
        does=commands.MONEY_BACK,
    ),
    on(
        events.OrderAmended,
        at=states.AWAITING_DISPATCH,
        to=states.STOP_REQUESTED,
        when=guards.may_amend,
        then=effects.note_amendment,
    ),
    on(events.OrderRepriced, at=states.RESTING, when=guards.not_dearer, then=effects.reprice),
    defer(
        events.OrderAmended,
        at=(*states.DECIDING, *states.HANDING_OVER),
        because="the step under way comes first",
    ),
    defer(
        events.OrderRepriced,
        at=(*states.DECIDING, *states.HANDING_OVER),
        because="the step under way comes first",
    ),
    refuse(
        events.OrderAmended,
        at=(*states.TOO_LATE_TO_CHANGE, *states.AFTER_WAREHOUSE),
        because="it is too late to change this order; what has not left can be cancelled",
    ),
    refuse(events.OrderAmended, at=states.ENDED, because="this order has ended; please place a new one"),
    refuse(
        events.OrderRepriced,
        at=(*states.IN_WAREHOUSE, *states.AFTER_WAREHOUSE, *states.ENDED),
        because="the price confirmed to the customer stands",
    ),
)

# Money and goods that come back are noted wherever the order stands; at rest it ends, or starts anew.
SETTLEMENT = (
    *settle(events.PaymentCaptured, when=guards.charge_open, then=delivery.captured, sends=request_refunds),
    *settle(
        events.CaptureDeclined,
        when=guards.charge_open,
        then=delivery.capture_declined,
        does=(letters.CALL_FINANCE,),
        sends=request_refunds,
    ),
    *settle(events.PaymentVoided, when=guards.being_voided, then=delivery.voided),
    *settle(events.NothingToVoid, when=guards.being_voided, then=delivery.voided),
    *settle(events.StockReleased, then=effects.released),
    *settle(RefundSettled, when=guards.refund_open, then=delivery.refunded),
    *settle(RefundWithheld, when=guards.refund_open, then=delivery.refunded),
    on(
        events.StockReserved,
        at=states.SETTLING,
        to=states.ORDER_STANDS,
        then=effects.reserved_late,
        does=(commands.RELEASE,),
    ),
    on(events.StockShort, at=states.SETTLING, to=states.ORDER_STANDS, then=effects.not_reserved),
    on(
        events.PaymentAuthorized,
        at=states.SETTLING,
        to=states.ORDER_STANDS,
        then=delivery.authorised_late,
        does=(commands.VOID_LATE,),
    ),
    on(events.PaymentDeclined, at=states.SETTLING, to=states.ORDER_STANDS, then=delivery.declined),
    on(
        events.PaymentActionRequired,
        at=states.SETTLING,
        to=states.ORDER_STANDS,
        then=delivery.action_required,
    ),
    on(
        events.PaymentLapsed,
        at=states.WITH_MONEY_HELD,
        when=guards.held,
        then=delivery.lapsed_before_handover,
    ),
    on(events.PaymentLapsed, at=states.OUT_OF_REACH, when=guards.held, then=delivery.lapsed),
    on(
        events.PaymentLapsed,
        at=states.HANDOVER_REFUSED,
        to=states.ORDER_STANDS,
        when=guards.held,
        then=delivery.expire_lapsed,
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
    ignore(MessageSent, at=states.OPENED, because="the message is on its way"),
    ignore(StaffAlerted, at=states.OPENED, because="a colleague has been called"),
    ignore(events.WarehouseChased, at=states.OPENED, because="the warehouse has been reminded"),
    ignore(events.OrderPlaced, at=states.OPENED, because="this order is known already"),
    *(
        ignore(event, at=states.OPENED, because="the order has moved on meanwhile")
        for event in (
            events.OrderVerified,
            events.OrderSuspicious,
            events.AddressUndeliverable,
            events.MeansUnusable,
            events.RestrictionsCleared,
            events.RestrictionsOffer,
            events.OrderBlocked,
            events.StockExpected,
            events.WarehouseReported,
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
            events.HandoverDecided,
            events.RemedyChosen,
        )
    ),
)
