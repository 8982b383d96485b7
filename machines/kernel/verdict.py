"""What a guard answers: yes, or no with a reason that the journal and the customer can be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar


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
D = TypeVar("D")
E = TypeVar("E")
Guard = Callable[[D, E, datetime], Verdict]
"""(data, event, now) -> whether the rule applies."""
ALLOWED = Allowed()
ELSEWHERE = Refusal("")
"""This rule is about something else; no reason worth telling."""


def allow_if(condition: bool, otherwise: str, *, alternatives: tuple[str, ...] = ()) -> Verdict:
    """``ALLOWED`` if ``condition`` holds, else a refusal that says ``otherwise``."""
    return ALLOWED if condition else Refusal(otherwise, alternatives)


def all_of(*guards: Guard[D, E]) -> Guard[D, E]:
    """The guards one after the other; the first that refuses says why."""

    def guard(data: D, event: E, now: datetime) -> Verdict:
        verdict: Verdict = ALLOWED
        for one in guards:
            verdict = verdict and one(data, event, now)
        return verdict

    return guard
