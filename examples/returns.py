"""What becomes of returns on the example day. Goods come back within hours here, which takes days elsewhere;
what takes weeks (a label that expires, an offer without an answer) is under ``examples/scenarios``."""

from __future__ import annotations

from typing import Any

from examples.day import Day, Event
from examples.orders import Story

LAMP = {"sku": "LAMP", "quantity": 1, "price": 7400}


def bought(day: Day, minute: float, *lines: Event, quantity: int = 1) -> str:
    """An order of one article that is with the customer 130 minutes later; its key."""
    goods = list(lines) or [LAMP | {"quantity": quantity}]
    key = day.place(minute, lines=goods)
    parcel = day.dispatch(minute + 60, key)
    day.tell(minute + 130, "shipment.delivered", parcel, {})
    return key


def asked(day: Day, minute: float, key: str, reason: str, **wish: Any) -> str:
    """The customer asks to send everything back; the number of the return."""
    data = {"customer": day.customers[key], "reason": reason, **wish}
    day.tell(minute, "order.return", key, data)
    return f"{key}-RT1"


def on_its_way(day: Day, minute: float, key: str, rma: str) -> None:
    """Half of the customers hand in the receipt of the carrier; the carrier scans either way."""
    if day.chance.random() < 0.5:
        proof = {"customer": day.customers[key], "proof": f"Einlieferungsbeleg {day.chance.randrange(10**6)}"}
        day.tell(minute, "return.sent", rma, proof)
    for sequence in (1, 2):
        at = minute + 20 * sequence
        day.tell(at, "return.scanned", rma, {"sequence": sequence, "scanned_at": day.clock(at)})


def arrived(day: Day, minute: float, key: str, rma: str) -> None:
    on_its_way(day, minute - 60, key, rma)
    day.tell(minute, "return.arrived", rma, {})


def inspected(day: Day, minute: float, rma: str, *found: Event) -> None:
    colleague = day.chance.choice(("m.mill", "w.stone"))
    day.tell(minute, "return.inspected", rma, {"by": colleague, "found": list(found)})


def sent_to_customer(day: Day, minute: float, parcel: str) -> None:
    """A replacement, or goods that go back."""
    day.tell(minute, "shipment.dispatched", parcel, {"tracking": f"TR{day.chance.randrange(10**9):09}"})
    day.tell(minute + 60, "shipment.delivered", parcel, {})


def _inspecting(day: Day, minute: float, reason: str, *lines: Event, **wish: Any) -> tuple[str, str]:
    """Goods that have come back, 300 minutes after they were ordered; the order and the return."""
    key = bought(day, minute, *lines)
    rma = asked(day, minute + 190, key, reason, **wish)
    arrived(day, minute + 300, key, rma)
    return key, rma


# -- the money goes back ---------------------------------------------------------------------------


def refunded(day: Day, minute: float) -> None:
    _, rma = _inspecting(day, minute, day.chance.choice(("changed mind", "not as described")))
    inspected(day, minute + 360, rma, {"sku": "LAMP", "quantity": 1})


def worth_less(day: Day, minute: float) -> None:
    """The lamp has been used; the customer takes what it is still worth."""
    key, rma = _inspecting(day, minute, "changed mind")
    used = {"sku": "LAMP", "quantity": 1, "condition": "worth less", "worth": 60}
    inspected(day, minute + 360, rma, used)
    answer = {"customer": day.customers[key], "choice": "partial refund"}
    day.tell(minute + 420, "return.choice", rma, answer)


def of_little_worth(day: Day, minute: float) -> None:
    """A broken cup need not be sent."""
    key = bought(day, minute, {"sku": "CUP", "quantity": 1, "price": 900})
    asked(day, minute + 190, key, "damaged on the way")


def lost(day: Day, minute: float) -> None:
    key = bought(day, minute)
    rma = asked(day, minute + 190, key, "changed mind")
    on_its_way(day, minute + 220, key, rma)
    day.tell(minute + 330, "return.lost", rma, {})


# -- something else comes for it -------------------------------------------------------------------


def faulty(day: Day, minute: float) -> None:
    _, rma = _inspecting(day, minute, "defective", wish="replacement")
    inspected(day, minute + 360, rma, {"sku": "LAMP", "quantity": 1})
    sent_to_customer(day, minute + 420, f"{rma}-X1")


def replaced_in_advance(day: Day, minute: float) -> None:
    key = bought(day, minute)
    rma = asked(day, minute + 190, key, "defective", wish="replacement", advance=True)
    sent_to_customer(day, minute + 240, f"{rma}-X1")
    arrived(day, minute + 360, key, rma)
    inspected(day, minute + 420, rma, {"sku": "LAMP", "quantity": 1})


def exchanged(day: Day, minute: float) -> None:
    """For something cheaper; the difference goes back."""
    _, rma = _inspecting(day, minute, "changed mind", wish="exchange", instead="LAMP-PLAIN")
    inspected(day, minute + 360, rma, {"sku": "LAMP", "quantity": 1})
    sent_to_customer(day, minute + 420, f"{rma}-X1")


def exchanged_for_dearer(day: Day, minute: float) -> None:
    """The customer pays the difference."""
    cup = {"sku": "CUP", "quantity": 1, "price": 2900}
    key, rma = _inspecting(day, minute, "changed mind", cup, wish="exchange", instead="CUP-FINE")
    inspected(day, minute + 360, rma, {"sku": "CUP", "quantity": 1})
    answer = {"customer": day.customers[key], "pay": True, "token": "tok_difference"}
    day.tell(minute + 420, "return.difference", rma, answer)
    sent_to_customer(day, minute + 480, f"{rma}-X1")


# -- it does not go as the customer wants ----------------------------------------------------------


def wrong_item(day: Day, minute: float) -> None:
    """There is a brick in the parcel, which goes back."""
    _, rma = _inspecting(day, minute, "changed mind")
    inspected(day, minute + 360, rma, {"sku": "BRICK", "quantity": 1, "condition": "other item"})
    sent_to_customer(day, minute + 420, f"{rma}-B1")


def declined(day: Day, minute: float) -> None:
    """By the policy, for reasons of hygiene."""
    key = bought(day, minute, {"sku": "RAZOR-HYGIENE", "quantity": 1, "price": 3400})
    asked(day, minute + 190, key, "changed mind")


def declined_then_allowed(day: Day, minute: float) -> None:
    """A colleague makes an exception."""
    key = bought(day, minute, {"sku": "RAZOR-HYGIENE", "quantity": 1, "price": 3400})
    rma = asked(day, minute + 190, key, "changed mind")
    exception = {"by": "j.doe", "reason": "sealed still, a customer for ten years", "keep": False}
    day.tell(minute + 250, "return.override", rma, exception)
    arrived(day, minute + 360, key, rma)
    inspected(day, minute + 420, rma, {"sku": "RAZOR-HYGIENE", "quantity": 1})


def withdrawn(day: Day, minute: float) -> None:
    key = bought(day, minute)
    rma = asked(day, minute + 190, key, "changed mind")
    day.tell(minute + 250, "return.cancel", rma, {"customer": day.customers[key]})


# -- under way at the end of the day ---------------------------------------------------------------


def label_sent(day: Day, minute: float) -> None:
    asked(day, minute + 190, bought(day, minute), "changed mind")


def coming_back(day: Day, minute: float) -> None:
    key = bought(day, minute)
    on_its_way(day, minute + 260, key, asked(day, minute + 190, key, "wrong item"))


def to_inspect(day: Day, minute: float) -> None:
    """The warehouse is asked what was in the parcel."""
    _inspecting(day, minute, day.chance.choice(("changed mind", "defective")))


def to_choose(day: Day, minute: float) -> None:
    """The customer is asked what is to become of goods that were used."""
    _, rma = _inspecting(day, minute, "changed mind")
    inspected(day, minute + 360, rma, {"sku": "LAMP", "quantity": 1, "condition": "worth less", "worth": 40})


def to_approve(day: Day, minute: float) -> None:
    """Finance is asked about a refund above the limit."""
    clocks = {"sku": "CLOCK", "quantity": 5, "price": 11900}
    _, rma = _inspecting(day, minute, "changed mind", clocks)
    inspected(day, minute + 360, rma, {"sku": "CLOCK", "quantity": 5})


STORIES: tuple[tuple[int, Story], ...] = (
    (5, refunded),
    (2, worth_less),
    (1, of_little_worth),
    (1, lost),
    (2, faulty),
    (1, replaced_in_advance),
    (1, exchanged),
    (1, exchanged_for_dearer),
    (1, wrong_item),
    (1, declined),
    (1, declined_then_allowed),
    (1, withdrawn),
    (1, label_sent),
    (2, coming_back),
    (3, to_inspect),
    (1, to_choose),
    (1, to_approve),
)
