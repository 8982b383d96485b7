"""How the simulated world answers out of the ordinary, and what in a request makes it do so.

Everything else gets the ordinary outcome of its command. Signs in tokens are beginnings (``tok_declined_7``
counts), signs in SKUs and orders are endings.

===================== ============================== ====================================================
command               sign                           answer
===================== ============================== ====================================================
order.verify          customer ``NEW-...`` and total suspicious: big first basket
                      of 500.00 or more
                      token ``tok_stolen``           suspicious: stolen means of payment
                      token ``tok_unusable``         means of payment unusable
                      zone ``00``                    address undeliverable
restrictions.check    country AQ, BV or HM           blocked: no carrier goes there
                      SKU ``-LOCAL``, zone not 1x    offer: the similar SKU without the ending
                      more than 10 of one SKU        offer: 10 of it
                      SKU ``-LIMITED``, more than 5  offer: what is left of 5; blocked if that is
                      per customer in 30 days        nothing (``purchases.py`` counts)
                      SKU ``-BULKY``                 offer: fee of 3.00
stock.reserve         SKU ``-OUT``                   short: sold out, not expected again
                      SKU ``-BACK``                  short: expected in 10 days; asked again, under
                                                     another key, it has come in
stock.forecast        SKU ``-OUT``                   not expected on any day
                      otherwise                      expected in 10 days
payment.authorize     ``tok_declined``               declined
                      ``tok_3ds``                    the customer must confirm at the bank; asked again,
                                                     under another key, it is authorised
                      ``tok_expiring``               authorised for 2 hours only
payment.reauthorize   ``tok_expiring_once``          declined
payment.void          ``tok_lapsed``                 lapsed already
payment.capture       ``tok_nocapture``              declined
payment.refund        order ``-REFUNDFAILS``         failed, however often it is asked
                      order ``-REFUNDONCE``          failed; asked again, under another key, it is paid
                      order ``-REFUNDSLOW``          pending; ends by event
payment.pay_out       refund with ``-UNPAYABLE``     failed
warehouse.submit      SKU ``-NOTFOUND``              rejected
                      SKU ``-HEAVY``                 a parcel for each such line
warehouse.cancel      order ``-SHIPPED``             too late
                      order ``-SLOW``                says so later, by event
warehouse.report      order ``-PACKED``              all parcels are ready
carrier.buy_label     country AQ, BV or HM           refused
                      SKU ``-HAZARD``, by standard   refused; any other carrier takes it
                      otherwise                      a tracking number made of carrier and parcel
carrier.void_label    parcel with ``-SPENT``         spent already
carrier.claim         value above 500.00             refused: insured up to 500.00
carrier.prove_...     parcel with ``-UNPROVED``      no proof of delivery
carrier.return_label  country AQ, BV or HM           refused
                      otherwise                      a tracking number made of the return's
carrier.void_ret...   return with ``-SPENT``         spent already
stock.set_aside       SKU ``-OUT``                   out of stock
                      SKU ``-FINE``, ``-PLAIN``      there, at 45.00 or at 25.00 a piece
payment.charge        ``tok_nocapture``              declined
voucher.issue         complaint with ``-NOVOUCHER``  refused
                      otherwise                      a code made of the promise
goodwill.pay          complaint with ``-UNPAYABLE``  refused: account closed
replacement.set_aside SKU ``-OUT``                   cannot be had
===================== ============================== ====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.world.purchases import PurchaseLimit, Purchases, Wanted
from machines.between import Pick
from machines.complaint import asks as complaint
from machines.complaint.outcomes import GoodwillRefused, ReplacementUnavailable, VoucherRefused
from machines.kernel.event import Event
from machines.order import asks
from machines.order.data import Offer, OfferKind, Similar
from machines.order.events import (
    CancellationRejected,
)
from machines.order.outcomes import (
    AddressUndeliverable,
    CancellationNoted,
    CaptureDeclined,
    MeansUnusable,
    NothingToVoid,
    OrderBlocked,
    OrderSuspicious,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentDeclined,
    PlannedParcel,
    RestrictionsOffer,
    StockExpected,
    StockShort,
    WarehouseAccepted,
    WarehouseRejected,
    WarehouseReported,
)
from machines.refund import commands as refund
from machines.refund.events import PayoutFailed, RefundFailed, RefundPending
from machines.returns import commands as returns
from machines.returns.events import (
    ChargeDeclined,
    GoodsSetAside,
    GoodsShort,
    LabelIssued,
    LabelNotIssued,
    ReturnLabelSpent,
)
from machines.shipment import commands as shipment
from machines.shipment.events import ClaimRefused, DeliveryNotProved, LabelBought, LabelRefused, LabelSpent

PRICES = {"-FINE": 4500, "-PLAIN": 2500}
BIG_BASKET = 50_000
MOST_OF_ONE = 10
NO_CARRIER = frozenset({"AQ", "BV", "HM"})
RESTOCK = timedelta(days=10)
INSURED = 50_000
SHORT_HOLD = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Request:
    """What an answer may depend on beside the arguments: the time, whether the same was asked ``again`` under
    another key, and what customers have bought."""

    key: str
    now: Callable[[], datetime]
    again: Callable[[], bool]
    purchases: Purchases
    limits: tuple[PurchaseLimit, ...]


Behaviour = Callable[[Any, Request], Event | None]
"""(arguments, request) -> answer, or ``None`` for the ordinary one; each takes its command's arguments."""


def verify(asked: asks.Verification, _: Request) -> Event | None:
    if asked.customer.startswith("NEW-") and asked.total >= BIG_BASKET:
        return OrderSuspicious(rule="big first basket")
    if any(token.startswith("tok_stolen") for token in asked.tokens):
        return OrderSuspicious(rule="stolen means of payment")
    if any(token.startswith("tok_unusable") for token in asked.tokens):
        return MeansUnusable()
    return AddressUndeliverable() if asked.ship_to.zone == "00" else None


def check_restrictions(asked: asks.Restrictions, request: Request) -> Event | None:
    if asked.country in NO_CARRIER:
        return OrderBlocked(rule="no carrier", reason="no carrier goes to that country")
    for line in asked.lines:
        if line.sku.endswith("-LOCAL") and not asked.zone.startswith("1"):
            similar = Similar(sku=line.sku.removesuffix("-LOCAL"), instead_of=line.sku, price=line.price)
            return RestrictionsOffer(
                offer=Offer(kind=OfferKind.ALTERNATIVES, reason="not sold in this zone", similar=(similar,))
            )
    if any(line.quantity > MOST_OF_ONE for line in asked.lines):
        fewer = tuple(Pick(sku=line.sku, quantity=min(line.quantity, MOST_OF_ONE)) for line in asked.lines)
        reason = f"limit of {MOST_OF_ONE} pieces per customer"
        return RestrictionsOffer(offer=Offer(kind=OfferKind.REDUCED, reason=reason, available=fewer))
    if limited := _limited(asked, request):
        return limited
    if any(line.sku.endswith("-BULKY") for line in asked.lines):
        return RestrictionsOffer(offer=Offer(kind=OfferKind.FEE, reason="bulky goods", fee=300))
    return None


def _limited(asked: asks.Restrictions, request: Request) -> Event | None:
    """What limits per customer leave of the order, counting the customer's other orders."""
    request.purchases.forget_earlier(asked.order, key=request.key)
    left, rules = [], []
    for line in asked.lines:
        limit = next((one for one in request.limits if line.sku.endswith(one.ending)), None)
        pieces = line.quantity
        if limit is not None:
            wanted = Wanted(
                asked.customer, asked.order, line.sku, line.quantity, request.key, at=request.now()
            )
            pieces = request.purchases.claim(wanted, limit=limit)
        if limit is not None and pieces < line.quantity:
            rules.append(f"{line.sku}: {limit}, other orders included")
        if pieces:
            left.append(Pick(sku=line.sku, quantity=pieces))
    if not rules:
        return None
    reason = "; ".join(rules)
    if not left:
        return OrderBlocked(rule="limit per customer", reason=reason)
    return RestrictionsOffer(offer=Offer(kind=OfferKind.REDUCED, reason=reason, available=tuple(left)))


def release_limits(asked: asks.Kept, request: Request) -> Event | None:
    request.purchases.keep(asked.order, asked.items)
    return None


def reserve(asked: asks.Pieces, request: Request) -> Event | None:
    sold_out = {item for item in asked.items if item.sku.endswith("-OUT")}
    awaited = {item for item in asked.items if item.sku.endswith("-BACK") and not request.again()}
    if not sold_out and not awaited:
        return None
    there = tuple(item for item in asked.items if item not in sold_out | awaited)
    return StockShort(
        offer=Offer(
            kind=OfferKind.REDUCED,
            reason="partly sold out" if there else "sold out",
            available=there,
            restock=None if sold_out else request.now() + RESTOCK,
        )
    )


def forecast(asked: asks.Pieces, request: Request) -> Event | None:
    gone = any(item.sku.endswith("-OUT") for item in asked.items)
    return StockExpected(on=None if gone else request.now() + RESTOCK)


def authorize(asked: asks.Hold, request: Request) -> Event | None:
    if asked.token.startswith("tok_declined"):
        return PaymentDeclined(payment=asked.payment, reason="insufficient funds")
    if asked.token.startswith("tok_3ds"):
        return None if request.again() else PaymentActionRequired(payment=asked.payment)
    if asked.token.startswith("tok_expiring"):
        until = request.now() + SHORT_HOLD
        return PaymentAuthorized(payment=asked.payment, amount=asked.amount, capture_before=until)
    return None


def reauthorize(asked: asks.Hold, _: Request) -> Event | None:
    if asked.token.startswith("tok_expiring_once"):
        return PaymentDeclined(payment=asked.payment, reason="the bank does not renew")
    return None


def void(asked: asks.Hold, _: Request) -> Event | None:
    if asked.token.startswith("tok_lapsed"):
        return NothingToVoid(payment=asked.payment, amount=asked.amount)
    return None


def capture(asked: asks.Taking, _: Request) -> Event | None:
    return CaptureDeclined(charge=asked.charge) if asked.token.startswith("tok_nocapture") else None


def pay_back(asked: refund.PayBack, request: Request) -> Event | None:
    once = asked.order.endswith("-REFUNDONCE") and not request.again()
    if once or asked.order.endswith("-REFUNDFAILS"):
        return RefundFailed(payment=asked.payment, reason="card closed")
    if asked.order.endswith("-REFUNDSLOW"):
        return RefundPending(payment=asked.payment, reason="processing")
    return None


def pay_out(asked: refund.PayOut, _: Request) -> Event | None:
    return PayoutFailed(reason="account closed") if "-UNPAYABLE" in asked.refund else None


def submit(asked: asks.Submission, _: Request) -> Event | None:
    if any(item.sku.endswith("-NOTFOUND") for item in asked.items):
        return WarehouseRejected(reason="the goods cannot be found")
    heavy = tuple(item for item in asked.items if item.sku.endswith("-HEAVY"))
    light = tuple(item for item in asked.items if item not in heavy)
    groups = [(item,) for item in heavy] + ([light] if light else [])
    return WarehouseAccepted(parcels=tuple(PlannedParcel(items=items) for items in groups))


def stop(asked: asks.Parcels, _: Request) -> Event | None:
    if asked.order.endswith("-SHIPPED"):
        return CancellationRejected()
    return CancellationNoted() if asked.order.endswith("-SLOW") else None


def report(asked: asks.Parcels, _: Request) -> Event | None:
    return WarehouseReported(ready=asked.parcels) if asked.order.endswith("-PACKED") else None


def buy_label(asked: shipment.LabelRequest, _: Request) -> Event | None:
    if asked.ship_to.country in NO_CARRIER:
        return LabelRefused(reason="no carrier goes to that country")
    if asked.carrier == "standard" and any(item.sku.endswith("-HAZARD") for item in asked.items):
        return LabelRefused(reason="standard does not carry hazardous goods")
    return LabelBought(tracking=f"{asked.carrier}:{asked.parcel}")


def void_label(asked: shipment.Parcel, _: Request) -> Event | None:
    return LabelSpent() if "-SPENT" in asked.parcel else None


def claim(asked: shipment.Parcel, _: Request) -> Event | None:
    return ClaimRefused(reason="insured up to 500.00") if asked.value > INSURED else None


def prove_delivery(asked: shipment.Parcel, _: Request) -> Event | None:
    return DeliveryNotProved() if "-UNPROVED" in asked.parcel else None


def return_label(asked: returns.InboundLabel, _: Request) -> Event | None:
    if asked.sender.country in NO_CARRIER:
        return LabelNotIssued(reason="no carrier goes to that country")
    return LabelIssued(tracking=f"return:{asked.rma}")


def void_return_label(asked: returns.Inbound, _: Request) -> Event | None:
    return ReturnLabelSpent() if "-SPENT" in asked.rma else None


def set_aside(asked: returns.Goods, _: Request) -> Event | None:
    if any(item.sku.endswith("-OUT") for item in asked.items):
        return GoodsShort()
    for sign, price in PRICES.items():
        if asked.items[0].sku.endswith(sign):
            return GoodsSetAside(price=price)
    return None


def charge(asked: returns.ChargeRequest, _: Request) -> Event | None:
    return ChargeDeclined(reason="insufficient funds") if asked.token.startswith("tok_nocapture") else None


def issue_voucher(asked: complaint.Voucher, _: Request) -> Event | None:
    if "-NOVOUCHER" in asked.redress:
        return VoucherRefused(amount=asked.amount, reason="no vouchers in that country")
    return None


def pay_goodwill(asked: complaint.GoodwillPayment, _: Request) -> Event | None:
    if "-UNPAYABLE" in asked.redress:
        return GoodwillRefused(amount=asked.amount, reason="account closed")
    return None


def set_replacement_aside(asked: complaint.Goods, _: Request) -> Event | None:
    gone = any(item.sku.endswith("-OUT") for item in asked.items)
    return ReplacementUnavailable(reason="not made any more") if gone else None


BEHAVIOURS: Mapping[str, Behaviour] = {
    "order.verify": verify,
    "restrictions.check": check_restrictions,
    "restrictions.release": release_limits,
    "stock.reserve": reserve,
    "stock.forecast": forecast,
    "payment.authorize": authorize,
    "payment.reauthorize": reauthorize,
    "payment.void": void,
    "payment.capture": capture,
    "payment.refund": pay_back,
    "payment.pay_out": pay_out,
    "warehouse.submit": submit,
    "warehouse.cancel": stop,
    "warehouse.report": report,
    "carrier.buy_label": buy_label,
    "carrier.void_label": void_label,
    "carrier.claim": claim,
    "carrier.prove_delivery": prove_delivery,
    "carrier.return_label": return_label,
    "carrier.void_return_label": void_return_label,
    "stock.set_aside": set_aside,
    "payment.charge": charge,
    "voucher.issue": issue_voucher,
    "goodwill.pay": pay_goodwill,
    "replacement.set_aside": set_replacement_aside,
}
