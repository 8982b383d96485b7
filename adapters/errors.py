"""What can go wrong on the way to and from the outside world.

AdapterError
├── CommandFailed          a command did not reach a business outcome
│   ├── Unavailable        worth another try: time-out, 5xx, connection refused
│   ├── Rejected           no try will help: malformed, unauthorised, unknown
│   │   └── OwnFault       on our side: the provider has refused nothing
│   └── Uncertain          nobody can say whether it was done; staff must find out
├── StoreError
│   ├── Conflict           another worker changed the case first
│   ├── Unwritable         a value that the database does not take; no try will help
│   └── StoreUnavailable   locked, full or unreachable; nothing of the round is kept
├── BadSignature           a source that must sign did not, or not well; its code says which
└── SealBroken             a personal field cannot be opened (key destroyed, or tampered with)
"""

from __future__ import annotations

from collections.abc import Collection


class AdapterError(Exception):
    """Something went wrong outside."""

    code = "adapter"


class CommandFailed(AdapterError):
    """A command did not reach a business outcome."""

    code = "command-failed"
    retryable = False


class Unavailable(CommandFailed):
    """Worth another try: time-out, 5xx, connection refused."""

    code = "unavailable"
    retryable = True

    def __init__(self, text: str, *, after: float = 0.0) -> None:
        """``after``: seconds that the other side asks us to wait before the next try."""
        super().__init__(text)
        self.after = after


class Rejected(CommandFailed):
    """No try will help: malformed, unauthorised, unknown."""

    code = "rejected"


class OwnFault(Rejected):
    """No try will help, and the fault is on our side: the provider has refused nothing."""


class Uncertain(CommandFailed):
    """Nobody can say whether it was done; staff must find out."""

    code = "uncertain"


class StoreError(AdapterError):
    """The store could not do what was asked."""

    code = "store"


class Conflict(StoreError):
    """Another worker changed the case first."""

    code = "conflict"

    def __init__(self, cases: Collection[str]) -> None:
        super().__init__(f"changed meanwhile by another worker: {', '.join(sorted(cases))}")
        self.cases = frozenset(cases)


class Unwritable(StoreError):
    """A value that the database does not take; nothing of the round is kept, and no try will help."""

    code = "unwritable"


class StoreUnavailable(StoreError):
    """Locked, full or unreachable; nothing of the round is kept."""

    code = "store-unavailable"


class SealBroken(AdapterError):
    """A personal field cannot be opened."""

    code = "seal-broken"


class BadSignature(AdapterError):
    """A source that must sign did not, or not well; ``code`` is one of ``signature-missing``,
    ``signature-partial``, ``signature-expired``, ``signature-wrong``."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
