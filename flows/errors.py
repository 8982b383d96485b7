"""What keeps an intervention of staff from being made.

AdapterError
└── NothingParked   no parked step, or no case, is meant
"""

from __future__ import annotations

from adapters.errors import AdapterError


class NothingParked(AdapterError):
    """No parked step, or no case, is meant."""

    code = "nothing-parked"
