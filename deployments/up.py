"""Everything on one machine: PostgreSQL for Prefect, Prefect's server, a worker, the web intake, and if asked
the example day. Whatever it started, it stops."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import httpx
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from adapters.errors import StoreUnavailable
from adapters.store.base import Store
from deployments.bootstrap import open_application
from deployments.cli.output import console, errors, print_json
from deployments.errors import ProcessFailed
from deployments.feeding import Fed, Known, feed, is_over
from deployments.own_prefect import OwnPrefect
from deployments.prefect_server import PrefectServer
from deployments.processes import Child, answers, free_port
from deployments.settings import Settings

_LOOK_SECONDS = 1.0
_QUIET_LOOKS = 3  #: so many looks in a row must find nothing to do before it counts as idle
_BUSY_STEPS = ("pending", "running", "retrying")
_START_SECONDS = 120.0
_SOME_EVENTS = 200  #: of the example day, after which there is something to see on the dashboards
_OURS = ("web", "worker")

Summary = Mapping[str, Mapping[str, int]]
_NOTHING: Summary = {"cases": {}, "steps": {}, "inbox": {}}


class Up:
    """One run of ``sop up``."""

    def __init__(
        self, settings: Settings, *, day: Path | None, seconds: float, exit_when_idle: bool, as_json: bool
    ) -> None:
        self._settings = settings.model_copy(update={"home": settings.home.resolve()})
        self._day = day
        self._seconds = seconds
        self._exit_when_idle = exit_when_idle
        self._as_json = as_json
        self._children: list[Child] = []
        self._prefect: OwnPrefect | None = None
        self._fed = Fed()
        self._stopping = threading.Event()

    def run(self) -> int:
        """Returns the exit status: 0, also after Ctrl-C."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        started = time.monotonic()
        with ExitStack() as stack:
            self._clear_the_place()
            app = stack.enter_context(open_application(self._settings))
            self._say(f"All state is kept under {self._settings.home}")
            self._spoil_the_day(app.store)
            self._start_prefect(stack)
            self._start_children(stack)
            feeding = None
            if self._came_up():
                self._say_addresses()
                feeding = self._start_feeding(app.store)
            summary = self._watch(app.store, feeding, started)
            # After what the terminal shows of Ctrl-C.
            self._say("\nStopping the worker, the web intake, Prefect's server and its PostgreSQL ...")
        self._say("Stopped.")
        if self._as_json:
            print_json(totals(summary, self._fed, seconds=time.monotonic() - started))
        return 0

    def _clear_the_place(self) -> None:
        """Stop what a killed predecessor left behind, then choose ports."""
        settings = self._settings
        for name in _OURS:
            self._child(name).stop_leftover()
        if not settings.prefect_api_url:
            PrefectServer(settings.home / "prefect", port=settings.prefect_port).stop_leftover()
        ports = {
            "web_port": free_port(settings.web_port, host=settings.web_host),
            "prefect_port": free_port(settings.prefect_port),
        }
        self._settings = settings.model_copy(update=ports)

    def _spoil_the_day(self, store: Store) -> None:
        """On the example day some things go wrong, but not to what is sent when it is over; faults that
        somebody else wrote stay."""
        if self._day is None:
            return
        faults, ours = self._settings.faults, (self._day.parent / "faults.txt").read_text("utf-8")
        if not is_over(self._day, known=_known(store)):
            if not faults.exists():
                faults.write_text(ours, "utf-8")
        elif faults.exists() and faults.read_text("utf-8") == ours:
            faults.write_text("", "utf-8")

    def _start_prefect(self, stack: ExitStack) -> None:
        settings = self._settings
        if settings.prefect_api_url:
            return
        own = OwnPrefect(settings, say=self._say, warn=self._warn)
        self._prefect = stack.enter_context(own)

    def _start_children(self, stack: ExitStack) -> None:
        self._say("Starting the worker and the web intake ...")
        self._children = [self._child(name) for name in _OURS]
        for child in self._children:
            child.start()
            stack.callback(child.stop)

    def _came_up(self) -> bool:
        """Wait until the web and Prefect answer, which start side by side; False if told to stop meanwhile.

        Raises ``ProcessFailed`` or ``PrefectServerUnavailable``.
        """
        until = time.monotonic() + _START_SECONDS

        def web_came_up() -> bool:
            web = self._children[0]
            if not web.alive or time.monotonic() > until:
                raise ProcessFailed(f"the {web.name} did not start; its log is {web.log}")
            return answers(f"{self._settings.web_url}/health")

        waiting = [web_came_up] + ([self._prefect.came_up] if self._prefect else [])
        while waiting and not self._stopping.wait(0.1):
            waiting = [came_up for came_up in waiting if not came_up()]
        return not self._stopping.is_set()

    def _child(self, name: str) -> Child:
        settings = self._settings
        environment = {
            "SOP_HOME": str(settings.home),
            "SOP_WEB_PORT": str(settings.web_port),
            "SOP_PREFECT_PORT": str(settings.prefect_port),
            # The person's own Prefect may be set to another server.
            "PREFECT_API_URL": settings.prefect_url,
        }
        logs = settings.home / "logs"
        return Child(
            name, name, log=logs / f"{name}.log", environment=environment, pid_file=logs / f"{name}.pid"
        )

    def _start_feeding(self, store: Store) -> threading.Thread | None:
        if self._day is None:
            return None
        thread = threading.Thread(target=self._feed, args=(self._day, store), name="feeding", daemon=True)
        thread.start()
        return thread

    def _feed(self, day: Path, store: Store) -> None:
        shown = False
        for fed in feed(day, url=self._settings.web_url, seconds=self._seconds, known=_known(store)):
            self._fed = fed
            if self._stopping.is_set():
                return
            shown = shown or (fed.sent % _SOME_EVENTS == 0 and self._show_dashboards())
        self._show_dashboards()

    def _show_dashboards(self) -> bool:
        """Have them written now: their schedule shows the day minutes after it has passed. False while
        Prefect does not know how."""
        url = self._settings.prefect_url
        try:
            found = httpx.get(f"{url}/deployments/name/dashboard/dashboard", timeout=10)
            place = f"{url}/deployments/{found.raise_for_status().json()['id']}/create_flow_run"
            state = {"type": "SCHEDULED", "name": "Scheduled"}
            httpx.post(place, json={"state": state}, timeout=10).raise_for_status()
        except httpx.HTTPError:
            return False
        return True

    def _watch(self, store: Store, feeding: threading.Thread | None, started: float) -> Summary:
        """Show progress until told to stop, or until idle if that was asked for; what was last seen."""
        quiet = 0
        latest = _NOTHING
        look_again = 0.0
        with Live(console=console, auto_refresh=False, transient=False, screen=False) as live:
            while not self._stopping.wait(_LOOK_SECONDS):
                for child in self._children:
                    if child.revive():
                        self._warn(f"the {child.name} ended and was started again; see {child.log}")
                if self._prefect is not None:
                    self._prefect.revive()
                began = time.monotonic()
                if began < look_again:
                    continue
                summary = _look(store)
                # Counting a long history takes a while: at most a tenth of the time.
                look_again = time.monotonic() + 9 * (time.monotonic() - began)
                latest = summary or latest
                if not self._as_json:
                    live.update(self._progress(summary, time.monotonic() - started), refresh=True)
                fed = feeding is None or not feeding.is_alive()
                quiet = quiet + 1 if fed and summary and not _busy(summary) else 0
                if quiet == _QUIET_LOOKS:
                    self._spoil_the_day(store)
                if self._exit_when_idle and quiet >= _QUIET_LOOKS:
                    break
        return _look(store) or latest

    def _progress(self, summary: Summary | None, seconds: float) -> RenderableType:
        if summary is None:
            return Text(f"{seconds:4.0f} s   the store is away; trying again")
        table = Table(box=None, pad_edge=False)
        for column in ("procedure", "cases", "where they stand"):
            table.add_column(column, overflow="fold")
        for sop, states in sorted(_by_sop(summary["cases"]).items()):
            ranked = sorted(states.items(), key=lambda item: -item[1])
            where = ", ".join(f"{state} {count}" for state, count in ranked)
            table.add_row(sop, str(sum(states.values())), where)
        steps = ", ".join(f"{status} {count}" for status, count in sorted(summary["steps"].items()))
        fed = self._fed
        known = f"{fed.known} of them known already, " if fed.known else ""
        events = f"events sent {fed.sent}, {known}refused {fed.refused}"
        line = f"{seconds:4.0f} s   {events}   steps: {steps or 'none yet'}"
        return Group(Text(""), table, Text(line))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _say(self, text: str) -> None:
        if not self._as_json:
            console.print(text, highlight=False)

    def _warn(self, text: str) -> None:
        """On the console that the live table owns: what others print there, its next refresh wipes out."""
        if self._as_json:
            errors.print(text, highlight=False)
        else:
            console.print(f"\n{text}", highlight=False, markup=False, soft_wrap=True)

    def _say_addresses(self) -> None:
        settings = self._settings
        self._say(f"\nPrefect UI   {settings.prefect_ui}/runs")
        self._say(f"API docs     {settings.web_url}/docs")
        self._say(f"Send events  POST {settings.web_url}/events")
        self._say("Stop         Ctrl-C")


def totals(summary: Summary, fed: Fed, *, seconds: float) -> dict[str, object]:
    """What ``--json`` ends with: cases by procedure and state, steps by status, dead letters, seconds."""
    inbox = summary["inbox"]
    return {
        "cases": _by_sop(summary["cases"]),
        "steps": dict(summary["steps"]),
        "inbox": dict(inbox),
        "dead_letters": inbox.get("dead", 0),
        "events": asdict(fed),
        "seconds": round(seconds, 1),
    }


def _known(store: Store) -> Known:
    return lambda source, id: store.letter(source=source, id=id) is not None


def _look(store: Store) -> Summary | None:
    """None while the store is away: the worker and the intake wait for it too."""
    try:
        return store.summary()
    except StoreUnavailable:
        return None


def _busy(summary: Summary) -> bool:
    waiting = summary["inbox"].get("new", 0)
    return bool(waiting or any(summary["steps"].get(status, 0) for status in _BUSY_STEPS))


def _by_sop(cases: Mapping[str, int]) -> dict[str, dict[str, int]]:
    grouped: dict[str, dict[str, int]] = {}
    for name, count in cases.items():
        sop, _, state = name.partition("/")
        grouped.setdefault(sop, {})[state] = count
    return grouped
