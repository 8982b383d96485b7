"""What on-call staff do with parked steps and cases: find, skip, change and try again, send back.

Each is one transaction in the store with a letter for the case's journal, which says who and why; the worker
that leases the case does the rest. Whatever was asked of a provider before is looked up there first, so that
no money moves twice (docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import orjson

from adapters.store.base import Store
from adapters.store.outage import OUTAGE, Phase
from adapters.store.records import RETRY, SKIP, Letter, Step, StepFilter, StepStatus
from adapters.store.recovering import staff_letter
from flows.errors import NothingParked
from flows.replaying import PATIENCE, Replay
from machines.amending import amended, presumed
from machines.kernel.case import Case
from machines.kernel.command import CommandType
from machines.kernel.definition import Definition
from machines.kernel.errors import Unfit
from machines.kernel.event import SentBack

_PARKED = (StepStatus.PARKED,)


class OnCall:
    """``who`` and ``reason`` are journalled. Raises ``NothingParked``, ``Unfit``, ``StoreUnavailable``."""

    def __init__(
        self, store: Store, definitions: Mapping[str, Definition], *, clock: Callable[[], datetime]
    ) -> None:
        self.store = store
        self.clock = clock
        self._definitions = definitions

    def parked(self, name: str | None, *, only: StepFilter, limit: int) -> list[Step]:
        """The parked steps that fit, oldest first; ``name`` is a step, a case, or a case's key."""
        return self._find(name, _PARKED, only=only, limit=limit)

    def hasten(self, name: str | None, *, only: StepFilter) -> list[str]:
        """Have commands that are out probed at once, and not when the next probe is due: that of ``only``, or
        those that the steps called ``name`` wait for. Which they are."""
        waiting = StepFilter(command=only.command, code=OUTAGE)
        found = self._find(name, (StepStatus.RETRYING,), only=waiting, limit=100) if name else []
        wanted = {step.command for step in found} if name else {only.command}
        hastened = []
        for outage in self.store.outages.known():
            if outage.command in wanted and outage.phase is Phase.OUT:
                now = self.clock()
                self.store.outages.change(outage, replace(outage, due=now), now=now)
                hastened.append(outage.command)
        return hastened

    def _find(
        self, name: str | None, status: Collection[StepStatus], *, only: StepFilter, limit: int
    ) -> list[Step]:
        steps = self.store.steps
        if name is None:
            return steps(status=status, only=only, limit=limit)
        return (
            steps(status=status, only=only, keys=[name], limit=limit)
            or steps(status=status, only=only, case=name, limit=limit)
            or steps(status=status, only=only, key_of_case=name, limit=limit)
        )

    def replay(
        self, steps: Sequence[str], *, who: str, reason: str, rate: float | None, patience: float = PATIENCE
    ) -> Replay:
        """A replay of ``steps``, to be run."""
        return Replay(
            self.store, steps, clock=self.clock, who=who, reason=reason, rate=rate, patience=patience
        )

    def skip(self, name: str, *, outcome: str, data: Mapping[str, object], who: str, reason: str) -> Step:
        """Give a parked step the outcome that it has had. Where the provider can be asked and knows another
        one, that one counts. The step as it is under way now."""
        step, kind = self._one(name)
        told = presumed(kind, kind.takes.model_validate_json(step.arguments), outcome=outcome, data=data)
        given = orjson.dumps({"type": outcome, "data": told.model_dump(mode="json")})
        return self._amend(
            replace(step, presumed=given), SKIP, {"who": who, "reason": reason, "outcome": outcome}
        )

    def retry(self, name: str, *, changes: Mapping[str, object], who: str, reason: str) -> Step:
        """Try a parked step again with changed arguments, under a key of their own; the provider is asked
        first what became of those before, and if anything did, that counts."""
        step, kind = self._one(name)
        self._let_settle(step, kind)
        before = kind.takes.model_validate_json(step.arguments)
        after = amended(kind, before, changes)
        changed = replace(step, arguments=after.to_json(), earlier=(*step.earlier, step.arguments))
        told = {"who": who, "reason": reason, "changed": sorted(changes), "key": changed.request_key}
        return self._amend(changed, RETRY, told)

    def send_back(self, name: str, *, to: str, who: str, reason: str) -> Letter:
        """Ask for a case to return to an earlier state; the letter, whose status tells what became of it."""
        case = self.case(name)
        event = SentBack(to=to, who=who, reason=reason)
        id = f"send-back-{uuid4()}"
        letter = Letter(who, id, event.type, case.sop, case.key, event.to_json(), self.clock())
        self.store.receive([letter])
        return letter

    def ways_back(self, case: Case) -> list[str]:
        """The states to which ``case`` may be sent back from where it stands."""
        ways = self._definitions[case.sop].procedure.ways_back
        return list(dict.fromkeys(to.name for at, to in ways if at.name == case.state))

    def case(self, name: str) -> Case:
        """The one case with that key, or that id."""
        sop, slash, key = name.partition("/")
        found = self.store.find_case(key=name)
        if not found and slash and sop in self._definitions:
            found = self.store.find_case(key=key, sop=sop)
        if len(found) != 1:
            named = " or ".join(case.id for case in found)
            raise NothingParked(
                f"{name} is {named}; name one of them" if found else f"there is no case {name}"
            )
        return found[0]

    def _one(self, name: str) -> tuple[Step, CommandType]:
        found = self.parked(name, only=StepFilter(), limit=3)
        if not found:
            raise NothingParked(f"nothing parked is called {name}; 'sop steps --failed' lists what is")
        if len(found) > 1:
            raise NothingParked(
                f"{name} has several parked steps; name one: {', '.join(step.key for step in found)}"
            )
        step = found[0]
        procedure = self._definitions[step.case.partition("/")[0]].procedure
        kind = procedure.commands.get(step.command)
        if kind is None:
            raise Unfit(
                f"{procedure.name} version {procedure.version} does not know {step.command}; migrate it"
            )
        return step, kind

    def _let_settle(self, step: Step, kind: CommandType) -> None:
        """A request that was given up may still be on its way: it must arrive before it is looked up."""
        if step.failed is None or not step.attempts:
            return
        settled = step.failed + timedelta(seconds=kind.timeout)
        if self.clock() < settled:
            raise Unfit(
                f"{step.key} failed a moment ago; whatever was answered, a change waits until no try can be "
                f"on its way any more, {kind.timeout:g} s after the last: try it after {settled:%H:%M:%S} UTC"
            )

    def _amend(self, step: Step, type: str, told: Mapping[str, object]) -> Step:
        now = self.clock()
        letter = staff_letter(type, step.key, step.case, now=now, told=told)
        if not self.store.amend(step, now=now, letter=letter):
            raise NothingParked(f"{step.key} is not parked any more; somebody else was first")
        return replace(step, status=StepStatus.PENDING)
