"""The ledger of a case, kept apart from what the case itself remembers, and the laws that hold when it ends.

Events post to these accounts (``Event.postings``), in minor units or in pieces:

    order     reserved, released, shipped             pieces of goods
              authorized, voided, captured            money held, let go or no longer held, taken
              declined                                charges that the provider did not honour
              written off                             of these, what finance has given up
              taken                                   pieces that have come back in returns
              delivered                               value of what the customer has
              found                                   of what was delivered: given up for lost before
              refunded, withheld                      money gone back, or kept by decision of finance
              goodwill                              of what was refunded: in settlement of a complaint
              charged_back                            money that the customer's bank has taken back
              crossed                                 of that, what had gone back before we heard of it
    refund    requested                               the debt, as far as payments cover it
              paid, reversed                          money gone to the customer, and come back from there
              denied                                  1 if finance decided not to pay
              capped                                  1 if the customer's bank took money before it was paid
    return    claimed                                 worth of the goods that are to come back
              covered                                 what the order has set aside for it
              accepted                                pieces found as they were sold
              charged                                 paid by the customer for a replacement
              postage claimed                         what the customer paid for the way to us
              postage, postage refused                paid back of it, or found impossible
              settled otherwise                       1 if the money for the goods went back another way
              refunded, withheld, delivered           as for an order; delivered is the replacement

An order posts ``returned`` as well: money that has gone back by agreement in returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

Sums = Mapping[str, int]
Law = Callable[[Sums], Iterator[str]]


def _of(sums: Sums, *accounts: str) -> int:
    return sum(sums.get(account, 0) for account in accounts)


def goods_are_accounted_for(sums: Sums) -> Iterator[str]:
    """What was reserved has been shipped or released."""
    reserved, gone = _of(sums, "reserved"), _of(sums, "shipped", "released")
    if reserved != gone:
        yield f"{reserved} pieces were reserved, but {gone} shipped or released"


def holds_are_resolved(sums: Sums) -> Iterator[str]:
    """What was authorised has been captured or let go."""
    held, resolved = _of(sums, "authorized"), _of(sums, "captured", "voided")
    if held != resolved:
        yield f"{held} was authorised, but {resolved} captured or let go"


def only_what_is_delivered_is_paid(sums: Sums) -> Iterator[str]:
    """What was captured and has not gone back is the value of what the customer has and has not returned, but
    for what finance has given up, what the customer's bank took back, what was paid back in redress, and what
    came after it had been given up for lost. What was never paid need not be if goods came back."""
    kept = _of(sums, "captured") - _of(sums, "refunded", "withheld", "charged_back")
    delivered = max(0, _of(sums, "delivered") - _of(sums, "returned"))
    if kept > delivered:
        yield f"{kept} was kept for goods worth {delivered}"
    excused = _of(sums, "written off", "charged_back", "goodwill", "found")
    if kept < delivered - excused - (_of(sums, "declined") if sums.get("taken") else 0):
        yield f"only {kept} was kept for goods worth {delivered}"


def no_more_goes_back_than_came_in(sums: Sums) -> Iterator[str]:
    captured, back = _of(sums, "captured"), _of(sums, "refunded", "charged_back")
    if back > captured + _of(sums, "crossed"):
        yield f"{back} was refunded or charged back of {captured} captured"


def each_debt_is_paid_once(sums: Sums) -> Iterator[str]:
    """The customer has all that was requested, or nothing because finance decided so; less only where the
    customer's bank has taken money back before it was paid."""
    paid, requested = _of(sums, "paid") - _of(sums, "reversed"), _of(sums, "requested")
    owed = 0 if sums.get("denied") else requested
    if paid != owed and not (sums.get("capped") and 0 <= paid < owed):
        yield f"{paid} was paid of {owed} owed"


def only_what_is_covered_goes_back(sums: Sums) -> Iterator[str]:
    """A return pays back what its order has set aside for it and what it charged itself, no more."""
    back, covered = _of(sums, "refunded"), _of(sums, "covered", "charged")
    if back > covered:
        yield f"{back} was refunded of {covered} set aside or charged"


def money_or_goods(sums: Sums) -> Iterator[str]:
    """Nobody has both the replacement and the money, unless it was paid for, or came after all."""
    had, given = _of(sums, "delivered", "refunded"), _of(sums, "claimed", "charged", "found")
    if had > given:
        yield f"the customer has {had} in goods and money for goods worth {given}"


def accepted_goods_are_settled(sums: Sums) -> Iterator[str]:
    """Goods that came back as they were sold are paid back or replaced, unless nothing had been paid."""
    settled = _of(sums, "refunded", "withheld", "delivered", "settled otherwise")
    if sums.get("accepted") and sums.get("covered") and not settled:
        yield "goods were accepted, and the customer has neither the money nor a replacement"


def what_is_charged_was_had(sums: Sums) -> Iterator[str]:
    """A customer charged for a replacement has it, or the money is back."""
    charged, had = _of(sums, "charged"), _of(sums, "delivered", "refunded", "withheld")
    if charged > had:
        yield f"{charged} was charged for a replacement, but the customer has {had} in goods and money"


def postage_is_paid_back_once(sums: Sums) -> Iterator[str]:
    """Postage that we bear is paid, up to the limit, or on record as impossible."""
    claimed, dealt = _of(sums, "postage claimed"), _of(sums, "postage", "postage refused")
    if dealt > claimed or (claimed and not dealt):
        yield f"{claimed} of postage was claimed, but {dealt} paid back or found impossible"


def each_promise_is_kept_once(sums: Sums) -> Iterator[str]:
    """What a customer accepted in settlement was given, or is on record as impossible."""
    promised, dealt = _of(sums, "promised"), _of(sums, "given", "not_given")
    if promised != dealt:
        yield f"{promised} was promised, but {dealt} given or found impossible"


LAWS: Mapping[str, tuple[Law, ...]] = {
    "order": (
        goods_are_accounted_for,
        holds_are_resolved,
        only_what_is_delivered_is_paid,
        no_more_goes_back_than_came_in,
    ),
    "shipment": (),
    "refund": (each_debt_is_paid_once,),
    "return": (
        only_what_is_covered_goes_back,
        money_or_goods,
        accepted_goods_are_settled,
        what_is_charged_was_had,
        postage_is_paid_back_once,
    ),
    "complaint": (each_promise_is_kept_once, goods_are_accounted_for),
    "task": (),
    "survey": (),
}
"""The laws of each procedure, for the sums of a case at an end with nothing left to happen."""
