"""What becomes of a step once it has been sent out: it ends, by a try or by what its provider says later; it
comes again; or it is parked, and waits for staff."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
from pydantic import ValidationError

from adapters.command import Later
from adapters.errors import Unavailable
from adapters.store.outage import OUTAGE
from adapters.store.records import ANSWERS_LATER, SETTLED, InboxStatus, Letter, Step, StepStatus
from flows.deciding import Deciding
from flows.performing import Result, Way
from machines.kernel.command import Command, CommandType
from machines.kernel.definition import Definition
from machines.kernel.event import Event, Received

CODES = frozenset({ANSWERS_LATER, OUTAGE, "unwritable", "procedure-failed", "procedure-changed"})
"""Codes of steps that no adapter has failed on; the runbook has a page for each."""
LONGEST = 86_400.0  #: seconds that a provider can have us wait before the next try
SOURCE = "step"  #: of outcomes, as the journal names it

_FOUND = "the provider had done it already, before staff changed the step"


def end_try(draft: Deciding, result: Result) -> None:
    """One try of a step ended."""
    step, outcome = result.errand.step, result.outcome
    if result.way is Way.HELD_BACK:
        known = draft.outages.known.get(step.command) if draft.outages else None
        draft.changes.settled.append(draft.hold_back(step, known))
        return
    tried = step.attempts + 1
    if outcome is None:
        _try_again(draft, replace(step, attempts=tried), result)
        return
    if isinstance(outcome, Later):
        _await(draft, replace(step, attempts=tried), outcome)
        return
    skipped = result.way is Way.PRESUMED
    done = step.done(outcome.type, attempts=step.attempts if skipped else tried, skipped=skipped)
    if result.way is Way.FOUND:
        draft.note_step(step, "step.found", _FOUND)
    case = draft.case(step.case)
    event = Received(step.key, SOURCE, outcome.type, outcome, result.ended, step.key)
    if case.hold is not None:
        draft.keep_outcome(case, step, outcome)
    elif draft.decide(case, event) is None:
        reason = f"the procedure failed on {outcome.type}"
        park(draft, replace(step, attempts=tried), "procedure-failed", reason)
        return
    draft.changes.settled.append(done)


def perform(draft: Deciding, step: Step) -> None:
    """A step is due: after a failure, a crash or a replay."""
    case = draft.case(step.case)
    if case.hold is not None:
        draft.changes.settled.append(replace(step, status=StepStatus.HELD))
        return
    kind = draft.definitions[case.sop].procedure.commands.get(step.command)
    try:
        known = _read(step, kind) if kind else None
        presumed = _presumed(step, kind) if kind else None
    except (ValidationError, KeyError):
        known = None
    if kind is None or known is None:
        reason = f"version {case.version} of {case.sop} no longer performs {step.command} like this"
        park(draft, step, "procedure-changed", reason)
        return
    *earlier, command = known
    if presumed is not None:
        earlier = known
    again = draft.begin(step, command, timeout=kind.timeout, earlier=tuple(earlier), presumed=presumed)
    draft.changes.settled.append(again)


def answer(draft: Deciding, letter: Letter, definition: Definition) -> tuple[InboxStatus, str]:
    """What becomes of a letter in which a provider says how a step ended that it had taken on."""
    settled = {step.key: step for step in draft.changes.settled}
    step = settled.get(letter.id) or draft.answered.get(letter.id)
    kind = definition.procedure.commands.get(step.command) if step else None
    if step is None or kind is None:
        return InboxStatus.DEAD, f"there is no step {letter.id}"
    if step.status in SETTLED:
        return InboxStatus.IGNORED, f"the step has ended before, as {step.outcome}"
    outcomes = {outcome.type: outcome for outcome in kind.outcomes}
    try:
        payload = outcomes[letter.type].model_validate_json(letter.body)
    except (ValidationError, KeyError):
        return InboxStatus.DEAD, f"{step.command} cannot end in this {letter.type}"
    case = draft.case(step.case)
    event = Received(step.key, SOURCE, letter.type, payload, letter.received, step.key)
    if case.hold is not None:
        draft.keep_outcome(case, step, payload)
    elif draft.decide(case, event) is None:
        failed = f"the procedure failed on {letter.type}; see the worker's log, then resend"
        return InboxStatus.DEAD, failed
    draft.recall(step)
    draft.changes.settled.append(step.done(letter.type, attempts=step.attempts))
    return InboxStatus.APPLIED, ""


def park(draft: Deciding, step: Step, code: str, error: str) -> None:
    """Nothing more is tried until staff have seen to it."""
    parked = replace(
        step,
        status=StepStatus.PARKED,
        due=None,
        error=error,
        code=code,
        failed=draft.now,
        presumed=None,
    )
    draft.changes.settled.append(parked)
    draft.parked.append(parked)
    draft.note_step(parked, "step.parked", error)


def _try_again(draft: Deciding, step: Step, result: Result) -> None:
    """A failure: unless it is for good, or the last that is allowed, the step comes again after a while."""
    failure = result.failure
    assert failure is not None
    case = draft.case(step.case)
    retry = draft.definitions[case.sop].procedure.commands[step.command].retry
    if not failure.retryable or step.attempts >= retry.attempts:
        park(draft, step, failure.code, str(failure))
        return
    chance = result.ended.microsecond % 1000 / 1000
    wait = retry.delay(step.attempts, chance=chance)
    if isinstance(failure, Unavailable):
        wait = max(wait, min(failure.after, LONGEST))
    due = draft.now + timedelta(seconds=wait)
    later = replace(
        step,
        status=StepStatus.RETRYING,
        due=due,
        error=str(failure),
        code=failure.code,
        failed=draft.now,
    )
    draft.changes.settled.append(later)
    draft.note_step(step, "step.failed", str(failure), again=due)


def _await(draft: Deciding, step: Step, promise: Later) -> None:
    """The provider will say by event how it ended; its silence up to here counts like a failure."""
    case = draft.case(step.case)
    retry = draft.definitions[case.sop].procedure.commands[step.command].retry
    if step.code == ANSWERS_LATER and step.attempts >= retry.attempts:
        asked = f"the provider was asked {step.attempts} times and still works on it"
        park(draft, step, ANSWERS_LATER, asked)
        return
    due = draft.now + timedelta(seconds=promise.seconds)
    waiting = "the provider has it and will say by event how it ended"
    later = replace(step, status=StepStatus.RETRYING, due=due, error=waiting, code=ANSWERS_LATER)
    draft.changes.settled.append(later)
    draft.note_step(step, "step.waiting", waiting, again=due)


def _read(step: Step, kind: CommandType) -> list[Command]:
    """What was asked before staff changed the step, oldest first, and what is asked now. Raises
    ``ValidationError``."""
    asked = (*step.earlier, step.arguments)
    return [
        Command(step.command, step.key_of(number), kind.takes.model_validate_json(arguments))
        for number, arguments in enumerate(asked)
    ]


def _presumed(step: Step, kind: CommandType) -> Event | None:
    """The outcome that staff gave, if they gave one. Raises ``KeyError`` and ``ValidationError``."""
    if step.presumed is None:
        return None
    told = orjson.loads(step.presumed)
    models = {one.type: one for one in kind.outcomes}
    return models[told["type"]].model_validate_json(orjson.dumps(told["data"]))
