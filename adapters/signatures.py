"""Whether a source signed what it sent, by Standard Webhooks (standardwebhooks.com, v1: HMAC-SHA256).

The signature covers ``webhook-id``, ``webhook-timestamp`` and the body, byte by byte. A source that has keys
must sign, with any of them, so that keys can change while events come in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from adapters.errors import BadSignature

WINDOW = timedelta(minutes=5)
"""How far from our clock a timestamp may be, either way: what is older may be a replay."""

KEY_FORM = "whsec_ and the base64 of 24 to 64 random bytes, as in: echo whsec_$(openssl rand -base64 32)"

HEADERS = {
    "webhook-id": "Of a source that signs: names the request.",
    "webhook-timestamp": "Of a source that signs: seconds since 1970, at most five minutes from our clock.",
    "webhook-signature": "Of a source that signs: v1 signatures (Standard Webhooks), separated by spaces.",
}
"""Name -> what it is for, for documents."""

_PREFIX = "whsec_"
_SECONDS = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES = 20  # of one request: a sender changes from one key to the next, not through dozens


def parse_key(text: str) -> bytes:
    """The bytes of a key as it is written down; raises ``ValueError``, which does not repeat it."""
    try:
        key = b64decode(text.strip().removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError(f"a key is {KEY_FORM}")
    return key


def sign(key: bytes, *, id: str, at: datetime, body: bytes) -> str:
    """The value of ``webhook-signature``."""
    return _signature(key, id.encode("latin-1"), str(int(at.timestamp())).encode(), body).decode()


def message_id(key: str) -> str:
    """The same for every try of what ``key`` names; without the full stops that separate what is signed."""
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


class SourceKeys:
    """``keys`` of each source, as written down; a source without any sends as it is if ``unsigned``.
    ``clock`` tells the time (aware). Raises ``ValueError`` for what is no key."""

    def __init__(
        self, keys: Mapping[str, Iterable[str]], *, unsigned: bool, clock: Callable[[], datetime]
    ) -> None:
        self._keys = {source: [parse_key(text) for text in texts] for source, texts in keys.items()}
        self._unsigned = unsigned
        self._clock = clock

    def check(
        self, events: Sequence[object], *, headers: Mapping[str, str], body: bytes, binary: bool
    ) -> None:
        """Raises ``BadSignature`` unless each source in ``events`` that must sign has signed ``body``; the
        same for one that is not known."""
        signing = self._signing(events)
        if not signing:
            return
        if binary:
            raise BadSignature(
                "signature-partial",
                "in binary mode a signature covers the data alone; send the event in structured mode",
            )
        given = {name: headers.get(name, "") for name in ("webhook-id", "webhook-timestamp")}
        signatures = headers.get("webhook-signature", "").split()[:_MOST_SIGNATURES]
        missing = [name for name, value in given.items() if not value]
        missing += [] if signatures else ["webhook-signature"]
        if missing:
            raise BadSignature("signature-missing", f"this source signs its events; add {', '.join(missing)}")
        self._check_time(given["webhook-timestamp"])
        id, seconds = (value.encode("latin-1") for value in given.values())
        for keys in signing:
            if not _signed(keys, signatures, id, seconds, body):
                raise BadSignature(
                    "signature-wrong",
                    "no signature fits the body, the id and the timestamp; sign the bytes as they are sent",
                )

    def _signing(self, events: Sequence[object]) -> list[list[bytes]]:
        """The keys of each source that must sign; none for one that is not known."""
        if self._unsigned and not self._keys:
            return []
        sources = [event.get("source") for event in events if isinstance(event, Mapping)]
        named = dict.fromkeys(source for source in sources if isinstance(source, str))
        return [self._keys.get(name, []) for name in named if name in self._keys or not self._unsigned]

    def _check_time(self, seconds: str) -> None:
        now = self._clock()
        if not _SECONDS.fullmatch(seconds):
            raise BadSignature(
                "signature-missing", "webhook-timestamp is in whole seconds since 1970, in UTC"
            )
        if abs(int(seconds) - now.timestamp()) > WINDOW.total_seconds():
            raise BadSignature(
                "signature-expired",
                f"webhook-timestamp is more than {WINDOW // timedelta(minutes=1)} minutes from our clock, "
                f"which says {int(now.timestamp())}; sign anew each time you send",
            )


def _signed(keys: Sequence[bytes], signatures: Sequence[str], id: bytes, seconds: bytes, body: bytes) -> bool:
    """Looks at every pair, so that the time it takes tells nothing about which one fits."""
    found = False
    for key in keys:
        expected = _signature(key, id, seconds, body)
        for signature in signatures:
            found |= hmac.compare_digest(expected, signature.encode("latin-1", "replace"))
    return found


def _signature(key: bytes, id: bytes, seconds: bytes, body: bytes) -> bytes:
    return b"v1," + b64encode(hmac.digest(key, b"%b.%b.%b" % (id, seconds, body), "sha256"))
