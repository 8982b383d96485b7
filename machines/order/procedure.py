"""The order procedure, as its owner reads it: what happens on which event, in the order in which orders live.

Each rule reads: on this event, when the order stands there, go to that state, if the guard allows; the effect
notes what is new, then others are asked and told. The states and their time limits are in ``states.py``.
"""

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
from machines.order import commands, effects, events, guards, letters, states
from machines.order.data import Order, ParcelStatus
from machines.order.exploring import may_happen
from machines.order.sending import open_new_parcels, open_replacement, request_refunds, stop_shipments
from machines.order.settling import settle

MONEY_BACK = (commands.VOID, commands.RELEASE)

# An order is verified before it is accepted.
VERIFICATION = (
    on(events.OrderPlaced, at=states.PLACED, to=states.VERIFYING, when=guards.payable, then=effects.place),
    on(events.OrderVerified, at=states.VERIFYING, to=states.CHECKING),
    on(events.OrderSuspicious, at=states.VERIFYING, to=states.IN_REVIEW, does=(letters.CALL_REVIEWER,)),
    on(events.AddressUndeliverable, at=states.VERIFYING, to=states.AWAITING_ADDRESS),
    on(events.MeansUnusable, at=states.VERIFYING, to=states.AWAITING_MEANS),
    on(
        events.ReviewDecided,
        at=states.IN_REVIEW,
        to=states.CHECKING,
        when=guards.accepted,
        then=effects.accept,
    ),
    on(events.ReviewDecided, at=states.IN_REVIEW, to=states.REJECTED, then=effects.reject),
    on(states.REVIEW_DUE, at=states.IN_REVIEW, then=effects.climb, does=(letters.CALL_REVIEWER,)),
    on(
        events.AddressCorrected, at=states.AWAITING_ADDRESS, to=states.VERIFYING, then=effects.correct_address
    ),
)

# Restrictions are told before the customer commits, with whatever can be had instead.
RESTRICTIONS = (
    on(events.RestrictionsCleared, at=states.CHECKING, to=states.RESERVING, then=effects.begin_reserving),
    on(events.RestrictionsOffer, at=states.CHECKING, to=states.AWAITING_CHOICE, then=effects.note_offer),
    on(events.OrderBlocked, at=states.CHECKING, to=states.REJECTED, then=effects.reject),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.RESERVING,
        when=guards.chooses(events.Choice.ACCEPT),
        then=effects.take_offer,
    ),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.CHECKING,
        when=guards.chooses(events.Choice.SUBSTITUTE),
        then=effects.substitute,
    ),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.BACKORDERED,
        when=guards.chooses(events.Choice.WAIT),
        then=effects.wait_for_stock,
        does=(letters.TELL_BACKORDERED,),
    ),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.CANCELLED,
        when=guards.chooses(events.Choice.CANCEL),
        then=effects.no_longer_wanted,
    ),
)

# Goods are reserved; what is missing is offered otherwise, or waited for until a promised day.
STOCK = (
    on(events.StockReserved, at=states.RESERVING, to=states.PAYMENT_STANDS, then=effects.reserved),
    on(events.StockShort, at=states.RESERVING, to=states.AWAITING_CHOICE, then=effects.note_short),
    on(events.StockReplenished, at=states.BACKORDERED, to=states.RESERVING, then=effects.begin_reserving),
    on(
        events.StockReplenished, at=states.AWAITING_CONSENT, to=states.RESERVING, then=effects.begin_reserving
    ),
    on(states.PROMISE_DUE, at=states.BACKORDERED, to=states.FORECASTING),
    on(states.PROMISE_BROKEN, at=states.ON_ORDER, to=states.AWAITING_CONSENT, then=effects.promise_broken),
    on(events.StockExpected, at=states.FORECASTING, to=states.BACKORDERED, when=guards.on_time),
    on(
        events.StockExpected,
        at=states.FORECASTING,
        to=states.BACKORDERED,
        when=guards.first_short_delay,
        then=effects.promise_again,
        does=(letters.TELL_DELAYED,),
    ),
    on(events.StockExpected, at=states.FORECASTING, to=states.AWAITING_CONSENT, then=effects.promise_again),
    ignore(states.PROMISE_DUE, at=states.FORECASTING, because="stock is being asked already"),
    defer(events.StockReplenished, at=states.FORECASTING, because="the step under way comes first"),
    on(
        events.DelayAnswered,
        at=states.AWAITING_CONSENT,
        to=states.BACKORDERED,
        when=guards.waits,
        then=effects.wait_longer,
    ),
    on(events.DelayAnswered, at=states.AWAITING_CONSENT, to=states.CANCELLED, then=effects.no_longer_wanted),
)

# The money is held, each means of payment for its share.
PAYMENT = (
    on(events.PaymentAuthorized, at=states.AUTHORISING, to=states.PAYMENT_STANDS, then=effects.authorised),
    on(events.PaymentDeclined, at=states.AUTHORISING, to=states.PAYMENT_STANDS, then=effects.declined),
    on(
        events.PaymentActionRequired,
        at=states.AUTHORISING,
        to=states.PAYMENT_STANDS,
        then=effects.action_required,
    ),
    on(
        events.PaymentConfirmed,
        at=states.AWAITING_CONFIRMATION,
        to=states.AUTHORISING,
        then=effects.ask_again,
    ),
    on(
        events.MeansGiven,
        at=states.AWAITING_MEANS,
        to=states.AUTHORISING,
        when=guards.goods_reserved,
        then=effects.other_means_to_authorise,
    ),
    on(events.MeansGiven, at=states.AWAITING_MEANS, to=states.VERIFYING, then=effects.other_means),
)

# The warehouse takes the order; each parcel it plans becomes a shipment.
HANDOVER = (
    on(
        events.WarehouseAccepted,
        at=states.HANDING_OVER,
        to=states.AWAITING_DISPATCH,
        when=guards.plan_is_complete,
        then=effects.plan_parcels,
        sends=open_new_parcels,
    ),
    on(events.WarehouseAccepted, at=states.HANDING_OVER, to=states.HANDOVER_REFUSED),
    on(events.WarehouseRejected, at=states.HANDING_OVER, to=states.HANDOVER_REFUSED),
    on(
        events.HandoverDecided,
        at=states.HANDOVER_REFUSED,
        to=states.SUBMITTING_AGAIN,
        when=guards.tries_again,
    ),
    on(
        events.HandoverDecided,
        at=states.HANDOVER_REFUSED,
        to=states.ORDER_STANDS,
        then=effects.cannot_hand_over,
        does=MONEY_BACK,
    ),
    on(states.HANDOVER_DUE, at=states.HANDOVER_REFUSED, does=(letters.CALL_ORDER_DESK,)),
)

# Each parcel is charged when it leaves, and for what is in it. What a shipment reports counts once.
PARCELS = (
    *(
        on(
            ParcelDispatched,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.OPEN, ParcelStatus.STOPPING),
            then=effects.dispatched,
            does=(commands.CHARGE_PARCEL, commands.VOID, letters.TELL_DISPATCHED),
        )
        for place, stands in states.WITH_PARCELS
    ),
    *(
        on(
            ParcelCancelled,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.OPEN, ParcelStatus.STOPPING),
            then=effects.stopped,
            does=(commands.RELEASE_PARCEL, commands.VOID),
            sends=request_refunds,
        )
        for place, stands in states.WITH_PARCELS
    ),
    *(
        on(
            ParcelDelivered,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.DISPATCHED),
            then=effects.delivered,
        )
        for place, stands in states.WITH_PARCELS
    ),
    *(
        on(
            ParcelFailed,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.DISPATCHED, ParcelStatus.DELIVERED),
            then=effects.failed,
        )
        for place, stands in (*states.WITH_PARCELS, (states.ENDED, states.ORDER_STANDS))
    ),
    on(states.DISPATCH_DUE, at=states.PACKING, does=(commands.CHASE, letters.TELL_DISPATCH_LATE)),
    on(states.DISPATCH_OVERDUE, at=states.PACKING, does=(letters.CALL_WAREHOUSE_LEAD,)),
    defer(ParcelDispatched, at=states.BUSY, because="the step under way comes first"),
    defer(ParcelCancelled, at=states.BUSY, because="the step under way comes first"),
    defer(ParcelDelivered, at=states.BUSY, because="the step under way comes first"),
    defer(ParcelFailed, at=states.BUSY, because="the step under way comes first"),
)

# Before a hold ends, what is packed is charged and the rest held anew; else the customer is asked.
RENEWAL = (
    on(
        states.HOLD_ENDS_SOON,
        at=(states.AWAITING_DISPATCH, states.PART_SHIPPED),
        to=states.RENEWING,
        does=(commands.ASK_WHAT_IS_READY,),
    ),
    on(
        events.WarehouseReported,
        at=states.RENEWING,
        to=states.RENEWAL_STANDS,
        then=effects.renew,
        does=(commands.CHARGE_READY, commands.REAUTHORISE),
    ),
    on(events.PaymentReauthorized, at=states.RENEWING, to=states.RENEWAL_STANDS, then=effects.renewed),
    on(events.PaymentDeclined, at=states.RENEWING, to=states.RENEWAL_STANDS, then=effects.declined),
    on(events.PaymentActionRequired, at=states.RENEWING, to=states.RENEWAL_STANDS, then=effects.not_renewed),
    on(
        events.PaymentAuthorized,
        at=states.RENEWING,
        to=states.RENEWAL_STANDS,
        then=effects.took_over,
        does=(commands.VOID,),
    ),
    on(
        events.PaymentVoided,
        at=states.RENEWING,
        to=states.RENEWAL_STANDS,
        when=guards.being_voided,
        then=effects.voided,
    ),
    on(
        events.NothingToVoid,
        at=states.RENEWING,
        to=states.RENEWAL_STANDS,
        when=guards.being_voided,
        then=effects.voided,
    ),
    on(
        events.PaymentLapsed,
        at=states.PACKING,
        to=states.RENEWAL_STANDS,
        when=guards.held,
        then=effects.lapsed,
    ),
    on(
        events.MeansGiven,
        at=states.AWAITING_RENEWAL,
        to=states.RENEWING,
        when=guards.may_add_means,
        then=effects.add_means,
        does=(commands.AUTHORISE,),
    ),
    on(states.MEANS_DUE, at=states.AWAITING_RENEWAL, to=states.STOP_REQUESTED, then=effects.stop_unpaid),
    on(states.HOLD_ENDS, at=states.AWAITING_RENEWAL, to=states.STOP_REQUESTED, then=effects.stop_unpaid),
)

# An order can be cancelled at any time; goods and money follow from how far it had come.
CANCELLING = (
    on(
        events.OrderCancelRequested,
        at=states.BEFORE_WAREHOUSE,
        to=states.ORDER_STANDS,
        then=effects.cancel,
        does=MONEY_BACK,
    ),
    on(
        events.OrderCancelRequested,
        at=states.PACKING,
        to=states.STOP_REQUESTED,
        then=effects.ask_to_stop,
        does=(letters.TELL_CANCELLING,),
    ),
    on(
        events.OrderCancelRequested,
        at=(states.STOP_REQUESTED, states.SETTLING),
        when=guards.amending,
        then=effects.ask_to_stop,
        does=(letters.TELL_CANCELLING,),
    ),
    on(
        events.OrderCancelRequested,
        at=states.AWAITING_REMEDY,
        to=states.STOP_REQUESTED,
        when=guards.some_open,
        then=effects.cancel_all,
        does=(letters.TELL_CANCELLING,),
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.AWAITING_REMEDY,
        to=states.ORDER_STANDS,
        then=effects.cancel_all,
        sends=request_refunds,
    ),
    on(
        events.OrderCancelRequested,
        at=states.SHIPPED,
        when=guards.not_yet_offered,
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
        at=states.DELIVERED,
        because="the goods have been delivered; they can be sent back instead",
    ),
    ignore(events.CancellationAccepted, at=states.OPENED, because="no parcel is waiting to be stopped"),
    ignore(events.CancellationRejected, at=states.OPENED, because="no parcel is waiting to be stopped"),
)

# Silence ends an order that waits for its customer.
SILENCE = (
    on(states.REMINDER, at=states.ASKING_CUSTOMER, does=(letters.REMIND,)),
    on(
        states.ANSWER_DUE,
        at=(states.AWAITING_ADDRESS, states.AWAITING_CHOICE, states.AWAITING_CONSENT),
        to=states.ORDER_STANDS,
        then=effects.expire,
        does=MONEY_BACK,
    ),
    on(
        states.MEANS_DUE,
        at=states.AWAITING_MEANS,
        to=states.ORDER_STANDS,
        then=effects.expire,
        does=MONEY_BACK,
    ),
    on(
        states.PAYMENT_DUE,
        at=states.AWAITING_CONFIRMATION,
        to=states.ORDER_STANDS,
        then=effects.expire,
        does=MONEY_BACK,
    ),
    on(
        states.HOLD_ENDS,
        at=states.HANDOVER_REFUSED,
        to=states.ORDER_STANDS,
        then=effects.expire,
        does=MONEY_BACK,
    ),
    on(
        states.ANSWER_DUE,
        at=states.AWAITING_REMEDY,
        to=states.ORDER_STANDS,
        then=effects.refund_all_failed,
        sends=request_refunds,
    ),
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
        does=MONEY_BACK,
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
        at=(*states.IN_WAREHOUSE, *states.AFTER_WAREHOUSE),
        because="it is too late to change this order; what has not left can be cancelled",
    ),
    refuse(events.OrderAmended, at=states.ENDED, because="this order has ended; please place a new one"),
    refuse(
        events.OrderRepriced,
        at=(*states.IN_WAREHOUSE, *states.AFTER_WAREHOUSE, *states.ENDED),
        because="the price confirmed to the customer stands",
    ),
)

# A parcel that did not arrive is sent once more, or its money goes back.
REMEDIES = (
    on(
        events.RemedyChosen,
        at=states.AWAITING_REMEDY,
        to=states.REPLACING,
        when=guards.reships,
        then=effects.begin_replacing,
        does=(commands.RESERVE_AGAIN, letters.TELL_REPLACING),
    ),
    on(
        events.RemedyChosen,
        at=states.AWAITING_REMEDY,
        to=states.ORDER_STANDS,
        when=guards.refunds,
        then=effects.refund_failed,
        sends=request_refunds,
    ),
    on(events.StockReserved, at=states.REPLACING, then=effects.reserved_again, does=(commands.SUBMIT_AGAIN,)),
    on(
        events.StockShort,
        at=states.REPLACING,
        to=states.ORDER_STANDS,
        then=effects.cannot_replace,
        sends=request_refunds,
    ),
    on(
        events.WarehouseAccepted,
        at=states.REPLACING,
        to=states.ORDER_STANDS,
        then=effects.replaced,
        sends=open_replacement,
    ),
    on(
        events.WarehouseRejected,
        at=states.REPLACING,
        to=states.ORDER_STANDS,
        then=effects.replacement_rejected,
        does=(commands.RELEASE_REPLACEMENT,),
        sends=request_refunds,
    ),
)

# Money and goods that come back are noted wherever the order stands; at rest it ends, or starts anew.
SETTLEMENT = (
    *settle(events.PaymentCaptured, when=guards.charge_open, then=effects.captured, sends=request_refunds),
    *settle(
        events.CaptureDeclined,
        when=guards.charge_open,
        then=effects.capture_declined,
        does=(letters.CALL_FINANCE,),
        sends=request_refunds,
    ),
    *settle(events.PaymentVoided, when=guards.being_voided, then=effects.voided),
    *settle(events.NothingToVoid, when=guards.being_voided, then=effects.voided),
    *settle(events.StockReleased, then=effects.released),
    *settle(RefundSettled, when=guards.refund_open, then=effects.refunded),
    *settle(RefundWithheld, when=guards.refund_open, then=effects.refunded),
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
        then=effects.authorised_late,
        does=(commands.VOID_LATE,),
    ),
    on(events.PaymentDeclined, at=states.SETTLING, to=states.ORDER_STANDS, then=effects.declined),
    on(
        events.PaymentActionRequired, at=states.SETTLING, to=states.ORDER_STANDS, then=effects.action_required
    ),
    on(
        events.PaymentLapsed, at=states.WITH_MONEY_HELD, when=guards.held, then=effects.lapsed_before_handover
    ),
    on(events.PaymentLapsed, at=states.OUT_OF_REACH, when=guards.held, then=effects.lapsed),
    on(
        events.PaymentLapsed,
        at=states.HANDOVER_REFUSED,
        to=states.ORDER_STANDS,
        when=guards.held,
        then=effects.expire_lapsed,
        does=MONEY_BACK,
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

ORDER = Procedure(
    name="order",
    title="Order processing",
    version=1,
    purpose="Bring each order from placement to delivery, charge what is delivered and nothing else.",
    scope="All orders of all channels, until they are delivered or given up.",
    responsible="Head of order management",
    references=("FTC 16 CFR 435 (mail order rule)", "Directive 2011/83/EU, Articles 8 and 18"),
    fulfils=("ORD-1", "GOV-1"),
    data=Order,
    events=(
        events.OrderPlaced,
        events.OrderCancelRequested,
        events.OrderAmended,
        events.OrderRepriced,
        events.StockReplenished,
        events.PaymentConfirmed,
        events.PaymentLapsed,
        events.CancellationAccepted,
        events.CancellationRejected,
        ParcelDispatched,
        ParcelDelivered,
        ParcelFailed,
        ParcelCancelled,
        RefundSettled,
        RefundWithheld,
    ),
    states=states.EVERYWHERE,
    rules=(
        *VERIFICATION,
        *RESTRICTIONS,
        *STOCK,
        *PAYMENT,
        *HANDOVER,
        *PARCELS,
        *RENEWAL,
        *CANCELLING,
        *SILENCE,
        *CHANGES,
        *REMEDIES,
        *SETTLEMENT,
        *OTHERWISE,
    ),
    may_happen=may_happen,
    module="machines.order",
)
