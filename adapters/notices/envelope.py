"""A notice as it is posted: a CloudEvents 1.0 event in structured mode, signed by Standard Webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from adapters.envelope import STRUCTURED
from adapters.signatures import message_id, sign
from adapters.store.notices import Notice


def event_of(notice: Notice) -> dict[str, Any]:
    """As JSON has it. ``position`` is an extension attribute, as text: it may outgrow the 32 bits that
    CloudEvents gives whole numbers."""
    sop, _, key = notice.case.partition("/")
    return {
        "specversion": "1.0",
        "id": notice.id,
        "source": f"/cases/{quote(sop)}",
        "type": notice.type,
        "subject": key,
        "time": notice.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "position": str(notice.position),
        "data": orjson.loads(notice.data),
    }


def headers_of(notice: Notice, body: bytes, *, keys: Sequence[bytes], at: datetime) -> dict[str, str]:
    """Signed at this very time by each key; the id is that of the notice, on every try."""
    id = message_id(notice.id)
    return {
        "content-type": STRUCTURED,
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(key, id=id, at=at, body=body) for key in keys),
    }
