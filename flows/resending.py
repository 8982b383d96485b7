"""The flow behind the form that sends a letter again, corrected if need be."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from adapters.correction import Correction
from adapters.errors import AdapterError
from flows import runtime
from flows.forgetting import FORGOTTEN, in_words
from flows.prefect_api import PrefectApi


@flow(
    name="resend",
    description="Sends a dead, unmatched or refused letter again, as it is or corrected; 'sop letters' lists "
    "them with their numbers. The old one is kept, and the case's journal names who and why.",
    persist_result=False,
    log_prints=False,
)
async def resend(
    letter: int,
    *,
    who: str,
    reason: str,
    subject: str | None = None,
    type: str | None = None,
    data: dict[str, object] | None = None,
) -> State[object]:
    """Send a letter again: its number, your name, why, and whatever is to change in it."""
    run = str(flow_run.get_id())
    if data == FORGOTTEN:
        return Failed(message="what was typed is forgotten; start a new run and fill in its form again")
    kept: dict[str, object] | None = FORGOTTEN if data else None
    try:
        changes = Correction(subject=subject or None, type=type or None, data=data or {})
        sent = await runtime.current().resend(letter, changes, who=who, reason=reason)
        kept = None
    except AdapterError as error:
        return Failed(message=in_words(error))
    finally:
        # As with the form of ``event``: what was typed may be personal.
        parameters = {"letter": letter, "who": who, "reason": reason, "subject": subject, "type": type}
        async with PrefectApi() as api:
            await api.forget_parameters(run, kept={**parameters, "data": kept})
            await api.rename(run, name=f"resend letter {letter}", tags=["staff"])
    message = f"letter {letter} is sent again as {sent.number}: {sent.letter.type} for {sent.letter.case}"
    return Completed(name="Sent again", message=message)
