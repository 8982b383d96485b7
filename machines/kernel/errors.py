"""What can be wrong with a procedure or with what is handed to it.

KernelError
├── DefinitionError     a procedure contradicts itself; found when it is built
├── UnknownProcedure    no procedure of that name
├── UnknownEvent        no procedure knows an event of that type
├── UnknownState        a case stands in a state that its procedure does not have
└── CurrencyMismatch    two currencies in one sum
"""

from __future__ import annotations


class KernelError(Exception):
    """Something is wrong with a procedure or its input."""

    code = "kernel"


class DefinitionError(KernelError):
    """A procedure contradicts itself."""

    code = "definition"


class UnknownProcedure(KernelError):
    """No procedure of that name."""

    code = "unknown-procedure"


class UnknownEvent(KernelError):
    """No procedure knows an event of that type."""

    code = "unknown-event"


class UnknownState(KernelError):
    """A case stands in a state that its procedure does not have."""

    code = "unknown-state"


class CurrencyMismatch(KernelError):
    """Two currencies in one sum."""

    code = "currency-mismatch"
