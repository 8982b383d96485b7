"""Shows the open questions for staff as Suspended flow runs, on a thread and event loop of its own.

It compares what the store says is open with the runs that Prefect has not ended. So it does not matter what
was missed, by whom, or while which of the two was away. One run per question comes from Prefect's idempotency
key, however many workers look.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

from prefect.exceptions import ObjectNotFound

from adapters.asking.questions import Question, Questions, case_of
from flows import ask_wording as wording
from flows.ask_api import AskApi, AskRun
from flows.ask_groups import is_group, show_groups
from flows.budget import Budget
from flows.prefect_api import PREFECT_ERRORS, RunLine, unless_gone
from flows.reconnecting import Reconnecting, with_few_retries
from flows.suspending import suspend
from flows.wording import Badge, LogLine

#: Questions with a run of their own; more are grouped, one run for each state, with a table.
MOST_RUNS = 500

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2
_APART_SECONDS = 1.0  #: between two looks at a few cases, each of which is a query to Prefect
_LEFT_SECONDS = 1.0  #: until questions that exceeded the budget are looked at again
_PASS_SECONDS = 120.0  #: between two comparisons of everything
_GROUP_SECONDS = 20.0  #: the same while some questions are grouped
_AGAIN_SECONDS = 5.0
_FEW = 50  #: cases compared at once
_TOGETHER = 5  #: questions whose logs are written in one request


class Asking:
    """A context manager around the life of the drive loop; `house` names the installation.

    A rush of questions is put slowly, for each costs Prefect some six calls, and nobody answers one a second
    for long; a few at a time, up to `at_once`, are not held back.
    """

    def __init__(
        self,
        questions: Questions,
        *,
        house: str,
        api_url: str | None = None,
        runs_per_second: float = 1.0,
        at_once: int = 15,
        most_runs: int = MOST_RUNS,
    ) -> None:
        self._questions = questions
        self._house = house
        self._api_url = api_url
        self._budget = Budget(runs_per_second, burst=at_once)
        self._most_runs = most_runs
        self._told: dict[str, float] = {}  #: cases, and when to see to them at the earliest
        self._lock = threading.Lock()
        self._single = 0
        self._grouped: set[str] = set()
        self._told_of: dict[str, Mapping[str, str]] = {}
        self._next_pass = 0.0
        self._next_look = 0.0
        self._away = False
        self._connection = Reconnecting(self._show, failed=self._say_away, name="asking")
        self._stopping = self._connection.stopping

    def __enter__(self) -> Self:
        self._connection.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.stop(seconds=5.0)

    def asked(self, cases: Collection[str]) -> None:
        """Questions of these cases came, went or changed hands; from any thread, returns at once."""
        self._note(cases, due=0.0)

    def _note(self, cases: Collection[str], *, due: float) -> None:
        with self._lock:
            for case in cases:
                self._told.setdefault(case, due)

    async def _show(self) -> None:
        with with_few_retries():
            async with AskApi(self._api_url) as api:
                await api.ping()
                self._connection.answered()
                self._next_pass = 0.0
                await self._serve(api)

    async def _serve(self, api: AskApi) -> None:
        while not self._stopping.is_set():
            if time.monotonic() >= self._next_pass:
                self._next_pass = time.monotonic() + _PASS_SECONDS
                await self._compare_all(api)
                self._away = False
            elif not await self._compare_some(api):
                await asyncio.sleep(_LOOK_SECONDS)

    async def _compare_all(self, api: AskApi) -> None:
        """Close what is no longer asked, note what has no run yet, and bring the groups up to date."""
        # First the runs: what is open after that and has no run among them has none at all.
        runs = await api.unfinished(house=self._house)
        open_ = await self._open(None)
        single = {run.question: run for run in runs if not is_group(run.question)}
        await self._close_or_mend(api, list(single.values()), open_)
        self._single = len(single.keys() & open_.keys())
        waiting = [question for id, question in open_.items() if id not in single]
        room = max(0, self._most_runs - self._single)
        self.asked({question.case.id for question in waiting[:room]})
        self._grouped = {question.id for question in waiting[room:]}
        if self._grouped:
            self._next_pass = min(self._next_pass, time.monotonic() + _GROUP_SECONDS)
        standing = {run.question: run for run in runs if is_group(run.question)}
        await show_groups(api, waiting[room:], standing, house=self._house)

    async def _compare_some(self, api: AskApi) -> bool:
        """Compare cases that something was told of; False if there is nothing to do for the time being."""
        cases = self._next_told()
        if not cases:
            return False
        try:
            keys = [f"case:{case.partition('/')[2]}" for case in cases]
            runs = await api.unfinished(house=self._house, tags=keys)
            open_ = await self._open(cases)
            about = [r for r in runs if not is_group(r.question) and case_of(r.question) in cases]
            await self._close_or_mend(api, about, open_)
            await self._bring_up_to_date(api, about, open_)
            known = {run.question for run in runs}
            left = [question for id, question in open_.items() if id not in known]
            done = await self._put(api, left)
        except BaseException:
            self.asked(cases)
            raise
        # Looking at them again costs more than the budget gives before then.
        self._note([question.case.id for question in left[done:]], due=time.monotonic() + _LEFT_SECONDS)
        return done > 0 or not left

    def _next_told(self) -> list[str]:
        """Cases to compare: at once after a pause, and those of a rush together."""
        now = time.monotonic()
        with self._lock:
            cases = [case for case, due in self._told.items() if due <= now][:_FEW]
            if len(cases) < _FEW and now < self._next_look:
                return []
            for case in cases:
                del self._told[case]
        if cases:
            self._next_look = now + _APART_SECONDS
        return cases

    async def _open(self, cases: Collection[str] | None) -> dict[str, Question]:
        """Those of cases on hold are put again when these are resumed."""
        found = await asyncio.to_thread(self._questions.open, cases=cases, states=self._questions.of_staff)
        return {question.id: question for question in found if question.case.hold is None}

    async def _put(self, api: AskApi, questions: Sequence[Question]) -> int:
        """Put questions as far as the budget goes; how many are seen to."""
        prepared: list[tuple[AskRun, Question]] = []
        seen_to = len(questions)
        for number, question in enumerate(questions):
            if self._single >= self._most_runs:
                if question.id not in self._grouped:
                    self._grouped.add(question.id)
                    self._next_pass = min(self._next_pass, time.monotonic() + _AGAIN_SECONDS)
                continue
            # Putting those before it took a while, in which people answer.
            if number and await asyncio.to_thread(self._questions.find, question.id) is None:
                continue
            if not self._budget.take():
                seen_to = number
                break
            run = await api.prepare(
                question.id,
                once=f"ask {self._house} {question.id}",
                name=wording.name(question),
                tags=wording.tags(question),
                house=self._house,
            )
            self._single += 1
            if await self._may_stand(api, run, question):
                prepared.append((run, question))
            if len(prepared) == _TOGETHER:
                await self._stand(api, prepared)
                prepared = []
        await self._stand(api, prepared)
        return seen_to

    async def _may_stand(self, api: AskApi, run: AskRun, question: Question) -> bool:
        """Whether a run is to put its question: not if it does already or somebody is about to answer."""
        lost = run.kind in ("PENDING", "RUNNING") and run.patience <= 0
        if not (run.new or run.finished or lost):
            return False
        if not run.new and await api.answer(run.id) is not None:
            await api.resume(run.id)
            return False
        # It may have been answered since it was looked up: then its run has ended for good.
        return not run.finished or await asyncio.to_thread(self._questions.find, question.id) is not None

    async def _stand(self, api: AskApi, prepared: Sequence[tuple[AskRun, Question]]) -> None:
        """Let each run put its question."""
        # Their logs come first: a run that is left Pending is mended, a line that is lost is not.
        await api.add_lines([_line(run, question, wording.log_line(question)) for run, question in prepared])
        for number, (run, question) in enumerate(prepared):
            # Here, too, those before it took a while.
            if number and await asyncio.to_thread(self._questions.find, question.id) is None:
                await self._close(api, run)
                continue
            # Others mend, and let answer, what is not put for so long.
            await suspend(api, run.id, question, new=run.new and run.patience > 0)
            self._told_of[question.id] = question.known

    async def _close_or_mend(self, api: AskApi, runs: Sequence[AskRun], open_: dict[str, Question]) -> None:
        for run in runs:
            question = open_.get(run.question)
            if run.paused and question is None:
                await self._close(api, run)
            elif run.paused and question is not None:
                if set(wording.tags(question)) - run.tags:
                    await self._hand_on(api, run, question)
            elif run.kind != "SCHEDULED":
                await self._mend(api, run, question)

    async def _close(self, api: AskApi, run: AskRun) -> None:
        closing = await asyncio.to_thread(self._questions.closing, run.question)
        message = str(closing) if closing else "the case does not ask this any more, or is on hold"
        await unless_gone(api.set_state(run.id, Badge(kind="CANCELLED", name="Cancelled", message=message)))
        await unless_gone(api.forget_form(run.id))
        self._single = max(0, self._single - 1)

    async def _hand_on(self, api: AskApi, run: AskRun, question: Question) -> None:
        """The ladder was climbed: somebody else is asked now."""
        await suspend(api, run.id, question)
        # Last, so that what fails before is seen to once more.
        kept = {tag for tag in run.tags if not tag.startswith("role:")}
        await api.retag(run.id, kept | set(wording.tags(question)))
        await self._tell_news(api, [(run, question)])

    async def _bring_up_to_date(
        self, api: AskApi, runs: Sequence[AskRun], open_: dict[str, Question]
    ) -> None:
        """Tell what has become known since the question was put, such as what a department has answered."""
        changed: list[tuple[AskRun, Question]] = []
        for run in runs:
            question = open_.get(run.question)
            if question is None:
                self._told_of.pop(run.question, None)
            elif run.paused and self._told_of.get(question.id) != question.known:
                await api.describe(run.id, wording.description(question))
                changed.append((run, question))
        await self._tell_news(api, changed)

    async def _tell_news(self, api: AskApi, changed: Sequence[tuple[AskRun, Question]]) -> None:
        before = self._told_of
        await api.add_lines(
            [_line(run, q, wording.news(q, since=before.get(q.id, {}))) for run, q in changed]
        )
        before.update({question.id: question.known for _, question in changed})

    async def _mend(self, api: AskApi, run: AskRun, question: Question | None) -> None:
        """If its worker was killed: take the answer that it holds once more, or ask again."""
        if (patience := run.patience) > 0:
            self._next_pass = min(self._next_pass, time.monotonic() + patience)
        elif await api.answer(run.id) is not None:
            await api.resume(run.id)
        elif question is not None:
            await self._stand(api, [(run, question)])
        else:
            await self._close(api, run)

    def _say_away(self, error: BaseException) -> float:
        """Seconds until the next attempt, which compares anew."""
        # Our flows are about to be registered if Prefect does not know them.
        if not (self._away or isinstance(error, ObjectNotFound)):
            self._away = True
            expected = isinstance(error, PREFECT_ERRORS)
            _log.warning(
                "questions are not shown in Prefect until it answers: %s: %s",
                type(error).__name__,
                error,
                exc_info=None if expected else error,
            )
        return _AGAIN_SECONDS


def _line(run: AskRun, question: Question, line: LogLine) -> RunLine:
    return RunLine(run.id, f"sop.{question.case.sop}", line)
