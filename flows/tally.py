"""What one worker hears of its commands: failures in a row, answers, and how those steps ended that went out
although their command was out. An outage that follows from it is everybody's (``flows.outages``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from adapters.errors import CommandFailed, OwnFault, Rejected, Unavailable
from adapters.store.outage import Outage, Phase
from flows.performing import Result


@dataclass(slots=True)
class Streak:
    """Failures in a row of one command."""

    since: datetime
    count: int = 0
    steps: set[str] = field(default_factory=set)
    error: str = ""
    asked: float = 0.0

    def add(self, result: Result, failure: Unavailable) -> None:
        self.count += 1
        if len(self.steps) < 2:
            self.steps.add(result.errand.step.key)
        self.error, self.asked = str(failure), max(self.asked, failure.after)


@dataclass(frozen=True, slots=True)
class Trial:
    """How a step ended that went out although its command was out, or while it was resuming."""

    number: int
    failure: CommandFailed | None

    @property
    def is_answered(self) -> bool:
        return is_answer(self.failure)


def is_answer(failure: CommandFailed | None) -> bool:
    """Whether the provider is there: it gave an outcome, or the promise of one, or refused. What nobody knows
    and what is our own fault say nothing of it, one way or the other."""
    return failure is None or (isinstance(failure, Rejected) and not isinstance(failure, OwnFault))


class Tally:
    """From any thread. A command is out after so many ``failures`` in a row, of two steps at least."""

    def __init__(self, *, failures: int, clock: Callable[[], datetime]) -> None:
        self._failures = failures
        self._clock = clock
        self._lock = Lock()
        self._streaks: dict[str, Streak] = {}
        self._tripped: dict[str, Streak] = {}
        self._trials: dict[str, list[Trial]] = {}
        self._answered: set[str] = set()
        self._shut: frozenset[str] = frozenset()

    @property
    def is_calm(self) -> bool:
        """Whether nothing has failed since it was last answered."""
        return not self._streaks

    def is_shut(self, command: str) -> bool:
        """Whether it is out, as far as we have heard."""
        return command in self._shut

    def add(self, result: Result) -> None:
        """One try ended."""
        command, failure, trial = result.errand.command.name, result.failure, result.errand.trial
        with self._lock:
            if isinstance(failure, Unavailable):
                self._failed(command, result, failure)
            elif is_answer(failure):
                self._streaks.pop(command, None)
                self._answered.add(command)
            if trial is not None:
                self._trials.setdefault(command, []).append(Trial(trial, failure))

    def _failed(self, command: str, result: Result, failure: Unavailable) -> None:
        if command in self._shut:
            return  # it was under way already when its command went out
        streak = self._streaks.setdefault(command, Streak(self._clock()))
        streak.add(result, failure)
        # One step that fails alone tells of itself, not of its provider.
        if streak.count >= self._failures and len(streak.steps) > 1:
            self._tripped[command] = streak
            self._shut |= {command}

    @property
    def tripped(self) -> Mapping[str, Streak]:
        """What has failed so often that it is out, and is not noted as such."""
        with self._lock:
            return dict(self._tripped)

    def note_out(self, command: str) -> None:
        """It is known to be out now."""
        with self._lock:
            del self._tripped[command]
            self._streaks.pop(command, None)
            self._trials.pop(command, None)

    def trials(self, command: str) -> list[Trial]:
        with self._lock:
            return list(self._trials.get(command, ()))

    def note_trials(self, command: str, count: int) -> None:
        """What followed from the first so many is done."""
        with self._lock:
            del self._trials[command][:count]

    def is_answered(self, command: str) -> bool:
        """Whether it was answered since ``await_answer``."""
        return command in self._answered

    def await_answer(self, command: str) -> None:
        with self._lock:
            self._answered.discard(command)

    def settle(self, known: Mapping[str, Outage]) -> None:
        """Go by what all workers know; what was heard of other commands before is past."""
        with self._lock:
            for command in self._trials.keys() - known.keys():
                del self._trials[command]
            out = {command for command, outage in known.items() if outage.phase is Phase.OUT}
            self._shut = frozenset(out | self._tripped.keys())
            for command in out:
                self._streaks.pop(command, None)
