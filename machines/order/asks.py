"""What is put to others on behalf of an order: the arguments of its commands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from machines.between import Address, Means, ParcelReport, Pick
from machines.kernel.event import Event, Facts
from machines.order.data import Charge, Line, Order, ParcelStatus, PaymentStatus, cause
from machines.order.events import PaymentConfirmed
from machines.order.outcomes import PaymentActionRequired, PaymentAuthorized, WarehouseReported
from machines.order.standing import kept_pieces, still_to_charge

# -- what is asked ---------------------------------------------------------------------------------


class Verification(Facts):
    """The order as placed, for address, payment and fraud rules."""

    order: str
    customer: str
    currency: str
    total: int
    ship_to: Address
    tokens: tuple[str, ...]


class Restrictions(Facts):
    """The order as placed, for rules on articles, zones and quantities. Limits per customer and period count
    the pieces of every open and past order of ``customer`` but this one."""

    order: str
    customer: str
    channel: str
    country: str
    zone: str
    lines: tuple[Line, ...]


class Kept(Facts):
    """What ``customer`` has of this order in the end; nothing else of it counts towards limits any more."""

    order: str
    customer: str
    items: tuple[Pick, ...]


class Pieces(Facts):
    """Pieces of this order to reserve or to release."""

    order: str
    items: tuple[Pick, ...]


class Promise(Pieces):
    """Pieces that were promised for a day, and may come later."""

    promised: datetime | None


class Hold(Facts):
    """Money of one payment to hold, to hold for longer, or to let go. To let go of 0 is to call off what the
    customer was to confirm at the bank, and to let go of it if that has been done."""

    order: str
    payment: str
    means: Means
    token: str
    amount: int
    currency: str


class Taking(Facts):
    """Money to take for one parcel."""

    order: str
    charge: Charge
    token: str
    currency: str


class Submission(Facts):
    """Goods for the warehouse to pack."""

    order: str
    items: tuple[Pick, ...]
    deliver_by: date


class Parcels(Facts):
    """Parcels that the warehouse is asked about."""

    order: str
    parcels: tuple[str, ...]


# -- how it is asked -------------------------------------------------------------------------------


def _items(order: Order) -> tuple[Pick, ...]:
    return tuple(Pick(sku=line.sku, quantity=line.quantity) for line in order.lines)


def _hold(order: Order, id: str, *, amount: int) -> Hold:
    payment = order.payment(id)
    return Hold(
        order=order.order,
        payment=id,
        means=payment.means,
        token=payment.token,
        amount=amount,
        currency=order.currency,
    )


def verification(order: Order, _: Event) -> Iterable[Facts]:
    yield Verification(
        order=order.order,
        customer=order.customer,
        currency=order.currency,
        total=order.total,
        ship_to=order.ship_to,
        tokens=tuple(payment.token for payment in order.payments),
    )


def restrictions(order: Order, _: Event) -> Iterable[Facts]:
    yield Restrictions(
        order=order.order,
        customer=order.customer,
        channel=order.channel,
        country=order.ship_to.country,
        zone=order.ship_to.zone,
        lines=order.lines,
    )


def not_kept(order: Order, _: Event) -> Iterable[Facts]:
    """Nothing is said where the customer has all that was ordered; what was returned is not kept."""
    had = kept_pieces(order)
    if order.cut or any(had[line.sku] < line.quantity for line in order.lines):
        items = tuple(Pick(sku=sku, quantity=quantity) for sku, quantity in had.items())
        yield Kept(order=order.order, customer=order.customer, items=items)


def all_pieces(order: Order, _: Event) -> Iterable[Facts]:
    yield Pieces(order=order.order, items=_items(order))


def promise(order: Order, _: Event) -> Iterable[Facts]:
    yield Promise(order=order.order, items=_items(order), promised=order.promised)


def all_reserved_pieces(order: Order, event: Event) -> Iterable[Facts]:
    if order.stock.releasing:
        yield from all_pieces(order, event)


def pieces_of_stopped_parcel(order: Order, event: ParcelReport) -> Iterable[Facts]:
    yield Pieces(order=order.order, items=order.parcel(event.parcel).items)


def pieces_to_replace(order: Order, _: Event) -> Iterable[Facts]:
    if order.replacing:
        yield Pieces(order=order.order, items=order.parcel(order.replacing).items)


def authorisations(order: Order, _: Event) -> Iterable[Facts]:
    for payment in order.payments:
        if payment.status is PaymentStatus.ASKED:
            yield _hold(order, payment.id, amount=payment.amount)


def renewals(order: Order, _: Event) -> Iterable[Facts]:
    for payment in order.payments:
        if payment.status is PaymentStatus.RENEWING:
            yield _hold(order, payment.id, amount=payment.hold)


def voids(order: Order, event: Event) -> Iterable[Facts]:
    for payment in order.payments:
        waits = payment.status is PaymentStatus.ACTION
        if (payment.voiding or waits) and payment.void_for == cause(event):
            yield _hold(order, payment.id, amount=payment.voiding)


def call_off(order: Order, event: PaymentConfirmed | PaymentActionRequired) -> Iterable[Facts]:
    yield _hold(order, event.payment, amount=0)


def void_late(order: Order, event: PaymentAuthorized) -> Iterable[Facts]:
    yield _hold(order, event.payment, amount=event.amount)


def _taking(order: Order, charges: Iterable[Charge]) -> Iterable[Facts]:
    for charge in charges:
        yield Taking(
            order=order.order,
            charge=charge,
            token=order.payment(charge.payment).token,
            currency=order.currency,
        )


def charge_parcel(order: Order, event: ParcelReport) -> Iterable[Facts]:
    if order.parcel(event.parcel).charged:
        return ()
    paid_as = order.paid_as(event.parcel)
    return _taking(order, (charge for charge in order.charges if charge.parcel == paid_as))


def charge_owed(order: Order, _: Event) -> Iterable[Facts]:
    return _taking(order, order.charges)


def charge_ready(order: Order, event: WarehouseReported) -> Iterable[Facts]:
    return _taking(order, (charge for charge in order.charges if charge.parcel in event.ready))


def submission(order: Order, _: Event) -> Iterable[Facts]:
    yield Submission(order=order.order, items=_items(order), deliver_by=order.deliver_by)


def replacement(order: Order, _: Event) -> Iterable[Facts]:
    if order.replacing:
        items = order.parcel(order.replacing).items
        yield Submission(order=order.order, items=items, deliver_by=order.deliver_by)


def uncharged_parcels(order: Order, _: Event) -> Iterable[Facts]:
    """What is charged already must not be reported as ready again, or it would be charged twice."""
    waiting = tuple(parcel.key for parcel in still_to_charge(order))
    yield Parcels(order=order.order, parcels=waiting)


def open_parcels(order: Order, _: Event) -> Iterable[Facts]:
    yield Parcels(
        order=order.order, parcels=tuple(parcel.key for parcel in order.parcels_in(ParcelStatus.OPEN))
    )


def recalled_parcels(order: Order, _: Event) -> Iterable[Facts]:
    yield Parcels(
        order=order.order, parcels=tuple(parcel.key for parcel in order.parcels_in(ParcelStatus.RECALLED))
    )
