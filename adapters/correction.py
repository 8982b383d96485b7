"""What staff change in a letter before it is sent again, and the event that the letter would have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from adapters.sealing import customer_of
from adapters.store.records import Letter


@dataclass(frozen=True, slots=True)
class Correction:
    """``data`` is merged into the letter's payload (RFC 7396: null takes a field out); ``customer`` says
    whose personal fields these are, where nothing in the letter does. Falsy when nothing is to change."""

    subject: str | None = None
    type: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    customer: str | None = None

    def __bool__(self) -> bool:
        return bool(self.subject or self.type or self.data or self.customer)

    def event(self, letter: Letter) -> Mapping[str, object]:
        """The CloudEvent as which ``letter`` would come in with these changes; what was sealed stays so."""
        was = orjson.loads(letter.body)
        event = {
            "specversion": "1.0",
            "id": letter.id,
            "source": letter.source,
            "type": self.type or letter.type,
            "subject": self.subject or letter.key,
            "data": merge(was, self.data),
        }
        customer = self.customer or customer_of(was)
        return event | ({"customer": customer} if customer else {})


def merge(value: object, patch: Mapping[str, object]) -> dict[str, object]:
    """``value`` with the fields of ``patch``, by JSON Merge Patch (RFC 7396)."""
    merged = dict(value) if isinstance(value, Mapping) else {}
    for name, part in patch.items():
        if part is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), part) if isinstance(part, Mapping) else part
    return merged
