"""The return policy in plain sentences, from the very terms that decide."""

from __future__ import annotations

from collections.abc import Iterator

from machines.returns.eligibility import OUR_FAULT, REFUND_DAYS, WHY_EXCLUDED, WITHDRAWAL_DAYS
from machines.returns.terms import Exclusion, Group, Terms


def in_words(terms: Terms) -> tuple[str, ...]:
    """One rule a sentence, the general ones first."""
    return tuple(_sentences(terms))


def _sentences(terms: Terms) -> Iterator[str]:
    yield f"Goods can be returned within {terms.window_days} days from the day of delivery."
    for region in terms.regions:
        countries = ", ".join(region.countries)
        yield f"In {region.name} ({countries}) it is {region.window_days} days."
    yield (
        f"In the EU and the EEA a purchase can be withdrawn from within {WITHDRAWAL_DAYS} days of delivery, "
        f"by law, without a fee and with the delivery costs. The money is back within {REFUND_DAYS} days of "
        "the notice, or as soon as we have the goods or proof that they were sent."
    )
    for group in terms.groups:
        yield from _of(group)
    if terms.fee_percent:
        yield f"After the time for withdrawal a restocking fee of {terms.fee_percent} % is taken."
    faults = ", ".join(OUR_FAULT)
    yield f"No fee and no exclusion holds where something is wrong with the goods ({faults})."
    if terms.keep_below:
        yield f"Such goods need not be sent if they are worth less than {terms.keep_below} of the currency."
    yield (
        "Where the carrier gives no label, we pay back the postage against a receipt, up to "
        f"{terms.postage_most} of the currency."
    )
    if terms.advance:
        yield "A replacement can be sent before the original; it is charged if the original stays away."
    yield "Whoever is told no hears why, and can ask us to look at it again by a complaint."


def _of(group: Group) -> Iterator[str]:
    skus = ", ".join(group.skus)
    if group.excluded is not None:
        law = " unless withdrawn from by law" if group.excluded is Exclusion.FINAL_SALE else ""
        yield f"What {WHY_EXCLUDED[group.excluded]} ({skus}) cannot be returned{law}."
        return
    said = []
    if group.window_days is not None:
        said.append(f"can be returned within {group.window_days} days")
    if group.fee_percent:
        said.append(f"cost a restocking fee of {group.fee_percent} %")
    if said:
        yield f"{group.name.capitalize()} ({skus}) {' and '.join(said)}."
