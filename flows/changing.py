"""The cases of one round as they stand, and what the store is to write of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapters.store.records import Changes, Letter, Step
from machines.kernel.case import Case, Entry
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.event import Event
from machines.kernel.rule import Disposition, Send
from machines.kernel.state import End

KEPT = "kept"  #: the source of letters that hold an outcome until its case is resumed


@dataclass(slots=True)
class Changing:
    """``cases`` holds every case that the round touches and is brought up to date as events are applied;
    ``held`` are those that the worker has in memory from earlier rounds."""

    definitions: Mapping[str, Definition]
    now: datetime
    cases: dict[str, Case]
    held: Mapping[str, Case]
    changes: Changes = field(default_factory=Changes)

    def case(self, identity: str) -> Case:
        """As it stands at this point of the round; raises ``KeyError`` for a case that is not in it."""
        return self.cases.get(identity) or self.held[identity]

    def keep_outcome(self, case: Case, step: Step, outcome: Event) -> None:
        """A command under way when its case was put on hold has ended: its outcome becomes a letter, which
        waits with all others."""
        letter = Letter(
            *(KEPT, step.key, outcome.type, case.sop, case.key, outcome.to_json()), received=self.now
        )
        self.changes.sent.append(letter)

    def _keep(self, before: Case, decision: Decision) -> None:
        case, changes = decision.case.id, self.changes
        self.update(before, decision.case)
        changes.entries.append((case, decision.entry))
        for timer in decision.timers_set:
            changes.timers_set[case, timer.name] = timer
        for name in decision.timers_cleared:
            changes.timers_set.pop((case, name), None)
            changes.timers_cleared.append((case, name))
        if decision.moved and before.deferred:
            changes.redeliver.add(case)
        if before.hold is not None and decision.case.hold is None:
            changes.resumed.add(case)

    def update(self, before: Case, after: Case) -> None:
        identity = after.id
        if before.seq == 0 or identity in self.changes.opened:
            self.changes.opened[identity] = after
        else:
            first = self.changes.moved.get(identity)
            self.changes.moved[identity] = (after, first[1] if first else before.seq)
            if after.data is not before.data:
                self.changes.unaltered.discard(identity)
            elif first is None:
                self.changes.unaltered.add(identity)
        if isinstance(self.definitions[after.sop].state(after.state), End):
            self.changes.ended.add(identity)
        else:
            # An end can be left: a delivery is disputed, a refund reversed.
            self.changes.ended.discard(identity)
        self.cases[identity] = after

    def _send(self, case: Case, send: Send, number: int) -> None:
        if send.to is None:
            if case.parent is None:
                return
            sop, _, key = case.parent.partition("/")
        else:
            sop, key = send.to
        self.changes.sent.append(
            Letter(
                source=case.id,
                id=f"{case.seq}.{number}",
                type=send.event.type,
                sop=sop,
                key=key,
                body=send.event.to_json(),
                received=self.now,
                opens=send.event.opens,
                parent=case.id if send.event.opens else None,
            )
        )

    def note(
        self, case: Case, event: str, reason: str, body: Mapping[str, Any], *, source: str = "worker"
    ) -> None:
        after = replace(case, seq=case.seq + 1)
        entry = Entry(
            seq=after.seq,
            at=self.now,
            event=event,
            source=source,
            event_id=f"{event}/{after.seq}",
            disposition=Disposition.HANDLED,
            before=case.state,
            after=case.state,
            reason=reason,
            body=body,
        )
        self.update(case, after)
        self.changes.entries.append((case.id, entry))

    def note_step(self, step: Step, event: str, reason: str, *, again: datetime | None = None) -> None:
        """What became of a try of the step, in the journal of its case; ``again`` is when it comes again."""
        body: dict[str, Any] = {"step": step.key, "command": step.command, "attempt": step.attempts}
        if again is not None:
            body["again"] = again.isoformat()
        self.note(self.case(step.case), event, reason, body)
