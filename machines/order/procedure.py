"""The order procedure: its header, and its rules in the order in which orders live.

To read it from top to bottom: this header; ``data.py``, what an order knows; ``events.py`` and
``outcomes.py``, what can happen; ``states.py`` with ``deadlines.py``, where it can stand and for how
long; the rules named here; ``guards.py`` and ``standing.py``, what they ask; ``effects.py``,
``paying.py`` and ``delivery.py``, what they note; ``commands.py``, ``letters.py`` and ``sending.py``,
whom they ask and tell.

Each rule in ``accepting``, ``planning``, ``fulfilling``, ``stopping``, ``changing``, ``owing``, ``disputing``
and ``closing`` says: on this event, when the order stands there, it goes to that state if the guard allows;
the effect notes what is new; others are asked and told.
"""

from __future__ import annotations

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundCrossed,
    RefundSettled,
    RefundWithheld,
)
from machines.kernel.procedure import Procedure
from machines.order import (
    accepting,
    changing,
    closing,
    disputing,
    events,
    fulfilling,
    owing,
    planning,
    returning,
    states,
    stopping,
    unwanted,
)
from machines.order.data import Order
from machines.order.exploring import may_happen
from machines.order.redress import REDRESS
from machines.redress import RedressEnquired, RedressRequested
from machines.returning import ReturnClosed, ReturnRefunded, ReturnReopened

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
        events.PaymentDisputed,
        events.PaymentDisputeWon,
        events.CancellationAccepted,
        events.CancellationRejected,
        ParcelDispatched,
        ParcelDelivered,
        ParcelFailed,
        ParcelCancelled,
        RefundSettled,
        RefundWithheld,
        RefundCrossed,
        returning.OrderReturnAsked,
        ReturnRefunded,
        ReturnClosed,
        ReturnReopened,
        RedressEnquired,
        RedressRequested,
    ),
    states=states.EVERYWHERE,
    rules=(
        *REDRESS,
        *accepting.VERIFICATION,
        *accepting.RESTRICTIONS,
        *accepting.STOCK,
        *accepting.PAYMENT,
        *accepting.SENT_BACK,
        *accepting.SILENCE,
        *planning.HANDOVER,
        *stopping.STOPS,
        *unwanted.opened_by_itself(fulfilling.PARCELS),
        *fulfilling.RENEWAL,
        *fulfilling.REMEDIES,
        *planning.REPLACEMENT,
        *changing.CHANGES,
        *changing.PRICES,
        *closing.CANCELLING,
        *owing.OWING,
        *disputing.DISPUTES,
        *returning.RETURNS,
        *unwanted.opened_by_itself(closing.SETTLEMENT),
        *closing.OTHERWISE,
    ),
    may_happen=may_happen,
    module="machines.order",
    kpis=(
        "hours from order to dispatch",
        "share delivered by the day that was promised",
        "share cancelled, and how many of these because something was sold out",
        "share whose hold on the money ended before the parcel left (none)",
    ),
)
