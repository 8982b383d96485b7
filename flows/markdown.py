"""Markdown as both interfaces of Prefect show it. What systems and staff wrote is text and never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime


def text(value: str) -> str:
    """As text in Markdown, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", re.sub(r"\s+", " ", value)).strip()


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Its lines; the cells are Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"
