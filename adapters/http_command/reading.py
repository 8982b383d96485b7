"""What a provider answers: an outcome of the command, a problem, or a time to wait."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import orjson
from pydantic import ValidationError

from adapters.errors import Rejected
from adapters.personal import Json
from machines.kernel.command import CommandType
from machines.kernel.event import SEALED, Event

MOST = 1 << 20  #: bytes of an answer
_LONGEST = 300  #: characters of a problem that are kept


def read_outcome(body: bytes, name: str, kind: CommandType) -> Event:
    """The outcome in an answer such as ``{"type": "warehouse.accepted", "data": {...}}``; other attributes of
    a CloudEvent may be there too. Raises ``Rejected``, which says what is wrong and repeats no value."""
    try:
        answer: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Rejected(f"{name}: answered 200 with what is not JSON; send an outcome, or 202") from None
    if not isinstance(answer, dict):
        raise Rejected(f"{name}: answered 200 with what is not a JSON object; send an outcome, or 202")
    outcomes = {outcome.type: outcome for outcome in kind.outcomes}
    type, data = answer.get("type"), answer.get("data", {})
    if not isinstance(type, str) or type not in outcomes:
        raise Rejected(f"{name}: the type of the answer is none of {', '.join(outcomes)}")
    if _smuggles(data):
        raise Rejected(f"{name}: a text in the answer begins with {SEALED!r}, which is reserved")
    try:
        return outcomes[type].model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step)[:40] for step in first["loc"]) or "data"
        raise Rejected(f"{name}: {type} in the answer is not valid: {field}: {first['msg']}") from None


def wait_before(headers: Mapping[str, str], *, now: datetime) -> float:
    """Seconds that ``Retry-After`` asks for, given as a number or as a date; 0 without one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def explain(headers: Mapping[str, str], body: bytes, *, hide: Collection[str]) -> str:
    """``: title: detail`` of an RFC 9457 problem, without line breaks and with the texts of ``hide`` blotted
    out; empty for anything else, since a page of HTML explains nothing."""
    if not headers.get("content-type", "").startswith("application/problem+json"):
        return ""
    try:
        problem: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(problem, dict):
        return ""
    told = [part for name in ("title", "detail") if isinstance(part := problem.get(name), str) and part]
    text = ": ".join(told)
    for clear in sorted(hide, key=len, reverse=True):
        text = re.sub(re.escape(clear), "(personal)", text, flags=re.IGNORECASE)
    text = "".join(char if char.isprintable() else " " for char in text)
    return f": {text[:_LONGEST]}" if text else ""


def _smuggles(data: Json) -> bool:
    """Whether a text passes itself off as sealed: it could have somebody else's field opened."""
    if isinstance(data, str):
        return data.lstrip().lower().startswith(SEALED)
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return any(_smuggles(part) for part in parts)
