"""With which event of its own each procedure is called off or handed over, when staff ask for that.

Every case can be put on hold or annotated; only its procedure knows what cancelling means, and says so by its
events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from machines.complaint.events import ComplaintAssigned, ComplaintWithdrawn
from machines.kernel.event import Event
from machines.order.events import CancelReason, OrderCancelRequested
from machines.returns.events import ReturnWithdrawn

CANCELS: Mapping[str, Callable[[Any], Event]] = MappingProxyType(
    {
        "order": lambda order: OrderCancelRequested(customer=order.customer, reason=CancelReason.BY_STAFF),
        "return": lambda goods: ReturnWithdrawn(customer=goods.customer),
        "complaint": lambda complaint: ComplaintWithdrawn(customer=complaint.customer),
    }
)
"""Procedure -> what cancels a case with these data."""

ASSIGNS: Mapping[str, Callable[[str], Event]] = MappingProxyType(
    {"complaint": lambda owner: ComplaintAssigned(owner=owner)}
)
"""Procedure -> what tells it who looks after the case now, where that matters to it."""
