"""What becomes of complaints on the example day: some are settled, some wait for whoever is to decide."""

from __future__ import annotations

from typing import Any

from examples.day import Day, Event
from examples.orders import Story
from examples.returns import bought, sent_to_customer

DELIVERY = "Der Bote warf das Paket ueber den Gartenzaun. My neighbour Frau Wacholder saw it all."
PRODUCT = "The lampshade came with a crack from top to bottom. My grandmother Tuberose gave me half of it."
SERVICE = "I held the line for an hour and was cut off twice. Herr Schachtelhalm on the phone only laughed."
DANGER = "The plug melted and my daughter Pimpinelle burnt two fingers."
PRICE = "The day after I ordered it was a third cheaper. That ruined the birthday of my uncle Baldrian."


def complained(day: Day, minute: float, words: str, *, order: str | None = None, **said: Any) -> str:
    """A customer complains, about an order or not; the key of the complaint."""
    day.complaints += 1
    key = f"CP-{day.complaints}"
    data: Event = {
        "complaint": key,
        "channel": day.chance.choice(("e-mail", "phone", "chat", "letter")),
        "customer": f"C-{day.chance.randrange(1, 240)}",
        "buyer": day.buyer(),
        "currency": "EUR",
        "words": words,
    }
    if order:
        known = {name: day.placed[order][name] for name in ("customer", "buyer", "ship_to")}
        data |= known | {"order": order, "items": [{"sku": "LAMP", "quantity": 1}]}
    day.customers[key] = data["customer"]
    day.tell(minute, "complaint.received", key, data | said)
    return key


def taken(day: Day, minute: float, key: str) -> None:
    day.tell(minute, "complaint.taken", key, {"owner": day.chance.choice(("a.field", "b.marsh", "k.grove"))})


def assessed(day: Day, minute: float, key: str, severity: str, nature: str) -> None:
    """Somebody has taken it on, and half an hour later it is clear how severe it is."""
    taken(day, minute, key)
    day.tell(minute + 30, "complaint.assessed", key, {"severity": severity, "nature": nature})


def consulted(day: Day, minute: float, key: str, department: str, question: str) -> str:
    day.tell(minute, "complaint.consulted", key, {"department": department, "question": question})
    return f"{key}-T1"


def found(day: Day, minute: float, key: str, cause: str, *, upheld: bool = True) -> None:
    day.tell(minute, "complaint.found", key, {"cause": cause, "upheld": upheld})


def proposed(day: Day, minute: float, key: str, remedy: str, amount: int = 0) -> None:
    offer = {"remedy": remedy, "amount": amount, "explanation": "for the trouble"}
    day.tell(minute, "complaint.proposed", key, offer)


def answered(
    day: Day, minute: float, key: str, amount: int = 0, *, number: int = 1, accept: bool = True, **said: Any
) -> None:
    offer = {"customer": day.customers[key], "number": number, "amount": amount, "accept": accept}
    day.tell(minute, "complaint.answered", key, offer | said)


def _investigated(day: Day, minute: float, severity: str = "S3") -> str:
    """A broken lamp; the warehouse has answered and the cause is found 330 minutes after the order."""
    order = bought(day, minute)
    key = complained(day, minute + 170, PRODUCT, order=order, sought="partial refund")
    assessed(day, minute + 200, key, severity, "product")
    task = consulted(day, minute + 250, key, "warehouse", "How was the lamp packed?")
    day.tell(minute + 290, "task.answered", task, {"by": "w.stone", "answer": "Without filling."})
    found(day, minute + 330, key, "packed without filling")
    return key


def _discussed(day: Day, minute: float, severity: str, words: str, nature: str) -> str:
    """Without an order; the cause is found 160 minutes after the complaint."""
    key = complained(day, minute, words)
    assessed(day, minute + 60, key, severity, nature)
    found(day, minute + 160, key, "the desk was short of people")
    return key


# -- settled ---------------------------------------------------------------------------------------


def partly_refunded(day: Day, minute: float) -> None:
    key = _investigated(day, minute)
    proposed(day, minute + 370, key, "partial refund", 2000)
    answered(day, minute + 420, key, 2000)


def replaced(day: Day, minute: float) -> None:
    """A senior agent approves the new lamp."""
    key = _investigated(day, minute, "S2")
    proposed(day, minute + 370, key, "replacement")
    day.tell(minute + 400, "complaint.approved", key, {"approve": True, "reason": "ours to mend"})
    answered(day, minute + 440, key)
    sent_to_customer(day, minute + 480, f"{key}-1")


def given_voucher(day: Day, minute: float) -> None:
    key = _discussed(day, minute, "S4", SERVICE, "service")
    proposed(day, minute + 220, key, "voucher", 1500)
    answered(day, minute + 280, key, 1500)


def paid_for_trouble(day: Day, minute: float) -> None:
    """To the customer's bank account, as there is no order to pay back on."""
    key = _discussed(day, minute, "S3", SERVICE, "service")
    proposed(day, minute + 220, key, "goodwill payment", 2500)
    answered(day, minute + 280, key, 2500, account=f"XX00 BIRKENBANK {day.chance.randrange(10**10):010}")


def turned_down_then_accepted(day: Day, minute: float) -> None:
    key = _discussed(day, minute, "S3", PRICE, "price")
    proposed(day, minute + 220, key, "apology")
    answered(day, minute + 270, key, accept=False)
    proposed(day, minute + 320, key, "voucher", 3000)
    answered(day, minute + 370, key, 3000, number=2)


def not_upheld(day: Day, minute: float) -> None:
    key = complained(day, minute, PRICE)
    assessed(day, minute + 60, key, "S4", "price")
    found(day, minute + 160, key, "the price was right on that day", upheld=False)


def withdrawn(day: Day, minute: float) -> None:
    key = complained(day, minute, DELIVERY)
    day.tell(minute + 90, "complaint.withdrawn", key, {"customer": day.customers[key]})


def told_twice(day: Day, minute: float) -> None:
    """By telephone and once more by e-mail; the second joins the first, which waits to be assessed."""
    order = bought(day, minute)
    first = complained(day, minute + 170, DELIVERY, order=order, channel="phone")
    second = complained(day, minute + 200, DELIVERY, order=order, channel="e-mail")
    taken(day, minute + 240, first)
    day.tell(minute + 280, "complaint.merged", second, {"into": first})


# -- waiting for a person at the end of the day ----------------------------------------------------


def new(day: Day, minute: float) -> None:
    """Nobody has taken it on yet."""
    complained(day, minute + 300, day.chance.choice((SERVICE, DELIVERY)))


def dangerous(day: Day, minute: float) -> None:
    """The safety officer has acted; what happened is still to be found."""
    order = bought(day, minute)
    key = complained(day, minute + 170, DANGER, order=order, channel="phone", hazard=True)
    secured = {"by": "s.guard", "action": "sales stopped, the customer told to unplug it"}
    day.tell(minute + 190, "complaint.secured", key, secured)
    day.tell(minute + 230, "complaint.assessed", key, {"severity": "S1", "nature": "product"})


def department_asked(day: Day, minute: float) -> None:
    """The carrier desk has not answered."""
    order = bought(day, minute)
    key = complained(day, minute + 170, DELIVERY, order=order)
    assessed(day, minute + 230, key, "S3", "delivery")
    consulted(day, minute + 300, key, "carrier-desk", "Where did the driver leave the parcel?")


def customer_asked(day: Day, minute: float) -> None:
    order = bought(day, minute)
    key = complained(day, minute + 170, PRODUCT, order=order)
    assessed(day, minute + 230, key, "S3", "product")
    question = {"question": "Which number is printed under the foot of the lamp?", "of_customer": True}
    day.tell(minute + 300, "complaint.information_needed", key, question)


def to_propose(day: Day, minute: float) -> None:
    _investigated(day, minute, "S2")


def to_approve(day: Day, minute: float) -> None:
    """The head of complaints decides about an offer of 300 euros."""
    order = bought(day, minute, quantity=6)
    key = complained(day, minute + 170, DELIVERY, order=order, sought="full refund")
    assessed(day, minute + 200, key, "S2", "delivery")
    found(day, minute + 300, key, "left in the rain")
    proposed(day, minute + 360, key, "partial refund", 30_000)


STORIES: tuple[tuple[int, Story], ...] = (
    (2, partly_refunded),
    (1, replaced),
    (1, given_voucher),
    (1, paid_for_trouble),
    (1, turned_down_then_accepted),
    (1, not_upheld),
    (1, withdrawn),
    (1, told_twice),
    (2, new),
    (1, dangerous),
    (1, department_asked),
    (1, customer_asked),
    (1, to_propose),
    (1, to_approve),
)
