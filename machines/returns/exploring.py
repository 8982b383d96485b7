"""What may happen to a return from outside, with payloads, for the exhaustive check and for examples."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from machines.between import Pick
from machines.kernel.event import Event
from machines.returning import Reason, ReturnCapped, ReturnCovered, Wish
from machines.returns import events as told
from machines.returns.data import Return
from machines.returns.eligibility import Ruling


def may_happen(data: Return) -> Iterable[Event]:
    """Every event and form worth trying on a return that knows this; most states turn most of them down.

    Overrides, and what can be amiss on the way or in the parcel, are tried on returns of their own, since
    together they would multiply; a return that opened by itself is as good as one that was asked for.
    """
    plain = data.wish is Wish.REFUND and data.answer.ruling is Ruling.ALLOWED and data.override is None
    yield told.ReturnArrived()
    if data.reason is Reason.CANCELLED_TOO_LATE:
        yield from _findings(data)
        return
    yield told.ReturnScanned(sequence=1, scanned_at=datetime(2026, 12, 2, 9, tzinfo=UTC))
    yield told.ReturnLost()
    declined = data.override is None and data.answer.ruling is Ruling.DECLINED
    if plain:
        yield told.ReturnSent(customer=data.customer)
        yield told.ReturnSent(customer=data.customer, proof="receipt")
    if plain or declined:
        yield told.ReturnWithdrawn(customer=data.customer)
        yield told.ReturnAppealed(customer=data.customer)
    if declined or (plain and data.items[0].sku == "KETTLE"):
        yield told.ReturnOverridden(by="j.doe", reason="good customer")
        yield told.ReturnOverridden(by="j.doe", reason="not worth the postage", keep=True)
    if plain and data.came and data.items[0].sku == "KETTLE":
        yield told.PostageClaimed(customer=data.customer, amount=690, proof="receipt", account="DE00")
    yield from _findings(data)
    for choice in told.Choice:
        yield told.OfferAnswered(customer=data.customer, choice=choice)
    yield told.DifferenceAnswered(customer=data.customer, pay=True)
    yield told.DifferenceAnswered(customer=data.customer, pay=False)
    yield told.ParcelJudged(lost=True, reason="the shop took it in")
    yield told.ParcelJudged(lost=False, reason="it is with the customer still")
    yield told.ChargeDecided(again=False, reason="not worth it")
    yield told.ChargeDecided(again=True, reason="new card")
    if data.items[0].sku == "KETTLE" and data.sources and data.sources[0].cap:
        yield ReturnCapped(rma=data.rma, payment=data.sources[0].payment, most=0)
    yield ReturnCovered(rma=data.rma, sources=data.sources)
    yield ReturnCovered(rma=data.rma, sources=())


def _findings(data: Return) -> Iterable[Event]:
    """As announced, worth less, one piece of two, something else; nothing at all, or the replacement."""
    picks = tuple(Pick(sku=item.sku, quantity=item.quantity) for item in data.items)

    def inspected(*found: told.Found) -> Event:
        return told.ReturnInspected(by="warehouse", found=found)

    yield inspected(*(told.Found(sku=pick.sku, quantity=pick.quantity) for pick in picks))
    if data.wish is Wish.EXCHANGE or data.reason is Reason.CANCELLED_TOO_LATE:
        return
    first = picks[0]
    if first.quantity > 1:
        yield inspected(told.Found(sku=first.sku, quantity=1))
    else:
        yield inspected(told.Found(sku=first.sku, quantity=1, condition=told.Condition.WORTH_LESS))
    yield inspected(told.Found(sku="BRICK", quantity=1, condition=told.Condition.OTHER_ITEM))
    if not data.advance:
        yield inspected()
    else:
        yield inspected(told.Found(sku=first.sku, quantity=1, condition=told.Condition.REPLACEMENT))
