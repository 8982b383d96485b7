"""Lets a run wait for the answer to a question, or to one of many: what is said beside it, and its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.asking.questions import Question
from flows import ask_wording as wording
from flows.ask_api import AskApi, Said


async def suspend(
    api: AskApi,
    run: str,
    question: Question,
    *,
    note: str = "",
    said: Mapping[str, object] | None = None,
    taken: Said | None = None,
    new: bool = False,
) -> None:
    """Let a run wait for the answer to its question; `said` stands in the form already. `taken` is the answer
    that was dealt with; in a `new` run there is none."""
    await api.suspend(
        run,
        new=new,
        taken=taken,
        filled=bool(said),
        schema=wording.schema(question, said=said),
        description=wording.description(question, note=note),
        message=note or wording.message(question),
    )


async def suspend_group(
    api: AskApi,
    run: str,
    group: Sequence[Question],
    *,
    note: str = "",
    said: Mapping[str, object] | None = None,
    taken: Said | None = None,
) -> None:
    """Let a run wait for the answer to one of many questions."""
    await api.suspend(
        run,
        taken=taken,
        filled=bool(said),
        schema=wording.schema(group[0], among=group, said=said),
        description=wording.group_description(group, note=note),
        message=note or f"{len(group)} cases ask {', '.join(wording.roles(group))}",
    )
