"""The order procedure: its header, and its rules in the order in which orders live.

Read ``states.py`` for where an order can stand and which time limits run there. Each rule in ``accepting``,
``fulfilling`` and ``closing`` then says: on this event, when the order stands there, it goes to that state if
the guard allows; the effect notes what is new; others are asked and told.
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
from machines.order import accepting, closing, events, fulfilling, states
from machines.order.data import Order
from machines.order.exploring import may_happen
from machines.order.redress import REDRESS
from machines.redress import RedressEnquired, RedressRequested

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
        *accepting.SILENCE,
        *fulfilling.HANDOVER,
        *fulfilling.PARCELS,
        *fulfilling.RENEWAL,
        *fulfilling.REMEDIES,
        *closing.CHANGES,
        *closing.CANCELLING,
        *closing.SETTLEMENT,
        *closing.OTHERWISE,
    ),
    may_happen=may_happen,
    module="machines.order",
)
