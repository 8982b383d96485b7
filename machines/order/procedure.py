"""The order procedure, as its owner reads it: what happens in which state, in the order in which orders live."""

from __future__ import annotations

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundSettled,
    RefundWithheld,
)
from machines.kernel.procedure import Procedure
from machines.kernel.rule import defer, ignore, on, refuse
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.order import commands as ask
from machines.order import effects as note
from machines.order import events as told
from machines.order import guards as if_
from machines.order import letters as tell
from machines.order import states as at
from machines.order.data import Order, ParcelStatus
from machines.order.exploring import may_happen
from machines.order.sending import open_new_parcels, request_refunds, stop_shipments

MONEY_BACK = (ask.VOID, ask.RELEASE)
ORDER_EVENTS = (
    told.OrderPlaced,
    told.OrderCancelRequested,
    told.OrderAmended,
    told.OrderRepriced,
    told.StockReplenished,
    told.PaymentConfirmed,
    told.PaymentLapsed,
    told.CancellationAccepted,
    told.CancellationRejected,
    ParcelDispatched,
    ParcelDelivered,
    ParcelFailed,
    ParcelCancelled,
    RefundSettled,
    RefundWithheld,
)

# An order is verified before it is accepted.
VERIFICATION = (
    on(told.OrderPlaced, at=at.PLACED, to=at.VERIFYING, when=if_.payable, then=note.place),
    on(told.OrderVerified, at=at.VERIFYING, to=at.CHECKING),
    on(told.OrderSuspicious, at=at.VERIFYING, to=at.IN_REVIEW, does=(tell.CALL_REVIEWER,)),
    on(told.AddressUndeliverable, at=at.VERIFYING, to=at.AWAITING_ADDRESS),
    on(told.MeansUnusable, at=at.VERIFYING, to=at.AWAITING_MEANS),
    on(told.ReviewDecided, at=at.IN_REVIEW, to=at.CHECKING, when=if_.accepted),
    on(told.ReviewDecided, at=at.IN_REVIEW, to=at.REJECTED, then=note.reject),
    on(at.REVIEW_DUE, at=at.IN_REVIEW, then=note.climb, does=(tell.CALL_REVIEWER,)),
    on(told.AddressCorrected, at=at.AWAITING_ADDRESS, to=at.VERIFYING, then=note.correct_address),
)

# Restrictions are told before the customer commits, with whatever can be had instead.
RESTRICTIONS = (
    on(told.RestrictionsCleared, at=at.CHECKING, to=at.RESERVING, then=note.begin_reserving),
    on(told.RestrictionsOffer, at=at.CHECKING, to=at.AWAITING_CHOICE, then=note.note_offer),
    on(told.OrderBlocked, at=at.CHECKING, to=at.REJECTED, then=note.reject),
    on(
        told.ChoiceMade,
        at=at.AWAITING_CHOICE,
        to=at.RESERVING,
        when=if_.chooses(told.Choice.ACCEPT),
        then=note.take_offer,
    ),
    on(
        told.ChoiceMade,
        at=at.AWAITING_CHOICE,
        to=at.CHECKING,
        when=if_.chooses(told.Choice.SUBSTITUTE),
        then=note.substitute,
    ),
    on(
        told.ChoiceMade,
        at=at.AWAITING_CHOICE,
        to=at.BACKORDERED,
        when=if_.chooses(told.Choice.WAIT),
        then=note.wait_for_stock,
        does=(tell.TELL_BACKORDERED,),
    ),
    on(
        told.ChoiceMade,
        at=at.AWAITING_CHOICE,
        to=at.CANCELLED,
        when=if_.chooses(told.Choice.CANCEL),
        then=note.no_longer_wanted,
    ),
)

# Goods are reserved; what is missing is offered otherwise, or waited for until a promised day.
STOCK = (
    on(told.StockReserved, at=at.RESERVING, to=at.PAYMENT_STANDS, then=note.reserved),
    on(told.StockShort, at=at.RESERVING, to=at.AWAITING_CHOICE, then=note.note_short),
    on(told.StockReplenished, at=at.BACKORDERED, to=at.RESERVING, then=note.begin_reserving),
    on(told.StockReplenished, at=at.AWAITING_CONSENT, to=at.RESERVING, then=note.begin_reserving),
    on(at.PROMISE_DUE, at=at.BACKORDERED, does=(ask.FORECAST,)),
    on(at.PROMISE_BROKEN, at=at.BACKORDERED, to=at.AWAITING_CONSENT, then=note.promise_broken),
    on(told.StockExpected, at=at.BACKORDERED, when=if_.on_time),
    on(
        told.StockExpected,
        at=at.BACKORDERED,
        when=if_.first_short_delay,
        then=note.promise_again,
        does=(tell.TELL_DELAYED,),
    ),
    on(told.StockExpected, at=at.BACKORDERED, to=at.AWAITING_CONSENT, then=note.promise_again),
    on(
        told.DelayAnswered,
        at=at.AWAITING_CONSENT,
        to=at.BACKORDERED,
        when=if_.waits,
        then=note.wait_longer,
    ),
    on(told.DelayAnswered, at=at.AWAITING_CONSENT, to=at.CANCELLED, then=note.no_longer_wanted),
)

# The money is held, each means of payment for its share.
PAYMENT = (
    on(told.PaymentAuthorized, at=at.AUTHORISING, to=at.PAYMENT_STANDS, then=note.authorised),
    on(told.PaymentDeclined, at=at.AUTHORISING, to=at.PAYMENT_STANDS, then=note.declined),
    on(told.PaymentActionRequired, at=at.AUTHORISING, to=at.PAYMENT_STANDS, then=note.action_required),
    on(told.PaymentConfirmed, at=at.AWAITING_CONFIRMATION, to=at.AUTHORISING, then=note.ask_again),
    on(
        told.MeansGiven,
        at=at.AWAITING_MEANS,
        to=at.AUTHORISING,
        when=if_.goods_reserved,
        then=note.other_means_to_authorise,
    ),
    on(told.MeansGiven, at=at.AWAITING_MEANS, to=at.VERIFYING, then=note.other_means),
)

# The warehouse takes the order; each parcel it plans becomes a shipment.
HANDOVER = (
    on(
        told.WarehouseAccepted,
        at=at.HANDING_OVER,
        to=at.AWAITING_DISPATCH,
        when=if_.plan_is_complete,
        then=note.plan_parcels,
        sends=open_new_parcels,
    ),
    on(told.WarehouseAccepted, at=at.HANDING_OVER, to=at.HANDOVER_REFUSED),
    on(told.WarehouseRejected, at=at.HANDING_OVER, to=at.HANDOVER_REFUSED),
    on(told.HandoverDecided, at=at.HANDOVER_REFUSED, to=at.SUBMITTING_AGAIN, when=if_.tries_again),
    on(
        told.HandoverDecided,
        at=at.HANDOVER_REFUSED,
        to=at.ORDER_STANDS,
        then=note.cannot_hand_over,
        does=MONEY_BACK,
    ),
    on(at.HANDOVER_DUE, at=at.HANDOVER_REFUSED, does=(tell.CALL_ORDER_DESK,)),
)

# Each parcel is charged when it leaves. What a shipment reports counts once.
PARCELS = (
    on(
        ParcelDispatched,
        at=(at.AWAITING_DISPATCH, at.PART_SHIPPED, at.STOP_REQUESTED, at.SETTLING),
        to=at.ORDER_STANDS,
        when=if_.last_to_leave,
        then=note.dispatched,
        does=(ask.CHARGE_PARCEL, ask.VOID, tell.TELL_DISPATCHED),
    ),
    on(
        ParcelDispatched,
        at=(at.AWAITING_DISPATCH, at.PART_SHIPPED),
        to=at.ORDER_STANDS,
        when=if_.parcel_is(*if_.STILL_HERE),
        then=note.dispatched,
        does=(ask.CHARGE_PARCEL, tell.TELL_DISPATCHED),
    ),
    on(
        ParcelDispatched,
        at=(at.STOP_REQUESTED, at.SETTLING, at.AWAITING_REMEDY),
        when=if_.parcel_is(*if_.STILL_HERE),
        then=note.dispatched,
        does=(ask.CHARGE_PARCEL, ask.VOID, tell.TELL_DISPATCHED),
    ),
    on(
        ParcelDispatched,
        at=at.AWAITING_RENEWAL,
        to=at.RENEWAL_STANDS,
        when=if_.parcel_is(*if_.STILL_HERE),
        then=note.dispatched,
        does=(ask.CHARGE_PARCEL, ask.VOID, tell.TELL_DISPATCHED),
    ),
    on(told.PaymentCaptured, at=at.CHARGING, when=if_.charge_open, then=note.captured, sends=request_refunds),
    on(
        told.CaptureDeclined,
        at=at.CHARGING,
        when=if_.charge_open,
        then=note.capture_declined,
        does=(tell.CALL_FINANCE,),
        sends=request_refunds,
    ),
    on(
        ParcelDelivered,
        at=(at.SHIPPED, at.PART_SHIPPED),
        to=at.ORDER_STANDS,
        when=if_.parcel_is(ParcelStatus.DISPATCHED),
        then=note.delivered,
    ),
    on(
        ParcelDelivered,
        at=(at.STOP_REQUESTED, at.AWAITING_RENEWAL, at.AWAITING_REMEDY, at.SETTLING),
        when=if_.parcel_is(ParcelStatus.DISPATCHED),
        then=note.delivered,
    ),
)
RULES = VERIFICATION+RESTRICTIONS+STOCK+PAYMENT+HANDOVER+PARCELS
