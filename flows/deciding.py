"""Events go through ``decide``; what follows from them is kept, and goes out: letters to other cases,
commands to their adapters."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from zlib import crc32

from adapters.store.outage import OUTAGE, Outage, Phase
from adapters.store.records import Step, StepStatus
from flows import breaker
from flows.changing import Changing
from flows.outages import Outages
from flows.performing import Errand
from machines.kernel.case import Case
from machines.kernel.clock import PolicyChanged
from machines.kernel.command import Command
from machines.kernel.decide import decide, retime
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.event import Event, Received
from machines.kernel.steering import ORDERS, steer

log = logging.getLogger("sop.deciding")

CROWD = 3_000  #: commands of one adapter in memory at once; more wait in the store
LATER = timedelta(seconds=2)


@dataclass(slots=True)
class Deciding(Changing):
    """``crowd`` counts the commands under way by adapter, ``answered`` are steps that letters are about.
    ``overtaken`` are steps that such a letter ended: what is under way for them counts no longer."""

    crowd: Counter[str] = field(default_factory=Counter)
    answered: Mapping[str, Step] = field(default_factory=dict)
    errands: list[Errand] = field(default_factory=list)
    parked: list[Step] = field(default_factory=list)
    took: list[tuple[Case, str]] = field(default_factory=list)
    overtaken: list[Step] = field(default_factory=list)
    outages: Outages | None = None

    def decide(self, case: Case, event: Received) -> Decision | None:
        """None if the procedure failed on it, which is logged and journalled."""
        definition = self.definitions[case.sop]
        try:
            decision = _which(case, event)(definition, case, event, self.now)
        except Exception:
            # A mistake in one procedure must not stop the others. Personal fields are sealed here.
            log.exception("%s failed on %s", case.id, event.type)
            if case.seq:
                reason = f"the procedure failed on {event.type}"
                self.note(case, "procedure.failed", reason, {"event": event.id})
            return None
        self.took.append((decision.case, event.type))
        self._keep(case, decision)
        for number, send in enumerate(decision.sends):
            self._send(decision.case, send, number)
        for command in decision.commands:
            self._issue(definition, decision.case, command)
        return decision

    def _issue(self, definition: Definition, case: Case, command: Command) -> None:
        step = Step(
            key=command.key,
            case=case.id,
            command=command.name,
            arguments=command.arguments.to_json(),
            status=StepStatus.RUNNING,
            issued=self.now,
        )
        timeout = definition.procedure.commands[command.name].timeout
        self.changes.steps.append(self.begin(step, command, timeout=timeout))

    def begin(
        self,
        step: Step,
        command: Command,
        *,
        timeout: float,
        earlier: tuple[Command, ...] = (),
        presumed: Event | None = None,
    ) -> Step:
        """Send the step out, unless so many crowd before its adapter already that it had better come back."""
        adapter = command.name.partition(".")[0]
        again = step.status is not StepStatus.RUNNING
        if outage := self.outages and self.outages.waits(step, under_way=self.crowd[adapter]):
            return self.hold_back(step, outage)
        if self.crowd[adapter] >= CROWD:
            return replace(step, status=step.status if again else StepStatus.PENDING, due=self.now + LATER)
        self.crowd[adapter] += 1
        running = replace(step, status=StepStatus.RUNNING, due=None) if again else step
        trial = self.outages.trial(step) if self.outages else None
        self.errands.append(Errand(running, command, timeout, earlier, presumed, trial))
        return running

    def hold_back(self, step: Step, outage: Outage | None) -> Step:
        """The step waits in the store for its command to answer again, which spends none of its attempts;
        most likely it is released before it is due."""
        pause = breaker.PATIENCE if outage and outage.phase is Phase.OUT else LATER
        until = max(outage.due, self.now) if outage else self.now
        due = until + pause * (1 + crc32(step.key.encode()) % 256 / 256)
        why = f"{step.command} is not answered at present; it is sent as soon as it is"
        if step.code != OUTAGE:
            self.note_step(step, "step.waiting", why)
        return replace(step, status=StepStatus.RETRYING, due=due, error=why, code=OUTAGE)

    def recall(self, step: Step) -> None:
        """The step is not to be performed (again): not by this round, nor does what is under way count."""
        sent_out = [errand for errand in self.errands if errand.step.key == step.key]
        for errand in sent_out:
            self.errands.remove(errand)
            self.crowd[errand.adapter] -= 1
        self.overtaken.append(step)
        self.changes.settled = [other for other in self.changes.settled if other.key != step.key]


def _which(case: Case, event: Received) -> Callable[..., Decision]:
    if event.type in ORDERS:
        return steer
    # What is on hold finds its clocks anew when it is resumed.
    return retime if event.type == PolicyChanged.type and case.hold is None else decide
