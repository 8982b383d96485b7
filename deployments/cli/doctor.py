"""``sop doctor`` looks for what is wrong with an installation and says what to do about it, and prints the
settings in force."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import typer

from adapters.store.base import Backlog, Live
from deployments.bootstrap import Installation, open_installation
from deployments.cli.output import AsJson, plain_errors, print_json, print_table
from deployments.providers import described
from deployments.settings import Settings, without_password
from machines.kernel.definition import Definition

_LATE = timedelta(seconds=60)  #: what is due for longer is driven by nobody
_START_WORKER = "start a worker with 'sop worker' or 'sop up'"


@dataclass(frozen=True, slots=True)
class Ailment:
    """``remedy`` is empty where all is well."""

    part: str
    well: bool
    found: str
    remedy: str = ""


def doctor(*, as_json: AsJson = False) -> None:
    """Check the store, who drives it, what waits or is broken, the intake and Prefect; print the settings."""
    with plain_errors():
        settings = Settings()
        with open_installation(settings) as app:
            found = list(_examine(app))
    checks = [
        {"": "ok" if one.well else "!!", "part": one.part, "found": one.found, "remedy": one.remedy}
        for one in found
    ]
    sources = settings.sources().items()
    in_force = [{"setting": name, "value": settings.shown(name), "from": source} for name, source in sources]
    if as_json:
        print_json({"checks": checks, "settings": in_force})
    else:
        print_table(f"sop doctor ({settings.home.resolve()})", checks, as_json=False)
        print_table("Settings", in_force, as_json=False)
    raise typer.Exit(0 if all(one.well for one in found) else 1)


def _examine(app: Installation) -> Iterator[Ailment]:
    settings, now = app.settings, app.clock()
    began = time.perf_counter()
    backlog = app.store.backlog(now - _LATE)
    spent = (time.perf_counter() - began) * 1000
    yield Ailment("store", True, f"{settings.url.partition('://')[0]} answers in {spent:.0f} ms")
    yield from versions(app.store.live(), app.definitions)
    yield workers(backlog, now=now, lease=settings.lease)
    yield from _work(backlog, now=now)
    yield from _letters(backlog)
    for which, who in described(settings):
        yield Ailment(which, True, who)
    yield _answers("web intake", f"{settings.web_url}/health", "start it with 'sop web' or 'sop up'")
    yield _signatures(settings)
    remedy = "start it with 'sop up', or set SOP_PREFECT_API_URL; cases go on without it"
    yield _answers("Prefect", f"{settings.prefect_url}/health", remedy)


def _signatures(settings: Settings) -> Ailment:
    found = f"{len(settings.source_keys)} sources must sign"
    if not settings.unsigned_sources:
        return Ailment("signatures", True, f"{found}, others may not send")
    remedy = "set unsigned_sources = false where others can reach the web intake"
    return Ailment("signatures", True, f"{found}, others send unsigned", remedy)


def versions(live: Sequence[Live], known: Mapping[str, Definition]) -> Iterator[Ailment]:
    """Not well where open cases run on a version that nothing here can drive."""
    for one in live:
        if not one.open:
            continue
        now = known[one.sop].procedure if one.sop in known else None
        if now is None or now.version != one.version:
            found = f"{one.open} open cases run on version {one.version}"
            remedy = (
                f"known here is {now.version if now else 'no such procedure'}; run that version, or migrate"
            )
            yield Ailment(f"version of {one.sop}", False, found, remedy)
        elif now.hash != one.hash:
            changed = f"changed since {one.open} open cases began ({one.hash}, now {now.hash})"
            yield Ailment(f"version of {one.sop}", True, f"version {one.version} has {changed}")


def workers(backlog: Backlog, *, now: datetime, lease: float) -> Ailment:
    """Well as long as one worker's heartbeat is younger than the lease, in seconds."""
    if not backlog.workers:
        return Ailment("workers", False, "no worker has been seen", _START_WORKER)
    ages = sorted(((now - beat).total_seconds(), name) for name, beat in backlog.workers)
    fresh = [f"{name} {max(age, 0):.0f} s ago" for age, name in ages if age <= lease]
    if not fresh:
        return Ailment("workers", False, f"no worker has been seen for {_span(ages[0][0])}", _START_WORKER)
    return Ailment("workers", True, f"heartbeats: {', '.join(fresh)}")


def _work(backlog: Backlog, *, now: datetime) -> Iterator[Ailment]:
    age = now - backlog.oldest if backlog.oldest else timedelta()
    yield _late("backlog", age > _LATE, f"{backlog.new} events wait, the oldest for {_span(age)}")
    for what, count in (("timers", backlog.overdue_timers), ("steps", backlog.overdue_steps)):
        yield _late(f"overdue {what}", bool(count), f"{count} due for more than {_span(_LATE)}")
    parked = backlog.parked
    yield Ailment(
        "parked steps",
        not parked,
        f"{parked} parked",
        "'sop steps --failed' lists them; mend the cause, then 'sop replay'" if parked else "",
    )


def _letters(backlog: Backlog) -> Iterator[Ailment]:
    # An event may rightly be there before its case; only time tells.
    yield Ailment("unmatched letters", True, f"{backlog.unmatched} wait for their case")
    dead = backlog.dead
    remedy = "'sop letters --dead' says what they need; 'sop resend' sends them again" if dead else ""
    yield Ailment("dead letters", not dead, f"{dead} dead", remedy)


def _late(part: str, late: bool, found: str) -> Ailment:
    return Ailment(part, not late, found, f"no worker is driving: {_START_WORKER}" if late else "")


def _answers(part: str, url: str, remedy: str) -> Ailment:
    shown = without_password(url)
    try:
        answer = httpx.get(url, timeout=5)
    except httpx.HTTPError as error:
        return Ailment(part, False, f"{shown}: {type(error).__name__}", remedy)
    if answer.is_success:
        return Ailment(part, True, f"{shown} answers")
    return Ailment(part, False, f"{shown} answers {answer.status_code}: {_detail(answer)}", "see its log")


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def _span(age: timedelta | float) -> str:
    seconds = age.total_seconds() if isinstance(age, timedelta) else age
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
