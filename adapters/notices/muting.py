"""Keeps what Apprise logs from every log: its lines may hold addresses and keys."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

_PARTS = re.compile(r"[:/?#@&=,;\s]+")
_SECRET = 3  #: shorter parts of a URL are words such as "no", and guessed at once where they are not
_LONGEST = 200


@contextmanager
def muted() -> Iterator[list[str]]:
    """While the context is open, Apprise logs into the list only."""
    lines: list[str] = []
    log = logging.getLogger("apprise")
    keeping = _Keeping(lines)
    before = log.propagate, log.level, log.handlers[:]
    log.handlers[:], log.propagate = [keeping], False
    log.setLevel(logging.WARNING)
    try:
        yield lines
    finally:
        log.propagate, log.level, log.handlers[:] = before


class _Keeping(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


def without(url: str, text: str) -> str:
    """``text`` without any part of ``url`` but its scheme."""
    scheme, *rest = _PARTS.split(url)
    parts = {part for raw in rest for part in (raw, unquote(raw)) if len(part) >= _SECRET}
    for part in sorted(parts - {scheme}, key=len, reverse=True):
        text = text.replace(part, "***")
    return text[:_LONGEST]
