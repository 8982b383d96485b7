"""What shop, carrier, warehouse and customers would send: orders placed and delivered, goods returned,
complaints made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

SOURCE = "benchmark"


def placed(key: str) -> Mapping[str, object]:
    data = {
        "order": key,
        "customer": f"C-{key}",
        "currency": "EUR",
        "buyer": {"name": "Ada Example", "email": "ada@customer.example"},
        "ship_to": {
            "street": "1 Sample Street",
            "city": "Berlin",
            "postcode": "10115",
            "zone": "10",
            "country": "DE",
        },
        "deliver_by": "2030-01-01",
        "lines": [{"sku": "KETTLE", "quantity": 1, "price": 3000}],
        "payments": [{"means": "card", "token": "tok_example"}],
    }
    return _event("order.placed", key, data)


def dispatched(key: str) -> Mapping[str, object]:
    return _event("shipment.dispatched", f"{key}-1", {})


def delivered(key: str) -> Mapping[str, object]:
    return _event("shipment.delivered", f"{key}-1", {})


def returned(key: str) -> Mapping[str, object]:
    return _event("order.return", key, {"customer": f"C-{key}", "reason": "changed mind"})


def arrived(key: str) -> Mapping[str, object]:
    return _event("return.arrived", f"{key}-RT1", {})


def complained(key: str) -> Mapping[str, object]:
    data = {
        "complaint": key,
        "channel": "e-mail",
        "customer": f"C-{key}",
        "buyer": {"name": "Ada Example", "email": "ada@customer.example"},
        "currency": "EUR",
        "words": "I waited for an hour and was then cut off.",
    }
    return _event("complaint.received", key, data)


def form(type: str, case: str, **answers: object) -> Mapping[str, object]:
    """What a person answers to a case that asks."""
    return _event(type, case, answers)


def keys(count: int, *, prefix: str = "SO") -> Iterator[str]:
    return (f"{prefix}-{number}" for number in range(1, count + 1))


def _event(type: str, subject: str, data: Mapping[str, object]) -> Mapping[str, object]:
    return {
        "specversion": "1.0",
        "id": f"{type}/{subject}",
        "source": SOURCE,
        "type": type,
        "subject": subject,
        "data": data,
    }
