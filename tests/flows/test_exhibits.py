"""Pages of cases that wait together share a look for their runs, and outlast Prefect's outages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from adapters.case_view import CaseView
from flows import exhibits
from flows.case_page import CasePage, RunLink
from flows.exhibits import Exhibits
from flows.prefect_api import ArtifactKind, PrefectApi
from flows.session import CaseSeen, Snapshot
from tests.flows.test_session import NOW


def link(run: str, *tags: str) -> RunLink:
    return RunLink(id=run, name=run, state="Completed", at=NOW, tags=frozenset(tags))


class Api:
    """Has these runs; counts looks, and keeps what was written by artifact."""

    def __init__(self, *runs: RunLink) -> None:
        self.runs = runs
        self.looks: list[tuple[str, ...]] = []
        self.pages: dict[str, str] = {}
        self.written = 0
        self.failures = 0

    async def runs_tagged(self, tags: Sequence[str], *, limit: int) -> list[RunLink]:
        self.looks.append(tuple(tags))
        return [run for run in self.runs if run.tags.issuperset(tags)][:limit]

    async def runs_with_any(self, tags: Sequence[str], *, limit: int) -> list[RunLink]:
        self.looks.append(tuple(tags))
        return [run for run in self.runs if run.tags.intersection(tags)][:limit]

    async def attach(self, run: str, kind: ArtifactKind, *, key: str, data: str, **_: object) -> str:
        if self.failures:
            self.failures -= 1
            raise httpx.ConnectError("away")
        self.written += 1
        self.pages[key] = data
        return key

    async def rewrite(self, artifact: str, *, data: str, **_: object) -> None:
        self.written += 1
        self.pages[artifact] = data


def page(case: str) -> CasePage:
    sop, _, key = case.partition("/")
    view = cast("CaseView", SimpleNamespace(id=case, sop=sop, key=key))
    return CasePage(view, "In review", f"{sop}-{key}", (f"sop:{sop}", f"case:{key}"), (case,), "diagram")


def ended(*keys: str, sop: str = "order") -> Snapshot:
    cases = tuple(CaseSeen(key=key, attention=("asked",)) for key in keys)
    return cast("Snapshot", SimpleNamespace(sop=sop, count=len(keys), cases=cases))


def show(shown: Exhibits, api: Api) -> None:
    asyncio.run(shown.show(cast("PrefectApi", api)))


def test_pages_of_a_rush_share_one_look_and_each_names_its_own_runs() -> None:
    of_order = link("run-a", "sop:order", "case:A", "state:in_review")
    of_complaint = link("run-c", "sop:complaint", "case:A")
    api, shown = Api(of_order, of_complaint, link("run-b", "sop:order", "case:B")), Exhibits(page)
    shown.ended(ended("A", "B"), run="rush")
    show(shown, api)
    assert api.looks == [("case:A", "case:B")]
    assert "run-a" in api.pages["order-A"]
    assert "run-b" not in api.pages["order-A"]
    assert "run-c" not in api.pages["order-A"]
    assert "run-b" in api.pages["order-B"]


def test_runs_beyond_one_answer_are_looked_for_case_by_case() -> None:
    many = [link(f"run-{number}", "sop:order", "case:A") for number in range(200)]
    api, shown = Api(*many, link("run-b", "sop:order", "case:B")), Exhibits(page)
    shown.ended(ended("A", "B"), run="rush")
    show(shown, api)
    assert api.looks[1:] == [("sop:order", "case:A"), ("sop:order", "case:B")]
    assert "run-b" in api.pages["order-B"]
    assert api.pages["order-A"].count("flow-run/run-") == 20


def test_pages_beyond_the_budget_wait_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "_PER_SECOND", 1000.0)
    monkeypatch.setattr(exhibits, "_BURST", 2)
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    api, shown = Api(), Exhibits(page)
    shown.ended(ended("A", "B", "C", "D"), run="rush")
    show(shown, api)
    now[0] += 5.0
    show(shown, api)
    assert sorted(api.pages) == ["order-A", "order-B"]
    now[0] += 6.0
    show(shown, api)
    assert sorted(api.pages) == ["order-A", "order-B", "order-C", "order-D"]
    assert len(api.looks) == 2


def test_pages_that_prefect_could_not_take_are_written_later() -> None:
    api, shown = Api(), Exhibits(page)
    api.failures = 1
    shown.ended(ended("A", "B"), run="rush")
    with pytest.raises(httpx.ConnectError):
        show(shown, api)
    show(shown, api)
    assert sorted(api.pages) == ["order-A", "order-B"]
    assert api.written == 2


def test_the_page_of_a_single_case_is_written_at_once() -> None:
    api, shown = Api(link("run-a", "sop:order", "case:A")), Exhibits(page)
    shown.ended(ended("A"), run="one")
    show(shown, api)
    assert "run-a" in api.pages["order-A"]
    assert api.looks == [("sop:order", "case:A")]


def test_no_look_is_made_for_no_page() -> None:
    api, shown = Api(), Exhibits(page)
    show(shown, api)
    shown.ended(ended(), run="none")
    show(shown, api)
    assert api.looks == []
