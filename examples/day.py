"""A day of a shop as it is told: who orders what, and the events that follow, each at its minute."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

OPENING = datetime.fromisoformat("2026-11-20T07:00:00+00:00")

FIRST = (
    "Ada",
    "Bela",
    "Cleo",
    "Edda",
    "Finn",
    "Greta",
    "Hugo",
    "Ines",
    "Kaya",
    "Levi",
    "Mina",
    "Nils",
    "Olga",
)
LAST = ("Ahorn", "Birke", "Distel", "Erle", "Farn", "Ginster", "Hasel", "Kiefer", "Linde", "Malve", "Quitte")
STREETS = ("Kiesweg", "Muehlgasse", "Seeufer", "Turmstrasse", "Wiesengrund", "Gartenzeile", "Lindenhof")
CITIES = (
    ("Berlin", "10115", "DE"),
    ("Hamburg", "20095", "DE"),
    ("Wien", "1010", "AT"),
    ("Gent", "9000", "BE"),
)
ARTICLES = (
    ("KETTLE", 3900),
    ("CUP", 900),
    ("TEAPOT", 5200),
    ("LAMP", 7400),
    ("BLANKET", 4600),
    ("CLOCK", 11900),
)

#: Who tells, by the type of the event or its first part.
SOURCES = {
    "order": "shop",
    "payment": "bank",
    "stock": "warehouse",
    "shipment": "carrier",
    "return": "shop",
    "return.scanned": "carrier",
    "return.lost": "carrier",
    "return.arrived": "warehouse",
    "return.inspected": "warehouse",
    "complaint": "desk",
    "task": "desk",
}

Event = dict[str, Any]


@dataclass
class Day:
    """Events gather here with their minute of the day."""

    chance: random.Random
    events: list[tuple[float, str]] = field(default_factory=list)
    customers: dict[str, str] = field(default_factory=dict)
    placed: dict[str, Event] = field(default_factory=dict)
    number: int = 1000
    complaints: int = 1000

    def key(self, sign: str = "") -> str:
        self.number += 1
        return f"SO-{self.number}{sign}"

    def tell(self, minute: float, kind: str, subject: str, data: Event, *, id: str | None = None) -> None:
        event = {
            "specversion": "1.0",
            "id": id or f"{subject}/{kind}/{len(self.events)}",
            "source": SOURCES.get(kind) or SOURCES[kind.partition(".")[0]],
            "type": kind,
            "subject": subject,
            "time": self.clock(minute),
            "data": data,
        }
        self.events.append((minute, json.dumps(event)))

    def clock(self, minute: float) -> str:
        return (OPENING + timedelta(minutes=minute)).isoformat()

    def buyer(self) -> Event:
        first, last = self.chance.choice(FIRST), self.chance.choice(LAST)
        return {"name": f"{first} {last}", "email": f"{first}.{last}@customer.example".lower()}

    def place(self, minute: float, *, sign: str = "", **changes: Any) -> str:
        """A customer orders; the key of the order."""
        chance = self.chance
        key = self.key(sign)
        buyer = self.buyer()
        city, postcode, country = chance.choice(CITIES)
        lines = [
            {"sku": sku, "quantity": chance.choice((1, 1, 1, 2)), "price": price}
            for sku, price in chance.sample(ARTICLES, chance.choice((1, 1, 2)))
        ]
        data: Event = {
            "order": key,
            "customer": f"C-{chance.randrange(1, 240)}",
            "channel": chance.choice(("web", "web", "app", "phone")),
            "currency": "EUR",
            "buyer": buyer,
            "ship_to": {
                "street": f"{chance.choice(STREETS)} {chance.randrange(1, 90)}",
                "city": city,
                "postcode": postcode,
                "zone": postcode[:2],
                "country": country,
            },
            "deliver_by": (OPENING + timedelta(days=14)).date().isoformat(),
            "shipping": 490,
            "lines": lines,
            "payments": [{"means": "card", "token": f"tok_{key.lower()}"}],
        }
        data |= {name: value for name, value in changes.items() if name not in ("country", "zone")}
        data["ship_to"] |= {name: changes[name] for name in ("country", "zone") if name in changes}
        self.customers[key], self.placed[key] = data["customer"], data
        self.tell(minute, "order.placed", key, data)
        return key

    def cancel(self, minute: float, key: str, reason: str) -> None:
        self.tell(minute, "order.cancel", key, {"customer": self.customers[key], "reason": reason})

    def dispatch(self, minute: float, key: str, *, parcel: int = 1) -> str:
        parcel_key = f"{key}-{parcel}"
        self.tell(
            minute, "shipment.dispatched", parcel_key, {"tracking": f"TR{self.chance.randrange(10**9):09}"}
        )
        return parcel_key

    def scan(self, minute: float, parcel: str, sequence: int, progress: str) -> None:
        data = {"sequence": sequence, "scanned_at": self.clock(minute), "progress": progress}
        self.tell(minute, "shipment.scanned", parcel, data)
