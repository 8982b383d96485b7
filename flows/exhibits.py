"""The pages of cases as artifacts in Prefect: written when a case moves while somebody could look.

A run of one case gets the page of its case; cases of a rush get theirs where something needs attention, or
where a page that stands already would be out of date. So many a second and no more: the form `case` writes
any other on demand.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Lock

from adapters.errors import AdapterError
from flows.budget import Budget
from flows.case_page import CasePage, RunLink
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused
from flows.session import Snapshot

PageOf = Callable[[str], CasePage | None]
"""Case id -> its page; None where there is no such case. May raise ``AdapterError``."""

_MOST_WAITING = 200
_MOST_KNOWN = 2_000
_MOST_OF_A_RUSH = 50
_PER_SECOND = 0.5
_BURST = 10
_RUSH_SECONDS = 10.0  #: between two looks while more pages wait than may be written
_MOST_RUNS = 20  #: on a page
_MOST_FOUND = 200  #: runs in one of Prefect's answers

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A page that is wanted since ``run`` has ended; ``anew`` where the run is about this case alone."""

    run: str
    anew: bool


@dataclass(frozen=True, slots=True)
class _Due:
    """A page that is about to be written."""

    case: str
    wanted: _Wanted
    page: CasePage


class Exhibits:
    """Told by the recorder which cases came to rest; shows their pages on its event loop."""

    def __init__(self, page: PageOf | None) -> None:
        self._page = page
        self._budget = Budget(_PER_SECOND, burst=_BURST)
        self._waiting: OrderedDict[str, _Wanted] = OrderedDict()
        self._known: OrderedDict[str, str] = OrderedDict()  #: case -> its latest artifact
        self._next_look = 0.0
        self._lock = Lock()

    def ended(self, seen: Snapshot, *, run: str) -> None:
        """A run has ended."""
        if self._page is None:
            return
        if seen.count == 1:
            self._want([f"{seen.sop}/{case.key}" for case in seen.cases], _Wanted(run, anew=True))
            return
        named = [(f"{seen.sop}/{case.key}", case) for case in seen.cases]
        urgent = [id for id, case in named if case.attention or id in self._known]
        self._want(urgent[:_MOST_OF_A_RUSH], _Wanted(run, anew=False))

    def _want(self, cases: Collection[str], wanted: _Wanted) -> None:
        with self._lock:
            for case in cases:
                self._waiting[case] = wanted
                self._waiting.move_to_end(case)
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.popitem(last=False)

    async def show(self, api: PrefectApi) -> None:
        """Write the pages that have waited longest, as far as the budget goes; raises what the API raises."""
        waiting = self._next()
        try:
            due = [each for case, wanted in waiting.items() if (each := await self._read(case, wanted))]
            runs = await _runs_of(api, [each.page for each in due])
            for each in due:
                await self._write(api, each, runs[each.page.view.id])
                del waiting[each.case]
        except BaseException as error:
            if isinstance(error, PREFECT_ERRORS) and refused(error):
                _log.info("%d pages are not written: %s", len(waiting), error)
                return
            with self._lock:
                self._waiting = OrderedDict({**waiting, **self._waiting})
            raise

    def _next(self) -> dict[str, _Wanted]:
        """Those of a rush several at a time, because one look finds the runs of all."""
        now = time.monotonic()
        if self._page is None or now < self._next_look:
            return {}
        with self._lock:
            due = {}
            while self._waiting and self._budget.take():
                case, wanted = self._waiting.popitem(last=False)
                due[case] = wanted
            if self._waiting:
                self._next_look = now + _RUSH_SECONDS
            return due

    async def _read(self, case: str, wanted: _Wanted) -> _Due | None:
        assert self._page is not None
        try:
            page = await asyncio.to_thread(self._page, case)
        except AdapterError as error:
            _log.info("the page of %s is not written: %s", case, error)
            return None
        return _Due(case, wanted, page) if page is not None else None

    async def _write(self, api: PrefectApi, due: _Due, runs: Sequence[RunLink]) -> None:
        known = None if due.wanted.anew else self._known.get(due.case)
        try:
            artifact = await _exhibit(api, due.page, run=due.wanted.run, runs=runs, known=known)
        except PREFECT_ERRORS as error:
            if not refused(error):
                raise
            self._known.pop(due.case, None)
            _log.info("the page of %s is not written: %s", due.case, error)
            return
        self._known[due.case] = artifact
        self._known.move_to_end(due.case)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


async def exhibit(api: PrefectApi, page: CasePage, *, run: str) -> None:
    """Write a page as an artifact of ``run``, with which it goes one day."""
    await _exhibit(api, page, run=run, runs=(await _runs_of(api, [page]))[page.view.id])


async def _exhibit(
    api: PrefectApi, page: CasePage, *, run: str, runs: Sequence[RunLink], known: str | None = None
) -> str:
    """In place of ``known`` if there is one; the artifact's id."""
    markdown = page.markdown(runs)
    description = f"{page.view.id}: {page.title}"
    if known is not None:
        await api.rewrite(known, description=description, data=markdown)
        return known
    return await api.attach(run, "markdown", key=page.key, description=description, data=markdown)


async def _runs_of(api: PrefectApi, pages: Sequence[CasePage]) -> dict[str, list[RunLink]]:
    """Case id -> its latest runs. One look for all, unless there are so many that it would leave some out."""
    if len(pages) > 1:
        cases = sorted({tag for page in pages for tag in page.tags if tag.startswith("case:")})
        found = await api.runs_with_any(cases, limit=_MOST_FOUND)
        if len(found) < _MOST_FOUND:
            return {
                page.view.id: [run for run in found if run.tags.issuperset(page.tags)][:_MOST_RUNS]
                for page in pages
            }
    return {page.view.id: await api.runs_tagged(page.tags, limit=_MOST_RUNS) for page in pages}
