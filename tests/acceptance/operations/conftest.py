"""A whole installation, as ``sop up`` starts it, and a Chromium in which staff would look at it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import cast

import httpx
import orjson
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest_prefect import Json, eventually, free_port

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-3d-apis",  # without a GPU the drawing of a run's timeline takes half a processor
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_MOST_CHOICES = 9
_PATIENCE = 60_000.0  # ms; the UI looks for news every few seconds


class House:
    """A running ``sop up`` on ports and a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        ports = {"SOP_WEB_PORT": str(free_port()), "SOP_PREFECT_PORT": str(free_port())}
        # Settings of the person who runs the tests, and of the other tests, must not leak into this one.
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("SOP_", "PREFECT_"))
        }
        self.environment = {**inherited, **ports, "SOP_HOME": str(home), "COLUMNS": "200"}
        self.web = f"http://127.0.0.1:{ports['SOP_WEB_PORT']}"
        self.ui = f"http://127.0.0.1:{ports['SOP_PREFECT_PORT']}"
        self.log = home / "up.log"
        self._http = httpx.Client(timeout=20, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> House:
        self.home.mkdir(parents=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deployments.cli", "up"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
            )
        try:
            eventually(self._ready, seconds=120)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._http.close()

    def _ready(self) -> bool:
        """Whether events are taken and a worker is attached to Prefect."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            healthy = self._http.get(f"{self.web}/health").is_success
            return healthy and bool(self.ask("/work_pools/sop/workers/filter", {}))
        except httpx.HTTPError:
            return False

    def spoil(self, faults: str) -> None:
        """Make commands of the simulated world fail; an empty text makes it well."""
        (self.home / "faults.txt").write_text(faults, "utf-8")

    def send(self, type: str, subject: str, data: Json) -> None:
        event = {"specversion": "1.0", "id": f"{subject}/{type}", "source": "shop"}
        self._http.post(
            f"{self.web}/events",
            content=orjson.dumps({**event, "type": type, "subject": subject, "data": data}),
            headers={"content-type": "application/cloudevents+json"},
        ).raise_for_status()

    def ask(self, path: str, body: Json) -> list[Json]:
        """What Prefect's API answers to a filter."""
        return cast(
            "list[Json]", self._http.post(f"{self.ui}/api{path}", json=body).raise_for_status().json()
        )

    def run(self, name: str, *, state_type: str = "COMPLETED") -> str:
        """The address of the page of a flow run, as soon as the run stands in that kind of state."""
        flow_runs = {"name": {"any_": [name]}, "state": {"type": {"any_": [state_type]}}}
        found = eventually(lambda: self.ask("/flow_runs/filter", {"flow_runs": flow_runs}))
        return f"{self.ui}/runs/flow-run/{found[0]['id']}"

    def start(self, deployment: str) -> None:
        """The Run button of a deployment that asks nothing."""
        found = self._http.get(f"{self.ui}/api/deployments/name/{deployment}/{deployment}").json()
        self.ask(f"/deployments/{found['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})

    def artifact(self, key: str, *, containing: str) -> str | None:
        """The latest version of an artifact, if it holds that text."""
        body = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 1}
        found = [one for one in self.ask("/artifacts/filter", body) if containing in str(one["data"])]
        return str(found[0]["id"]) if found else None

    def open_cases(self, sop: str, *, state: str) -> int:
        """How many ``sop cases`` lists."""
        command = [sys.executable, "-m", "deployments.cli", "cases", sop, "--state", state, "--json"]
        answer = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return len(orjson.loads(answer.stdout))

    def comes_to(self, key: str, state: str) -> None:
        """Wait until the case stands there; the database tells it quicker than a command that must start."""
        query = "SELECT 1 FROM cases WHERE key = ? AND state = ?"
        with closing(sqlite3.connect(self.home / "cases.db")) as database:
            eventually(lambda: database.execute(query, (key, state)).fetchone())

    def case(self, key: str) -> Mapping[str, object]:
        """What ``sop show`` answers."""
        command = [sys.executable, "-m", "deployments.cli", "show", key, "--json"]
        answer = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return cast("Mapping[str, object]", orjson.loads(answer.stdout))

    def link(self, key: str) -> str:
        """What support staff read out to a customer who lost the message."""
        command = [sys.executable, "-m", "deployments.cli", "token", key, "--json"]
        answer = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return str(orjson.loads(answer.stdout)["link"])


def choose(page: Page, value: str, *, nth: int = 0) -> None:
    """Choose ``value`` in the ``nth`` list of the open form, by keyboard as its own users do."""
    control = page.get_by_role("dialog").locator(".p-select-button__control").nth(nth)
    for down in range(1, _MOST_CHOICES):
        control.click()
        for _ in range(down):
            page.keyboard.press("ArrowDown")
            page.wait_for_timeout(200)
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
        if control.inner_text().strip() == value:
            return
    raise AssertionError(f"{value!r} is not among the choices")


@pytest.fixture(scope="module")
def chromium() -> str:
    """A Chromium of this machine; without one the tests are skipped, but not where nobody would notice."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        message = f"no browser: none of {', '.join(_BROWSERS)} is installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def house(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Not for the whole session: it takes its share of the processor while it runs."""
    with House(tmp_path_factory.mktemp("house") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def page(chromium: str, house: House) -> Iterator[Page]:
    """A browser with an empty profile. Not for the whole session: while it is open an event loop runs on this
    thread, with which no other test reckons."""
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, headless=True, chromium_sandbox=False, args=list(_ARGUMENTS)
        )
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.set_default_timeout(_PATIENCE)
        yield opened
        browser.close()


@pytest.fixture
def phone(page: Page) -> Iterator[Page]:
    """A narrow screen without JavaScript."""
    browser = page.context.browser
    assert browser is not None
    opened = browser.new_context(
        java_script_enabled=False, viewport={"width": 360, "height": 740}, locale="de-DE"
    )
    yield opened.new_page()
    opened.close()
