"""Where a flow hands an answer in: the questions and the intake of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from adapters.asking.answers import Answer, Answers, Became, source_of
from adapters.asking.questions import Question, Questions
from flows.runtime import RuntimeNotInstalled

WAY = "prefect-ui"  #: how the journal says that an answer was given in the Prefect UI


class Desk:
    """Its methods may be awaited on any event loop; they raise `InvalidEvents` and `StoreUnavailable`."""

    def __init__(self, questions: Questions, answers: Answers) -> None:
        self._questions = questions
        self._answers = answers

    async def answer(self, question: str, payload: Mapping[str, object], *, who: str, id: str) -> Answer:
        """Answer the question of that name; the same `id` again is the same answer."""
        source = source_of(WAY, who)
        return await asyncio.to_thread(
            self._answers.give_to, question, payload, source=source, letter=id, who=who
        )

    async def find(self, question: str) -> Question | None:
        """The question of that name, if it is open."""
        return await asyncio.to_thread(self._questions.find, question)

    async def group(self, group: str) -> list[Question]:
        """All open questions of a group such as `order/in_review`."""
        sop, _, state = group.partition("/")
        return await asyncio.to_thread(self._questions.open, states=[(sop, state)])

    async def answer_in(
        self, group: str, case: str, payload: Mapping[str, object], *, who: str, id: str
    ) -> Answer:
        """Answer the question of one case of a group; the same `id` again is the same answer."""
        sop, _, state = group.partition("/")
        found = await asyncio.to_thread(self._questions.open, cases=[f"{sop}/{case}"], states=[(sop, state)])
        if not found:
            given = await asyncio.to_thread(self._answers.given, source=source_of(WAY, who), letter=id)
            reason = f"{case or 'no case'} does not ask this; the table lists all"
            return given or Answer(Became.REFUSED, reason=reason)
        return await self.answer(found[0].id, payload, who=who, id=id)


_installed: list[Desk] = []


@contextmanager
def install(desk: Desk) -> Iterator[Desk]:
    """Make this the desk of the process while the context is open."""
    _installed.append(desk)
    try:
        yield desk
    finally:
        _installed.remove(desk)


def current() -> Desk:
    """The desk of this process; raises `RuntimeNotInstalled`."""
    if not _installed:
        raise RuntimeNotInstalled
    return _installed[-1]
