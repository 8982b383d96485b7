"""The pages of cases as artifacts in Prefect: written when a case moves while somebody could look.

A run of one case gets the page of its case; cases of a rush get theirs where something needs attention, or
where a page that stands already would be out of date. So many a second and no more: the form `case` writes
any other on demand.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock

from adapters.errors import AdapterError
from flows.budget import Budget
from flows.case_page import CasePage
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused
from flows.session import Snapshot

PageOf = Callable[[str], CasePage | None]
"""Case id -> its page; None where there is no such case. May raise ``AdapterError``."""

_MOST_WAITING = 200
_MOST_KNOWN = 2_000
_MOST_OF_A_RUSH = 50
_PER_SECOND = 0.5
_BURST = 10

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A page that is wanted since ``run`` has ended; ``anew`` where the run is about this case alone."""

    run: str
    anew: bool


class Exhibits:
    """Told by the recorder which cases came to rest; shows their pages on its event loop."""

    def __init__(self, page: PageOf | None) -> None:
        self._page = page
        self._budget = Budget(_PER_SECOND, burst=_BURST)
        self._waiting: OrderedDict[str, _Wanted] = OrderedDict()
        self._known: OrderedDict[str, str] = OrderedDict()  #: case -> its latest artifact
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
        """Write the page that has waited longest, if the budget allows; raises what the API raises."""
        if self._page is None or not self._waiting or not self._budget.take():
            return
        with self._lock:
            case, wanted = self._waiting.popitem(last=False)
        try:
            page = await asyncio.to_thread(self._page, case)
        except AdapterError as error:
            _log.info("the page of %s is not written: %s", case, error)
            return
        if page is not None:
            await self._write(api, case, page, wanted)

    async def _write(self, api: PrefectApi, case: str, page: CasePage, wanted: _Wanted) -> None:
        known = None if wanted.anew else self._known.get(case)
        try:
            artifact = await exhibit(api, page, run=wanted.run, known=known)
        except PREFECT_ERRORS as error:
            if refused(error):
                self._known.pop(case, None)
                _log.info("the page of %s is not written: %s", case, error)
                return
            self._want([case], wanted)
            raise
        self._known[case] = artifact
        self._known.move_to_end(case)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


async def exhibit(api: PrefectApi, page: CasePage, *, run: str, known: str | None = None) -> str:
    """Write a page, in place of ``known``, or else as an artifact of ``run``, with which it goes one day; the
    artifact's id."""
    markdown = page.markdown(await api.runs_tagged(page.tags))
    description = f"{page.view.id}: {page.title}"
    if known is not None:
        await api.rewrite(known, markdown=markdown, description=description)
        return known
    return await api.add_markdown(run, key=page.key, description=description, markdown=markdown)
