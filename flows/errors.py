"""What keeps an intervention of staff from being made.

AdapterError
└── NothingParked   no parked step, or no case, is meant
"""

from __future__ import annotations

from adapters.errors import AdapterError
from adapters.runbook.pages import link


class NothingParked(AdapterError):
    """No parked step, or no case, is meant."""

    code = "nothing-parked"


def with_page(error: AdapterError) -> str:
    """The error in words, with its code and the page about it."""
    page = link(error.code)
    return f"{error} [{error.code}]" + (f"; see {page}" if page else "")
