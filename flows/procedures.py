"""The Prefect flows that staff and automations start: one per SOP, one to replay steps, one to take
events, one to send a letter again, those of `flows.steering`, and what is written on a schedule.

The drive loop needs none of them. They reach it through `flows.runtime`: they run on a worker of type `sop`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TypeAlias

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.flows import Flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from adapters.errors import AdapterError
from adapters.personal import personal_in
from flows import runtime, steering, wording
from flows.answering import ask
from flows.dashboard import dashboard
from flows.forgetting import FORGOTTEN, in_words
from flows.interventions import INTERVENTIONS
from flows.keeping_house import housekeeping
from flows.notify import notify
from flows.prefect_api import PrefectApi
from flows.report import report
from flows.resending import resend
from flows.work import show_work
from machines.catalogue import CATALOGUE

Ended: TypeAlias = State[object]
Procedure: TypeAlias = Flow[..., Coroutine[object, object, Ended]]

#: The SOPs, each with a flow of its own.
SOPS = tuple(procedure.name for procedure in CATALOGUE)


def sop_flow(sop: str) -> Procedure:
    """The flow of one SOP. Started by hand or by a schedule it drives whatever is ready now."""

    procedure = CATALOGUE.procedure(sop)

    @flow(
        name=sop,
        description=f"{procedure.title}. {procedure.purpose} A run takes every case that is ready until each "
        "waits, ends or is parked.",
        persist_result=False,
        log_prints=False,
    )
    async def drive() -> Ended:
        seen = (await runtime.current().drive(sop)).snapshot()
        run = str(flow_run.get_id())
        if seen.count:
            # An idle run keeps its name: most likely someone pressed Retry on the record of a wake-up.
            async with PrefectApi() as api:
                await api.rename(run, name=wording.run_name(seen), tags=wording.run_tags(seen))
                await show_work(api, run, seen=seen)
        badge = wording.badge(seen)
        return Completed(name=badge.name, message=badge.message)

    return drive


@flow(
    name="step",
    description="Parked steps. Retry performs them again, with the same idempotency key.",
    persist_result=False,
    log_prints=False,
)
async def step(steps: list[str]) -> Ended:
    """Replay parked steps."""
    log = get_run_logger()
    name = str(flow_run.get_name())
    errors = await runtime.current().replay(steps, who="Prefect UI", reason=f"Retry of {name}")
    failed = {which: error for which, error in errors.items() if error is not None}
    for which, error in failed.items():
        log.error("step %s failed again: %s", which, error)
    if failed:
        first = next(iter(failed.values()))
        return Failed(message=first if len(steps) == 1 else f"{len(failed)} of {len(steps)} failed: {first}")
    told = "replayed" if len(steps) == 1 else f"{len(steps)} steps replayed"
    log.info("%s", told)
    return Completed(message=told)


@flow(
    name="event",
    description="Puts one event in the inbox and says what became of it. The same id again does nothing.",
    persist_result=False,
    log_prints=False,
)
async def event(
    type: str,
    subject: str,
    data: dict[str, object] | None = None,
    id: str | None = None,
) -> Ended:
    """Take one event.

    Args:
        type: What happened, such as shipment.delivered; `sop events` lists all.
        subject: The key of the case that it is about, such as SO-1001-1.
        data: Its fields: choose dict and write JSON in place of null. Names and addresses go over HTTP.
        id: The same again does nothing. Left empty, it is the id of this run.
    """
    run = str(flow_run.get_id())
    identity = id or run
    if data == FORGOTTEN:
        return Failed(message="what was typed is forgotten; start a new run and fill in its form again")
    case: object = None
    kept: dict[str, object] = FORGOTTEN if data else {}
    try:
        if personal := await _published(run, type=type, data=data or {}):
            fields = ", ".join(personal)
            return Failed(message=f"{fields} of {type} may be personal, and Prefect keeps events: use HTTP")
        became = await runtime.current().submit(
            {"type": type, "subject": subject, "data": data or {}, "id": identity}
        )
        case, kept = became.get("case"), {}
    except AdapterError as error:
        return Failed(message=in_words(error))
    finally:
        # What was typed into the form may be personal; Prefect keeps parameters in the clear.
        parameters = {"type": type, "subject": subject, "data": kept, "id": identity}
        async with PrefectApi() as api:
            await api.forget_parameters(run, kept=parameters)
            await api.rename(run, name=f"{subject}: {type}", tags=[f"case:{case or subject}"])
    return Completed(name=str(became.get("status", "taken")).capitalize(), message=_reason(became))


async def _published(run: str, *, type: str, data: Mapping[str, object]) -> list[str]:
    """The personal fields of an event that has come by an event of Prefect, where everybody can read it."""
    kind = CATALOGUE.outside.get(type)
    personal = personal_in(kind, data) if kind else []
    if not personal:
        return []
    async with PrefectApi() as api:
        return personal if await api.is_automatic(run) else []


def _reason(became: Mapping[str, object]) -> str:
    told = [str(became[word]) for word in ("case", "reason") if became.get(word)]
    return ": ".join(told)


PROCEDURES: dict[str, Procedure] = (
    {sop: sop_flow(sop) for sop in SOPS}
    | {"step": step, "event": event, "resend": resend, "ask": ask, "notify": notify}
    | {"housekeeping": housekeeping}
    | {
        "case": steering.case,
        "hold": steering.hold,
        "resume": steering.resume,
        "cancel": steering.cancel,
        "note": steering.note,
        "assign": steering.assign,
        "dashboard": dashboard,
        "report": report,
    }
    | INTERVENTIONS
)


def entrypoint(name: str) -> str:
    """The module path under which Prefect finds a flow, such as `flows.procedures.order`."""
    return f"{__name__}.{name}"


def __getattr__(name: str) -> Procedure:
    """Let `flows.procedures.order` be imported although the factory made it."""
    try:
        return PROCEDURES[name]
    except KeyError:
        raise AttributeError(name) from None
