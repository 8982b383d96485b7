"""What can be wrong with a procedure or with what is handed to it.

KernelError
├── DefinitionError     a procedure contradicts itself; found when it is built
├── UnknownProcedure    no procedure of that name
├── UnknownEvent        no procedure knows an event of that type
├── UnknownState        a case stands in a state that its procedure does not have
├── CurrencyMismatch    two currencies in one sum
├── NaiveInstant        a datetime without a time zone
├── NeverOpen           working time was asked of a calendar that has none
├── Unfit               what staff want done to a step does not fit its command
├── PolicyError         the policy file says something that cannot be followed
├── ApprovalError       the file of approvals says something that cannot be read
└── ScenarioError       a scenario file says something that cannot be played
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


class NaiveInstant(KernelError):
    """A datetime without a time zone."""

    code = "naive-instant"


class NeverOpen(KernelError):
    """Working time was asked of a calendar that has none."""

    code = "never-open"


class Unfit(KernelError):
    """What staff want done to a step does not fit its command."""

    code = "unfit"


class PolicyError(KernelError):
    """The policy file says something that cannot be followed."""

    code = "policy"


class ApprovalError(KernelError):
    """The file of approvals says something that cannot be read."""

    code = "approval"


class ScenarioError(KernelError):
    """A scenario file says something that cannot be played."""

    code = "scenario"
