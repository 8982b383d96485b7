"""Every error code has its page, the pages in ``docs/runbook`` are those of today, and answers link there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.errors import AdapterError
from adapters.problems import TITLES
from adapters.runbook.pages import link, on_replay, pages, written
from deployments.errors import InstallationError
from flows import errors, procedures, steps
from machines.kernel.errors import Unfit
from tests.adapters.test_web import app, ask

COMMITTED = Path(__file__).parents[2] / "docs" / "runbook"


Coded = type[AdapterError] | type[InstallationError]


def kinds(error: Coded) -> Iterator[Coded]:
    yield error
    for one in error.__subclasses__():
        yield from kinds(one)


def test_every_code_has_a_page() -> None:
    assert errors
    assert procedures, "everything that may raise is imported"
    raised = {*kinds(AdapterError), *kinds(InstallationError)} - {InstallationError}
    codes = {Unfit.code} | {error.code for error in raised if error.__module__.split(".")[0] != "tests"}
    assert codes | TITLES.keys() | steps.CODES <= pages().keys()


def test_the_committed_pages_are_not_stale() -> None:
    found = {path.name: path.read_text("utf-8") for path in COMMITTED.glob("*.md")}
    assert found == written(), "write them anew with 'sop runbook --write docs/runbook'"


def test_each_page_says_all_four_things_in_a_few_lines() -> None:
    for page in pages().values():
        assert all((page.title, page.means, page.customer, page.do, page.replay)), page.code
        assert len(page.markdown.splitlines()) < 25


def test_a_code_without_a_page_has_no_link_and_is_replayed_like_any_other() -> None:
    assert link("rejected") == "docs/runbook/rejected.md"
    assert (COMMITTED.parents[1] / link("rejected")).exists()
    assert link("never-heard-of") == link(None) == ""
    assert on_replay(None) == pages()["command-failed"].replay


def test_a_problem_links_to_its_page_and_the_web_process_shows_it() -> None:
    application = app()
    problem = ask(application, "GET", "/nowhere").json()
    page = ask(application, "GET", problem["runbook"])
    assert page.status_code == 200
    assert page.text == pages()["not-found"].markdown
    assert ask(application, "GET", "/runbook/never-heard-of").status_code == 404
