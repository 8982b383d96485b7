"""The flow behind a question: pressing Resume runs it, and it hands the filled-in form to the intake.

What was filled in stays an input of the run until the case has decided, so that a worker killed meanwhile
loses nothing; the event has its identity from that very filling in, so that taking it twice does it once.
"""

from __future__ import annotations

from collections.abc import Mapping

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Paused

from adapters.asking.answers import Answer, Became
from adapters.errors import AdapterError
from adapters.intake import InvalidEvents
from flows import ask_wording as wording
from flows import desk
from flows.ask_api import AskApi, Said
from flows.ask_groups import is_group
from flows.suspending import suspend, suspend_group

Ended = State[object]


@flow(
    name="ask",
    description="Questions for staff, one run each. Open the run, read what is known, press Resume and fill "
    "in the form. The case goes on with the answer; a run whose question was settled otherwise is Cancelled.",
    persist_result=False,
    log_prints=False,
)
async def ask(question: str) -> Ended:
    """Take the answer to a question."""
    run = str(flow_run.get_id())
    async with AskApi() as api:
        said = await api.answer(run)
        if said is None:
            return await _put_again(api, run, question, None, note="Press Resume and fill in the form")
        payload, who, case = wording.said(said.values)
        answer = await _give(question, payload, who=who, case=case, said=said)
        _log(answer)
        if is_group(question) or answer.became is Became.REFUSED:
            note = _note(answer, case=case)
            refused = answer.became is Became.REFUSED
            return await _put_again(api, run, question, said, note=note, refused=refused)
        await api.forget_form(run)
        return _ended(answer, who=who)


async def _give(question: str, payload: Mapping[str, object], *, who: str, case: str, said: Said) -> Answer:
    """What became of it; a payload that does not fit the form is refused like any other answer."""
    office = desk.current()
    try:
        if is_group(question):
            return await office.answer_in(question, case, payload, who=who, id=said.id)
        return await office.answer(question, payload, who=who, id=said.id)
    except InvalidEvents as error:
        faults = "; ".join(f"{fault.field.removeprefix('data.')}: {fault.remedy}" for fault in error.faults)
        return Answer(Became.REFUSED, reason=faults)
    except AdapterError as error:
        return Answer(Became.REFUSED, reason=str(error))


def _note(answer: Answer, *, case: str) -> str:
    about = f"{case}: " if case else ""
    if answer.became in (Became.TAKEN, Became.WAITING):
        return f"{about}answered, the case stands at {answer.title}"
    return f"{about}Your answer was not taken: {answer.reason}"


async def _put_again(
    api: AskApi, run: str, question: str, taken: Said | None, *, note: str, refused: bool = False
) -> Ended:
    """Put the question once more, which ends the run for its worker and not for staff: raises `Pause`.

    What was `refused` stands in the form, so that only what is wrong need be written anew. A question that is
    not open any more ends the run for good. Until then nothing is forgotten.
    """
    said = taken.values if taken and refused else None
    if is_group(question):
        group = await desk.current().group(question)
        if not group:
            await api.forget_form(run)
            return Completed(message=f"{note}; no case asks this any more")
        await suspend_group(api, run, group, note=note, said=said, taken=taken)
    else:
        found = await desk.current().find(question)
        if found is None:
            await api.forget_form(run)
            return Cancelled(message=f"{note}; the case does not ask this any more")
        await suspend(api, run, found, note=note, said=said, taken=taken)
    raise Pause(state=Paused(reschedule=True))


def _ended(answer: Answer, *, who: str) -> Ended:
    by = f"answered by {who or 'somebody'} in the Prefect UI"
    match answer.became:
        case Became.LATE:
            return Cancelled(message=f"Your answer was not taken: {answer.reason}")
        case Became.WAITING:
            return Completed(name="Answered", message=f"{by}; the case goes on with it shortly")
        case _:
            return Completed(name=answer.title, message=f"{answer.said}; {by}" if answer.said else by)


def _log(answer: Answer) -> None:
    log = get_run_logger()
    if answer.became in (Became.TAKEN, Became.WAITING):
        log.info(
            "answered%s; the case stands at: %s", f": {answer.said}" if answer.said else "", answer.title
        )
    else:
        log.error("Your answer was not taken: %s", answer.reason)
