"""Parked steps as staff see them: one Failed run per step, or one incident run when many share a cause."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.runbook.pages import link, on_replay
from flows.wording import MOST_ROWS, Badge, LogLine, plain_error
from machines.attention import PARKED
from machines.kernel.money import Money
from machines.stake import sums

#: More parked steps of one cause than this are one incident.
MOST_SINGLE_RUNS = 20
#: One run stands for at most so many steps, and so many bytes of their names: Prefect refuses a run with more
#: than 524,288 bytes of parameters (3.8.8, measured).
MOST_STEPS = 5_000
_MOST_BYTES = 400_000
#: With more single runs than this waiting, the error no longer counts as part of the cause.
_MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class ParkedStep:
    """A step whose attempts are spent. `error` holds no personal data and no key, so that causes group;
    `stake` is the money in it.

    `run` is the flow run that already stands for the step when it parks again after a replay.
    """

    step: str
    sop: str
    key: str
    command: str
    error: str
    attempts: int
    code: str = ""
    stake: Money | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """Parked steps that share one run, at least one of them; all of one SOP and command."""

    steps: tuple[ParkedStep, ...]

    @property
    def name(self) -> str:
        """`SO-1001: payment.capture`, or `order: payment.capture x 412`."""
        first = self.steps[0]
        if len(self.steps) == 1:
            return f"{first.key}: {first.command}"
        return f"{first.sop}: {first.command} x {len(self.steps)}"

    @property
    def tags(self) -> list[str]:
        """What staff filter by: the SOP, the case when there is only one, the command."""
        first = self.steps[0]
        case = [f"case:{first.key}"] if len(self.steps) == 1 else []
        codes = [f"code:{code}" for code in sorted({step.code for step in self.steps if step.code})]
        return [f"sop:{first.sop}", *case, f"command:{first.command}", *codes, f"attention:{PARKED}"]

    @property
    def step_ids(self) -> list[str]:
        """The steps that Retry replays."""
        return [step.step for step in self.steps]

    @property
    def badge(self) -> Badge:
        """Failed with the error, how often it was tried and the money at stake; staff filter by this name."""
        money = " and ".join(map(str, sums(step.stake for step in self.steps)))
        parts = [self._error, self._tries, f"{money} at stake" if money else ""]
        return Badge(kind="FAILED", name="Failed", message="; ".join(part for part in parts if part))

    @property
    def once(self) -> str:
        """The same for the same parking of the same steps, so that telling it again makes no second run."""
        told = "\n".join(sorted(f"{step.step} {step.attempts}" for step in self.steps))
        return f"parked-{hashlib.sha256(told.encode()).hexdigest()}"

    @property
    def rows(self) -> list[dict[str, str]]:
        """The steps as table rows, with what `sop steps --failed` says of them."""
        return [
            {
                "case": step.key,
                "command": step.command,
                "attempts": str(step.attempts),
                "error": plain_error(step.error, command=step.command),
                "code": step.code,
                "at_stake": str(step.stake) if step.stake else "",
                "on_replay": on_replay(step.code),
                "runbook": link(step.code),
            }
            for step in self.steps[:MOST_ROWS]
        ]

    @property
    def log(self) -> list[LogLine]:
        """What happened, and what Retry does."""
        now = datetime.now(UTC)
        first = self.steps[0]
        if len(self.steps) == 1:
            failed = f"{first.command} of {first.key} failed after {self._tries}: {self._error}"
            advice = (
                "Mend the cause, then press Retry: it performs this step again under the same idempotency "
                f"key, so nothing is done twice. {first.key} waits until then."
            )
        else:
            failed = f"{first.command} of {len(self.steps)} cases failed: {self._error}"
            advice = (
                "Mend the cause, then press Retry: it performs all of these steps again, each under the same "
                "idempotency key, so nothing is done twice. The cases wait until then."
            )
        pages = sorted({link(step.code) for step in self.steps} - {""})
        more = [LogLine(now, logging.INFO, f"Runbook: {', '.join(pages)}")] if pages else []
        return [LogLine(now, logging.ERROR, failed), LogLine(now, logging.INFO, advice), *more]

    @property
    def _tries(self) -> str:
        if len(self.steps) > 1:
            return ""
        attempts = self.steps[0].attempts
        return f"{attempts} attempts" if attempts > 1 else "one attempt"

    @property
    def _error(self) -> str:
        errors = {plain_error(step.error, command=step.command) for step in self.steps}
        return next(iter(errors)) if len(errors) == 1 else f"{len(errors)} different errors, see the table"


def incidents(steps: Iterable[ParkedStep]) -> list[Incident]:
    """Sort parked steps into runs: many of one cause together, the others one by one."""
    by_error: defaultdict[tuple[str, ...], list[ParkedStep]] = defaultdict(list)
    for step in steps:
        by_error[step.sop, step.command, step.error].append(step)
    together, alone = _split(by_error.values())
    if len(alone) > _MOST_WAITING:
        by_command: defaultdict[tuple[str, ...], list[ParkedStep]] = defaultdict(list)
        for step in alone:
            by_command[step.sop, step.command].append(step)
        more, alone = _split(by_command.values())
        together += more
    return [*together, *(Incident(steps=(step,)) for step in alone)]


def _split(groups: Iterable[Sequence[ParkedStep]]) -> tuple[list[Incident], list[ParkedStep]]:
    together: list[Incident] = []
    alone: list[ParkedStep] = []
    for group in groups:
        if len(group) > MOST_SINGLE_RUNS:
            together.extend(_chunks(group))
        else:
            alone.extend(group)
    return together, alone


def _chunks(group: Sequence[ParkedStep]) -> Iterator[Incident]:
    chunk: list[ParkedStep] = []
    size = 0
    for step in group:
        length = len(json.dumps(step.step)) + 2
        if chunk and (len(chunk) == MOST_STEPS or size + length > _MOST_BYTES):
            yield Incident(steps=tuple(chunk))
            chunk, size = [], 0
        chunk.append(step)
        size += length
    yield Incident(steps=tuple(chunk))
