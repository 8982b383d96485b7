"""What a guard answers: yes, or no with a reason that the journal and the customer can be given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowed:
    """The rule applies."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule does not apply. Falsy, so that it serves as a ``transitions`` condition."""

    reason: str
    alternatives: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return False


Verdict = Allowed | Refusal
ALLOWED = Allowed()
ELSEWHERE = Refusal("")
"""This rule is about something else; no reason worth telling."""


def allow_if(condition: bool, otherwise: str, *, alternatives: tuple[str, ...] = ()) -> Verdict:
    """``ALLOWED`` if ``condition`` holds, else a refusal that says ``otherwise``."""
    return ALLOWED if condition else Refusal(otherwise, alternatives)
