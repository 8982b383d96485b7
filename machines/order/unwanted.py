"""Orders that the customer wanted to cancel while the carrier was faster: when all has come, a return of it
opens by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from machines.between import ParcelDelivered, RefundSettled, RefundWithheld
from machines.kernel.event import Event
from machines.kernel.rule import Junction, Rule, Send
from machines.kernel.verdict import Refusal, Verdict, allow_if
from machines.order import outcomes, states
from machines.order.data import Order
from machines.order.junctions import ORDER_STANDS
from machines.order.returning import begin, open_return
from machines.order.standing import left_to_return
from machines.returning import Reason

LAST = {  #: what can be the last thing that an order with delivered goods waits for
    event.type
    for event in (
        ParcelDelivered,
        RefundSettled,
        RefundWithheld,
        outcomes.PaymentCaptured,
        outcomes.CaptureDeclined,
        outcomes.PaymentVoided,
        outcomes.NothingToVoid,
        outcomes.StockReleased,
    )
}


def opened_by_itself(rules: Iterable[Rule]) -> Iterable[Rule]:
    """Each rule that could bring the order to its delivery; before it the same one for an order that the
    customer had wanted to cancel, which opens a return of all that came."""
    for rule in rules:
        if rule.event in LAST and rule.to is ORDER_STANDS:
            yield replace(
                rule,
                to=states.IN_RETURN,
                when=_brings_back(rule),
                then=_begin_by_itself(rule),
                sends=_and_open(rule),
            )
        yield rule


def _brings_back(rule: Rule) -> Callable[[Order, Any, datetime], Verdict]:
    def guard(order: Order, event: Event, now: datetime) -> Verdict:
        if not order.return_offered:
            return Refusal("the customer did not want to cancel it")
        verdict = rule.when(order, event, now) if rule.when else None
        if verdict is not None and not verdict:
            return Refusal(verdict.reason) if isinstance(verdict, Refusal) else verdict
        after = rule.then(order, event, now) if rule.then else order
        at_rest = isinstance(rule.to, Junction) and rule.to.choose(after) is states.DELIVERED
        return allow_if(at_rest and bool(left_to_return(after)), "not all has come yet")

    return guard


def _begin_by_itself(rule: Rule) -> Callable[[Order, Any, datetime], Order]:
    def effect(order: Order, event: Event, now: datetime) -> Order:
        after: Order = rule.then(order, event, now) if rule.then else order
        return begin(after, left_to_return(after), now, reason=Reason.CANCELLED_TOO_LATE)

    return effect


def _and_open(rule: Rule) -> Callable[[Order, Any], Iterable[Send]]:
    def sends(order: Order, event: Event) -> Iterable[Send]:
        yield from rule.sends(order, event) if rule.sends else ()
        yield from open_return(order, event)

    return sends
