"""Questions beyond those with a run of their own: one Suspended run for each procedure and state, with a
table of the cases that ask. As with any question, it does not matter what was missed, by whom or when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256

from adapters.asking.questions import Question
from flows import ask_wording as wording
from flows.ask_api import AskApi, AskRun
from flows.prefect_api import unless_gone
from flows.suspending import suspend_group
from flows.wording import Badge


def is_group(question: str) -> bool:
    """Whether it is put for many cases, such as `order/in_review`."""
    return question.count("/") == 1


async def show_groups(
    api: AskApi, questions: Sequence[Question], standing: Mapping[str, AskRun], *, house: str
) -> None:
    """Show these questions, and no others, in groups; `standing` are the groups' runs that have not ended."""
    groups: defaultdict[str, list[Question]] = defaultdict(list)
    for question in questions:
        groups[f"{question.case.sop}/{question.case.state}"].append(question)
    for id, group in groups.items():
        await _show(api, id, group, standing.get(id), house=house)
    for id, run in standing.items():
        if id not in groups and run.paused:
            await _end(api, run)


async def _show(api: AskApi, id: str, group: Sequence[Question], run: AskRun | None, *, house: str) -> None:
    name, tags = wording.group_name(group, count=len(group)), wording.group_tags(group)
    rows = wording.group_rows(group)
    shows = sha256(repr(rows).encode()).hexdigest()[:16]
    if run is None:
        run = await api.prepare(id, once=f"ask {house} {id}", name=name, tags=tags, house=house)
    if run.paused and (run.name, run.shows) == (name, shows) and not run.new:
        return
    if run.kind in ("SCHEDULED", "RUNNING") and run.patience > 0:
        return
    if not run.paused and await api.answer(run.id) is not None:
        await api.resume(run.id)
        return
    await api.add_table(run.id, key=wording.table_key(group[0]), description=name, rows=rows)
    await suspend_group(api, run.id, group)
    # Last, so that what fails before is seen to once more.
    await api.rename(run.id, name=name, tags=tags)
    await api.note_shown(run.id, shows)


async def _end(api: AskApi, run: AskRun) -> None:
    every = "every question has a run of its own, or is answered"
    await unless_gone(api.set_state(run.id, Badge(kind="COMPLETED", name="Completed", message=every)))
    # Somebody may have answered as it ended.
    if await api.answer(run.id) is not None:
        await unless_gone(api.resume(run.id, why="it was answered as it ended"))
    else:
        await unless_gone(api.forget_form(run.id))
