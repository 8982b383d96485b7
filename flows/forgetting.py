"""What staff type into a form of Prefect is forgotten once it is handed over: it may be personal, and Prefect
keeps parameters in the clear."""

from __future__ import annotations

from adapters.errors import AdapterError
from adapters.intake import InvalidEvents

FORGOTTEN: dict[str, object] = {"forgotten": True}
"""Stands for data that were not taken, so that Retry does not send them in part."""


def in_words(error: AdapterError) -> str:
    """Fields and remedies only; what was typed into them is not repeated."""
    if isinstance(error, InvalidEvents):
        return "; ".join(f"{fault.field}: {fault.remedy}" for fault in error.faults)
    return str(error)
