"""An outage as staff see it: which command, since when, how many cases, what money, and how it will go on; in
the same words for the terminal, for programs and for Prefect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson

from adapters.errors import Unavailable
from adapters.store.base import Store
from adapters.store.outage import OUTAGE, Outage, Phase
from adapters.store.records import Step, StepFilter, StepStatus
from flows.breaker import Caution
from flows.wording import plain_error
from machines.kernel.money import Money
from machines.stake import stake, sums

_MOST = 10_000  #: steps looked at; with more it is "at least"
_CODES = (OUTAGE, Unavailable.code)


@dataclass(frozen=True, slots=True)
class Affected:
    """``waiting`` and ``parked`` are numbers of cases, ``stays`` says why parked steps are left to staff;
    empty if they are resumed too. Nothing here is personal."""

    outage: Outage
    waiting: int
    parked: int
    stakes: tuple[Money, ...]
    stays: str

    @property
    def cases(self) -> int:
        return self.waiting + self.parked

    @property
    def money(self) -> str:
        return " and ".join(map(str, self.stakes))

    @property
    def name(self) -> str:
        """Such as ``payment.authorize is out: 500 cases``."""
        how = {Phase.OUT: "is out", Phase.RESUMING: "answers again", Phase.LEFT: "was out"}
        return f"{self.outage.command} {how[self.outage.phase]}: {self.cases} cases"

    @property
    def found(self) -> str:
        outage = self.outage
        error = plain_error(outage.error, command=outage.command)
        parts = [
            f"since {outage.since:%Y-%m-%d %H:%M} UTC",
            f"{self.waiting} cases wait, {self.parked} are parked",
            f"{self.money} at stake" if self.money else "",
            f"latest: {error}" if error else "",
        ]
        return ", ".join(part for part in parts if part)

    @property
    def outlook(self) -> str:
        """What happens next, and to what."""
        outage = self.outage
        parked = f"what is parked is left to staff ({self.stays})" if self.stays else "what is parked too"
        if outage.phase is Phase.LEFT:
            return parked
        begins = "is resuming by itself" if outage.phase is Phase.RESUMING else "resumes by itself"
        probe = f"next probe {outage.due:%H:%M:%S} UTC; " if outage.phase is Phase.OUT else ""
        return f"{probe}what waits {begins}, {parked}"

    @property
    def told(self) -> str:
        return f"{self.found}; {self.outlook}"


def affected(store: Store, outage: Outage, *, caution: Caution, now: datetime) -> Affected:
    """Raises ``StoreUnavailable``."""
    both = (StepStatus.RETRYING, StepStatus.PARKED)
    found = store.steps(status=both, only=StepFilter(command=outage.command), limit=_MOST)
    steps = [step for step in found if step.code in _CODES]
    parked = {step.case for step in steps if step.status is StepStatus.PARKED}
    waiting = {step.case for step in steps} - parked
    stays = caution.stays(outage, now=now)
    return Affected(outage, len(waiting), len(parked), tuple(sums(_stakes(steps))), stays)


def _stakes(steps: Iterable[Step]) -> Iterable[Money | None]:
    for step in steps:
        arguments = orjson.loads(step.arguments)
        yield stake(arguments) if isinstance(arguments, dict) else None
