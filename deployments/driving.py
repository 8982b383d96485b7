"""The drive loop of this process, alone or with all that goes with it: recorded in Prefect, its staff and
subscribers told, its house kept."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta

from deployments.bootstrap import Application, open_application, utc_now
from deployments.errors import SettingUnusable
from deployments.expiring import expiring_letters
from deployments.keeping import housekeeping
from deployments.notifying import looking, notifying
from deployments.providers import commands
from deployments.retiming import retime_cases
from deployments.settings import Settings
from deployments.telling import telling_subscribers
from flows.breaker import Caution
from flows.driver import Driver, Pace
from flows.owner import Owner
from flows.reporting import Listener
from flows.runtime import Runtime
from machines.approvals import load as load_approvals
from machines.approvals import unapproved
from machines.catalogue import CATALOGUE

log = logging.getLogger("sop.driving")
_REPORT = (sys.executable, "-m", "deployments.cli", "report")


def worker_name() -> str:
    """Where, which process, since when (UTC), such as ``shop1-4711-nov25-14h02-3f9a1c``. Unique to this
    process, also among restarts: a lease must never be taken for that of a predecessor."""
    host = socket.gethostname().partition(".")[0]
    return f"{host}-{os.getpid()}-{utc_now():%b%d-%Hh%M}-{secrets.token_hex(3)}".lower()


def caution(settings: Settings) -> Caution:
    """What the settings say of outages. Raises ``SettingUnusable``."""
    told = settings.outages
    known = {name for prefix, kinds in commands().items() for name in (prefix, *kinds)}
    if strangers := sorted(set(told.by_hand) - known):
        may = ", ".join(sorted(commands()))
        raise SettingUnusable(f"outages.by_hand: no command {strangers[0]}; write one, or a prefix: {may}")
    return Caution(told.failures, told.first, told.longest, told.by_hand, timedelta(hours=told.within_hours))


@contextmanager
def running_driver(
    app: Application, *, listener: Listener | None = None, worker: str | None = None
) -> Iterator[Driver]:
    """The drive loop of this process, started, and stopped in good order at the end."""
    driver = Driver(
        app.store,
        app.definitions,
        app.adapters(),
        worker=worker or worker_name(),
        clock=utc_now,
        listener=listener,
        pace=Pace(lease=app.settings.lease),
        caution=caution(app.settings),
    )
    driver.start()
    try:
        yield driver
    finally:
        driver.stop()


def telling(app: Application, driver: Driver) -> AbstractContextManager[None]:
    """Subscribers are told as long as the context is open."""
    return telling_subscribers(
        app.store.bulletins,
        settings=app.settings,
        secrets=app.secrets,
        worker=lambda: driver.worker,
        clock=utc_now,
    )


@contextmanager
def _figures(driver: Driver, settings: Settings) -> Iterator[None]:
    """Served to Prometheus if the settings say where. Raises ``SettingUnusable``."""
    port = settings.worker_metrics_port
    if port is None:
        yield
        return
    from flows.figures import served_figures

    with ExitStack() as stack:
        try:
            stack.enter_context(served_figures(driver, host=settings.web_host, port=port))
        except OSError as error:
            taken = f"{settings.web_host}:{port}: {error.strerror}; give each worker of a machine a port"
            raise SettingUnusable(f"worker_metrics_port: {taken}") from None
        yield


@asynccontextmanager
async def open_runtime() -> AsyncIterator[Runtime]:
    """The drive loop recorded in Prefect; for ``sop worker`` and for Prefect's own start command."""
    # Importing Prefect takes a second and a half, which no other command should have to wait for.
    from flows import back_office, case_desk, desk
    from flows.asking import Asking
    from flows.oncall import OnCall
    from flows.procedures import PROCEDURES
    from flows.running import Running
    from flows.watching import Watching

    settings = Settings()
    logging.getLogger("transitions").setLevel(logging.WARNING)
    with ExitStack() as stack:
        app = stack.enter_context(open_application(settings))
        if missing := unapproved(CATALOGUE, load_approvals(settings.approvals)):
            log.warning("not approved as they stand: %s; see 'sop approve'", ", ".join(missing))
        owner = Owner(worker=worker_name(), installation=app.mark)
        watching = Watching(
            app.store, owner=owner, flows=tuple(PROCEDURES), page=app.page_of, caution=caution(settings)
        )
        stack.enter_context(watching.recorder)
        stack.enter_context(desk.install(desk.Desk(app.questions, app.answers)))
        told = notifying(settings, app.store, clock=utc_now)
        house = housekeeping(settings, app.store, clock=utc_now)
        office = back_office.BackOffice(told, house, tuple(PROCEDURES), app.mark)
        stack.enter_context(back_office.install(office))
        stack.enter_context(looking(settings, told))
        stack.enter_context(
            case_desk.install(case_desk.CaseDesk(app.page_of, app.steering, app.boards, _REPORT))
        )
        asking = stack.enter_context(Asking(app.questions, house=app.mark, api_url=settings.prefect_url))
        watching.on_asked = asking.asked
        stack.enter_context(expiring_letters(app.store, days=settings.unmatched_days, clock=utc_now))
        retime_cases(app.store, policy=app.policy.fingerprint, clock=utc_now)
        driver = stack.enter_context(running_driver(app, listener=watching, worker=owner.worker))
        stack.enter_context(telling(app, driver))
        stack.enter_context(_figures(driver, settings))
        yield Running(
            store=app.store,
            driver=driver,
            watching=watching,
            submit=app.submit,
            resend=app.resend,
            owner=owner,
            on_call=OnCall(app.store, app.definitions, clock=utc_now),
        )
