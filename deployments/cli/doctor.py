"""``sop doctor`` looks for what is wrong with an installation and says what to do about it, and prints the
settings in force."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import typer

from adapters.bulletins.subscribing import Moved
from adapters.errors import StoreUnavailable
from adapters.notices.receivers import unusable
from adapters.runbook.pages import link
from adapters.store.bulletins import SubscriptionStatus
from adapters.store.outage import OUTAGE, Phase
from adapters.store.records import Backlog, Live
from deployments.bootstrap import Installation, open_installation, utc_now
from deployments.cli.output import AsJson, console, plain_errors, print_json, print_table
from deployments.driving import caution
from deployments.errors import SchemaDiffers
from deployments.notifying import posting
from deployments.providers import described, performers
from deployments.settings import Settings, without_password
from flows.affected import affected
from machines.approvals import load as load_approvals
from machines.approvals import unapproved
from machines.catalogue import CATALOGUE
from machines.kernel.definition import Definition

_LATE = timedelta(seconds=60)  #: what is due for longer is driven by nobody
_SKEW = timedelta(seconds=2)  #: clocks kept by NTP differ by less; an HTTP date has whole seconds
_LAG = timedelta(minutes=15)  #: a receiver may be away for a restart
_START_WORKER = "start a worker with 'sop worker' or 'sop up'"


@dataclass(frozen=True, slots=True)
class Ailment:
    """``remedy`` is empty where nothing need be done; ``code`` has a page in the runbook. What is ``well``
    and has a remedy all the same can wait."""

    part: str
    well: bool
    found: str
    remedy: str = ""
    code: str = ""

    @property
    def row(self) -> dict[str, str]:
        mark = ("! " if self.remedy else "ok") if self.well else "!!"
        runbook = link(self.code) if self.remedy else ""
        return {"": mark, "part": self.part, "found": self.found, "remedy": self.remedy, "runbook": runbook}

    @property
    def shown(self) -> dict[str, str]:
        """The same with the page of the runbook under the remedy, where a terminal has room for it."""
        row = self.row
        return row | {"remedy": "\n".join(filter(None, (row["remedy"], row.pop("runbook"))))}


def doctor(*, as_json: AsJson = False) -> None:
    """Check the store and its migrations, who drives it, what waits or is broken, approvals, clocks, the
    intake and Prefect; print the settings."""
    with plain_errors():
        settings = Settings()
        found = [*_inside(settings), *approvals(settings), *_outside(settings)]
    checks = [one.row for one in found]
    sources = settings.sources().items()
    in_force = [{"setting": name, "value": settings.shown(name), "from": source} for name, source in sources]
    if as_json:
        print_json({"checks": checks, "settings": in_force})
    else:
        shown = [one.shown for one in found]
        title = f"sop doctor ({settings.home.resolve()})"
        print_table(title, shown, as_json=False, breaking=("found", "remedy"))
        console.print()
        print_table("Settings", in_force, as_json=False, breaking=("value",))
    raise typer.Exit(0 if all(one.well for one in found) else 1)


def _inside(settings: Settings) -> Iterator[Ailment]:
    """What the store says, or why it says nothing."""
    try:
        with open_installation(settings) as app:
            yield from _examine(app)
    except SchemaDiffers as error:
        found, _, remedy = str(error).partition("; ")
        yield Ailment("migrations", False, found, remedy, error.code)
    except StoreUnavailable as error:
        remedy = "start the database, or make room on its disk; nothing of ours has to be restarted"
        yield Ailment(
            "store", False, f"{settings.shown('store_url') or 'SQLite'}: {error}", remedy, error.code
        )


def _examine(app: Installation) -> Iterator[Ailment]:
    settings, now = app.settings, app.clock()
    began = time.perf_counter()
    backlog = app.store.backlog(now - _LATE)
    spent = (time.perf_counter() - began) * 1000
    yield Ailment("store", True, f"{settings.url.partition('://')[0]} answers in {spent:.0f} ms")
    yield Ailment("migrations", True, "none is pending")
    if (told := app.store.time()) is not None:
        yield skew("the database", told, now=app.clock())
    yield from versions(app.store.live(), app.definitions)
    yield workers(backlog, now=now, lease=settings.lease)
    yield leases(backlog, now=now, lease=settings.lease)
    yield from _work(backlog, now=now)
    yield from outages(app)
    yield from _letters(backlog)
    for one in app.subscribing.all():
        yield subscriber(one, now=now)


def outages(app: Installation) -> Iterator[Ailment]:
    """What their providers do not answer, or did not and left steps behind."""
    known = app.store.outages.known()
    if not known:
        yield Ailment("providers", True, "none is known to be away")
    now, careful, who = app.clock(), caution(app.settings), performers(app.settings)
    for outage in known:
        seen = affected(app.store, outage, caution=careful, now=now)
        by_hand = f"'sop replay --command {outage.command} --code unavailable' tries what is parked"
        remedy = by_hand if seen.stays and seen.parked else ""
        if outage.phase is Phase.OUT:
            remedy = f"look at the provider's status page; {remedy or 'the rest goes by itself'}"
        found = f"{who[outage.command.partition('.')[0]]}: {seen.told}"
        yield Ailment(outage.command, outage.phase is Phase.RESUMING, found, remedy, OUTAGE)


def approvals(settings: Settings) -> Iterator[Ailment]:
    """Cases run without, but somebody should know."""
    missing = unapproved(CATALOGUE, load_approvals(settings.approvals))
    found = f"not as they stand: {', '.join(missing)}" if missing else "every procedure as it stands"
    remedy = "let the owner read the handbook page, then 'sop approve'" if missing else ""
    yield Ailment("approvals", True, found, remedy, "unapproved")


def _outside(settings: Settings) -> Iterator[Ailment]:
    for which, who in described(settings):
        yield Ailment(which, True, who)
    yield told(settings)
    remedy = "start it with 'sop web' or 'sop up'"
    yield _answers("web intake", f"{settings.web_url}/health", remedy, "web-unreachable")[0]
    yield _signatures(settings)
    remedy = "start it with 'sop up', or set SOP_PREFECT_API_URL; cases go on without it"
    found, date = _answers("Prefect", f"{settings.prefect_url}/health", remedy, "prefect-unreachable")
    yield found
    if date is not None:
        # Its second had begun, and may be over by now.
        yield skew("Prefect", date + timedelta(seconds=0.5), now=utc_now(), blur=timedelta(seconds=0.5))


def skew(whose: str, told: datetime, *, now: datetime, blur: timedelta = timedelta()) -> Ailment:
    """Well as long as the clock that ``told`` its time differs by less than two seconds from ours."""
    ahead = told - now
    by = max(timedelta(), abs(ahead) - blur)
    part = f"clock of {whose}"
    if by < _SKEW:
        return Ailment(part, True, "agrees with that of this machine")
    way = "ahead of" if ahead > timedelta() else "behind"
    found = f"{by.total_seconds():.0f} s {way} that of this machine"
    return Ailment(part, False, found, "let NTP set both clocks; deadlines pass early or late", "clock-skew")


def leases(backlog: Backlog, *, now: datetime, lease: float) -> Ailment:
    """Well as long as whoever leases cases beats."""
    beats = dict(backlog.workers)
    silent = {
        name: count
        for name, count in backlog.leases.items()
        if name not in beats or (now - beats[name]).total_seconds() > 2 * lease
    }
    if not silent:
        return Ailment("leases", True, f"{sum(backlog.leases.values())} cases are in hand")
    held = ", ".join(f"{count} by {name}" for name, count in sorted(silent.items()))
    remedy = f"{_START_WORKER}: it frees them within {lease:g} s"
    return Ailment("leases", False, f"held by workers that fell silent: {held}", remedy, "stale-leases")


def _signatures(settings: Settings) -> Ailment:
    found = f"{len(settings.source_keys)} sources must sign"
    if not settings.unsigned_sources:
        return Ailment("signatures", True, f"{found}, others may not send")
    remedy = "set unsigned_sources = false where others can reach the web intake"
    return Ailment("signatures", True, f"{found}, others send unsigned", remedy)


def told(settings: Settings) -> Ailment:
    """Well as long as Apprise knows every URL; without any, staff have to look for themselves."""
    post = posting(settings)
    every = list(dict.fromkeys((*post.to("oncall"), *post.to("operations"))))
    if not every:
        remedy = "set [notify] oncall, so that parked steps and missing workers are told"
        return Ailment("notices", True, "nobody is told of anything", remedy, "not-delivered")
    if bad := unusable(every):
        found = f"Apprise knows no such URL: {', '.join(one.name for one in bad)}"
        return Ailment(
            "notices", False, found, "mend it, then try it by 'sop notify --test'", "not-delivered"
        )
    return Ailment("notices", True, f"told are {', '.join(one.name for one in every)}")


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
            yield Ailment(f"version of {one.sop}", False, found, remedy, "wrong-version")
        elif now.hash != one.hash:
            changed = f"changed since {one.open} open cases began ({one.hash}, now {now.hash})"
            yield Ailment(f"version of {one.sop}", True, f"version {one.version} has {changed}")


def workers(backlog: Backlog, *, now: datetime, lease: float) -> Ailment:
    """Well as long as one worker's heartbeat is younger than the lease, in seconds."""
    if not backlog.workers:
        return Ailment("workers", False, "no worker has been seen", _START_WORKER, "no-worker")
    ages = sorted(((now - beat).total_seconds(), name) for name, beat in backlog.workers)
    fresh = [f"{name} {max(age, 0):.0f} s ago" for age, name in ages if age <= lease]
    if not fresh:
        found = f"no worker has been seen for {_span(ages[0][0])}"
        return Ailment("workers", False, found, _START_WORKER, "no-worker")
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
        "parked",
    )


def _letters(backlog: Backlog) -> Iterator[Ailment]:
    # An event may rightly be there before its case; only time tells.
    yield Ailment("unmatched letters", True, f"{backlog.unmatched} wait for their case")
    dead = backlog.dead
    remedy = "'sop letters --dead' says what they need; 'sop resend' sends them again" if dead else ""
    yield Ailment("dead letters", not dead, f"{dead} dead", remedy, "dead-letters")


def subscriber(moved: Moved, *, now: datetime) -> Ailment:
    """Well as long as a subscriber is told what happens within a quarter of an hour."""
    one, waiting = moved.subscription, moved.waiting
    part = f"subscription {one.name}"
    waits = f"{waiting.count} events wait for it"
    if one.status is SubscriptionStatus.DISABLED:
        remedy = f"ask its owner, then 'sop subscriptions resume {one.name}', or remove it"
        return Ailment(part, False, f"disabled: {one.error}; {waits}", remedy, "subscription-disabled")
    if one.status is SubscriptionStatus.PAUSED:
        remedy = f"'sop subscriptions resume {one.name}' once its receiver is ready"
        return Ailment(part, True, f"paused; {waits}", remedy)
    age = now - waiting.oldest if waiting.oldest else timedelta()
    if age <= _LAG:
        return Ailment(part, True, f"told up to position {one.position}; {waits}")
    found = f"{waits}, the oldest for {_span(age)}"
    remedy = f"{_START_WORKER}; if one runs, its receiver is too slow"
    if one.attempts:
        found += f": {one.error}, {one.attempts} tries"
        remedy = f"mend its receiver, then 'sop subscriptions resume {one.name}'"
    return Ailment(part, False, found, remedy, "subscription-lagging")


def _late(part: str, late: bool, found: str) -> Ailment:
    remedy = f"no worker is driving: {_START_WORKER}" if late else ""
    return Ailment(part, not late, found, remedy, "backlog")


def _answers(part: str, url: str, remedy: str, code: str) -> tuple[Ailment, datetime | None]:
    """Whether it is well, and what its clock says."""
    shown = without_password(url)
    try:
        answer = httpx.get(url, timeout=5)
    except httpx.HTTPError as error:
        return Ailment(part, False, f"{shown}: {type(error).__name__}", remedy, code), None
    if answer.is_success:
        return Ailment(part, True, f"{shown} answers"), _date(answer)
    found = f"{shown} answers {answer.status_code}: {_detail(answer)}"
    return Ailment(part, False, found, "see its log", _code(answer) or code), None


def _date(answer: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return ""


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
