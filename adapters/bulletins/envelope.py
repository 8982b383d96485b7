"""A bulletin as it is posted: a CloudEvents 1.0 event in structured mode, signed by Standard Webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from adapters.envelope import STRUCTURED
from adapters.signatures import message_id, sign
from adapters.store.bulletins import Bulletin


def event_of(bulletin: Bulletin) -> dict[str, Any]:
    """As JSON has it. ``position`` is an extension attribute, as text: it may outgrow the 32 bits that
    CloudEvents gives whole numbers."""
    sop, _, key = bulletin.case.partition("/")
    return {
        "specversion": "1.0",
        "id": bulletin.id,
        "source": f"/cases/{quote(sop)}",
        "type": bulletin.type,
        "subject": key,
        "time": bulletin.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "position": str(bulletin.position),
        "data": orjson.loads(bulletin.data),
    }


def headers_of(bulletin: Bulletin, body: bytes, *, keys: Sequence[bytes], at: datetime) -> dict[str, str]:
    """Signed at this very time by each key; the id is that of the bulletin, on every try."""
    id = message_id(bulletin.id)
    return {
        "content-type": STRUCTURED,
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(key, id=id, at=at, body=body) for key in keys),
    }
