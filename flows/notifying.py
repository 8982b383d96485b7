"""Tells staff what needs them: in plain words, each thing once, many of a kind as one message.

What is critical, parked steps and the lack of a worker, is looked up in the store, so that no event need come
through; breached clocks and escalations are told as events of Prefect bring them. Of several processes that
see the same one tells it. Keys only: nothing personal is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.notices.posting import NotDelivered, Notice, Post
from adapters.runbook.pages import address, link
from adapters.store.base import Store
from adapters.store.notices import notice_of
from adapters.store.records import Backlog, Step
from flows.broken import Broken, broken
from machines.attention import BREACHED, ESCALATED
from machines.stake import sums

#: Others keep still so long after one process has taken it upon itself to tell something; if it dies, or
#: nobody is reached, the next one tries.
TRYING = timedelta(minutes=2)
AGAIN = timedelta(hours=1)  #: between two words about workers that are still missing
#: A step that has been parked for so long without anybody being told: the event that should have had it told
#: was lost.
PATIENCE = timedelta(seconds=60)
_REPEATED = timedelta(days=30)  #: no event comes a second time later than that
_MOST_STEPS = 5_000  #: of one cause in one message; more are told in the next one
_MOST_CAUSES = 10
_MOST_KEYS = 10
_NO_WORKER = "no-worker"
_TOLD: Mapping[str, tuple[str, str]] = {
    BREACHED: ("a clock is breached", "A clock has used up its time; 'sop explain' says which and why."),
    ESCALATED: ("escalated", "Somebody was alerted, and nobody has taken it on yet."),
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """Where messages lead: Prefect's UI and our web process, without a slash at the end."""

    prefect: str
    web: str


class Notifying:
    """``quiet`` passes between two messages about parked steps of one cause; a worker is missing after
    ``silence`` without a heartbeat. Methods may be called from any thread, and say how many messages went
    out; they raise ``NotDelivered`` and ``StoreUnavailable``."""

    def __init__(
        self,
        store: Store,
        post: Post,
        *,
        places: Places,
        quiet: timedelta,
        silence: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._post = post
        self._places = places
        self._quiet = quiet
        self._silence = silence
        self._clock = clock

    def parked(self, *, patience: timedelta = timedelta()) -> int:
        """Tell of parked steps that nobody was told of since they failed last, ``patience`` ago or longer."""
        now = self._clock()
        ours: dict[str, list[Step]] = {}
        for cause, since in self._store.notices.untold_causes().items():
            key = f"parked {cause.sop} {cause.command} {cause.code}"
            if since > now - patience or not self._store.notices.claim(key, now=now, until=now + TRYING):
                continue
            # Another process may have told them since we looked.
            if found := self._store.notices.untold(cause, limit=_MOST_STEPS):
                ours[key] = found
        if not ours:
            return 0
        self._tell(_parked_notice(list(ours.values()), self._places))
        notices = dict.fromkeys(ours, now + self._quiet)
        notices |= {notice_of(step): now for found in ours.values() for step in found}
        self._store.notices.note(notices)
        return 1

    def no_worker(self) -> int:
        """Tell when no worker has beaten for too long, once an hour while it lasts, and when one is back."""
        now = self._store.time() or self._clock()
        beats = [beat for _, beat in self._store.workers()]
        if any(now - beat <= self._silence for beat in beats):
            if not (self._store.notices.noted([_NO_WORKER]) and self._store.notices.forget(_NO_WORKER)):
                return 0
            self._tell(Notice("oncall", "sop: a worker is back", "A worker drives the cases again."))
            return 1
        backlog = self._store.backlog(now - self._silence)
        # Workers that were stopped in good order leave no heartbeat behind: fine, as long as nothing waits.
        if not beats and not _waiting(backlog):
            return 0
        if not self._store.notices.claim(_NO_WORKER, now=now, until=now + TRYING):
            return 0
        self._tell(_no_worker_notice(backlog, max(beats, default=None), places=self._places))
        self._store.notices.note({_NO_WORKER: now + AGAIN})
        return 1

    def moved(self, what: str, *, sop: str, cases: Sequence[str], count: int, event: str) -> int:
        """Tell what an event says: ``count`` cases of ``sop``, these among them, are ``what`` now. The same
        event is told once."""
        now, key = self._clock(), f"event {event}"
        if not self._store.notices.claim(key, now=now, until=now + TRYING):
            return 0
        try:
            self._tell(_moved_notice(what, sop, cases, count=count, places=self._places))
        except NotDelivered:
            # Whoever presses Retry on the flow run need not wait.
            self._store.notices.forget(key)
            raise
        self._store.notices.note({key: now + _REPEATED})
        return 1

    def again(self) -> None:
        """Tell receivers what they did not get when others did."""
        self._post.again()

    def _tell(self, notice: Notice) -> None:
        for fault in self._post(notice):
            _log.warning("%s did not get %r; others did, it is tried again", fault, notice.title)


def _parked_notice(causes: Sequence[Sequence[Step]], places: Places) -> Notice:
    found = sorted(([broken(step) for step in steps] for steps in causes), key=len, reverse=True)
    every = [one for seen in found for one in seen]
    title = f"sop: {every[0].key}: {every[0].command} is parked"
    if len(every) > 1:
        title = f"sop: {len(every)} parked steps" + (f" of {len(found)} causes" if len(found) > 1 else "")
    lines = [line for seen in found[:_MOST_CAUSES] for line in _cause(seen, places)]
    if len(found) > _MOST_CAUSES:
        lines.append(f"and {sum(map(len, found[_MOST_CAUSES:]))} steps of other causes")
    lines += [
        "They wait until somebody mends the cause and tries them again; the customers wait with them.",
        f"Failed runs, each with Retry: {places.prefect}/runs?tag=attention:parked",
        "All that is broken: sop steps --failed",
    ]
    return Notice("oncall", title, "\n".join(lines))


def _cause(seen: Sequence[Broken], places: Places) -> list[str]:
    first = seen[0]
    money = " and ".join(map(str, sums(one.stake for one in seen)))
    lines = [
        f"{first.sop}: {first.command}, {_keys([one.key for one in seen], len(seen))}",
        f"  {first.error} [{first.code or 'command-failed'}]" + (f"; {money} at stake" if money else ""),
    ]
    if link(first.code):
        lines.append(f"  What to do: {places.web}{address(first.code)}")
    return lines


def _keys(cases: Sequence[str], count: int) -> str:
    shown = sorted(cases)[:_MOST_KEYS]
    return ", ".join(shown) + (f" and {count - len(shown)} more" if count > len(shown) else "")


def _waiting(backlog: Backlog) -> int:
    return backlog.overdue_timers + backlog.overdue_steps + backlog.new


def _no_worker_notice(backlog: Backlog, latest: datetime | None, *, places: Places) -> Notice:
    since = f"since {latest:%Y-%m-%d %H:%M:%S} UTC" if latest else "at all"
    body = "\n".join(
        (
            f"No worker has been seen {since}. No case moves: {backlog.new} events, "
            f"{backlog.overdue_timers} deadlines and {backlog.overdue_steps} steps wait. Nothing is lost.",
            "Start one with 'sop worker'; 'sop doctor' says what else is wrong.",
            f"What to do: {places.web}{address('no-worker')}",
        )
    )
    return Notice("oncall", "sop: no worker drives the cases", body)


def _moved_notice(what: str, sop: str, cases: Sequence[str], *, count: int, places: Places) -> Notice:
    short, said = _TOLD[what]
    one = count == 1 and bool(cases)
    where = f"/runs?tag=case:{cases[0]}" if one else f"/runs?tag=attention:{what}"
    body = "\n".join(
        (
            f"{sop}: {_keys(cases, count)}",
            said,
            f"Runs: {places.prefect}{where}",
            f"The case: sop show {cases[0]}" if one else f"Each case: sop show KEY; all: sop cases {sop}",
        )
    )
    return Notice("operations", f"sop: {f'{sop} {cases[0]}' if one else f'{count} x {sop}'}: {short}", body)
