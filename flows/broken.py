"""What is broken, one step at a time, in the same words for the terminal, for programs and for Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from adapters.runbook.pages import link, on_replay
from adapters.store.records import Step, StepStatus
from flows.wording import plain_error
from machines.kernel.money import Money
from machines.stake import stake


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A step that does not go on by itself, or not yet. ``stake`` is the money in its arguments, ``runbook``
    the page of its error code, ``run`` the flow run that stands for it; what ``waits`` its provider has taken
    on. Nothing here is personal."""

    step: str
    sop: str
    key: str
    command: str
    status: StepStatus
    waits: bool
    attempts: int
    error: str
    code: str
    stake: Money | None
    failed: datetime | None
    again: datetime | None
    run: str | None

    @property
    def money(self) -> str:
        return str(self.stake) if self.stake else ""

    @property
    def tries(self) -> str:
        return f"{self.attempts} attempts" if self.attempts != 1 else "one attempt"

    @property
    def on_replay(self) -> str:
        return on_replay(self.code)

    @property
    def runbook(self) -> str:
        return link(self.code)

    @property
    def row(self) -> dict[str, object]:
        """For a table."""
        return {
            "step": self.step,
            "case": f"{self.sop}/{self.key}",
            "command": self.command,
            "status": "waiting" if self.waits else self.status.value,
            "attempts": self.attempts,
            "again": self.again,
            "error": self.error,
            "code": self.code,
            "at_stake": self.money,
            "on_replay": self.on_replay,
            "runbook": self.runbook,
        }


def broken(step: Step) -> Broken:
    sop, _, key = step.case.partition("/")
    arguments = orjson.loads(step.arguments)
    return Broken(
        step=step.key,
        sop=sop,
        key=key,
        command=step.command,
        status=step.status,
        waits=step.waits,
        attempts=step.attempts,
        error=plain_error(step.error or "", command=step.command),
        code=step.code or "",
        stake=stake(arguments) if isinstance(arguments, dict) else None,
        failed=step.failed,
        again=step.due,
        run=step.run,
    )
