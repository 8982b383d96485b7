"""Which commands their provider does not answer: noticed from how tries end, kept in the store for all
workers and for the next one, probed there, and resumed from there.

Failures are counted by each worker for itself (``flows.tally``), the outage that follows is everybody's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic

from adapters.errors import Unavailable
from adapters.store.outage import Outage, OutageStore, Phase, Release
from adapters.store.records import Step, StepStatus
from flows import breaker
from flows.breaker import Caution
from flows.performing import Errand, Result, Way
from flows.tally import Streak, Tally, Trial
from flows.wording import plain_error

log = logging.getLogger("sop.outages")

_SELDOM = 30.0  #: seconds between two looks for steps that an outage has left parked or waiting unnoticed
_ROW = 3  #: steps parked again one after the other, for another reason, that halt a resuming


class Outages:
    """``heard`` and ``holds`` from any thread, the rest is the drive loop's; ``told`` hears of every change.
    Without ``caution`` it notices nothing."""

    def __init__(
        self,
        store: OutageStore,
        *,
        caution: Caution | None,
        clock: Callable[[], datetime],
        look: float,
        told: Callable[[Outage, bool], None],
    ) -> None:
        self._store = store
        self._caution = caution
        self._clock = clock
        self._look = look
        self._told = told
        self.known: Mapping[str, Outage] = {}
        self._tally = Tally(failures=caution.failures if caution else 0, clock=clock)
        self._rows: dict[str, int] = {}
        self._looked = self._searched = float("-inf")
        self._pause = look

    def holds(self, errand: Errand) -> bool:
        """Whether the errand is not to be sent after all."""
        return errand.trial is None and self._tally.is_shut(errand.command.name)

    def heard(self, result: Result) -> None:
        """One try ended."""
        if result.failure is None and not self.known and self._tally.is_calm:
            return  # thousands of times a second, while all is well
        if self._caution is not None and result.way in (Way.PERFORMED, Way.FOUND):
            self._tally.add(result)

    def trial(self, step: Step) -> int | None:
        """The number under which a step goes out that somebody has put back to work, staff or ourselves:
        it is sent although its command is out."""
        if not self.known or step.status is not StepStatus.PENDING or step.code is None:
            return None
        outage = self.known.get(step.command)
        return outage.tries if outage else None

    def waits(self, step: Step, *, under_way: int) -> Outage | None:
        """The outage for whose end the step is to wait, with so many commands of its adapter under way."""
        outage = self.known.get(step.command) if self.known else None
        if outage is None or outage.phase is Phase.LEFT or self.trial(step) is not None:
            return None
        return None if under_way < breaker.allowance(outage) else outage

    def tend(self) -> None:
        """Take note of what was heard, send probes, go on resuming. Costs nothing while all is well."""
        caution, at = self._caution, monotonic()
        if caution is None or (at - self._looked < self._pause and not self._tally.tripped):
            return
        now = self._clock()
        self.known = {outage.command: outage for outage in self._store.known()}
        for command, streak in self._tally.tripped.items():
            self._open(command, streak, now=now, caution=caution)
        for outage in list(self.known.values()):
            self._tend(outage, now=now, caution=caution)
        if at - self._searched >= _SELDOM:
            self._search(now=now, caution=caution)
            more = self._store.release_forgotten(now=now, most=breaker.FULL) == breaker.FULL
            self._searched = float("-inf") if more else at
        self._tally.settle(self.known)
        resuming = {command for command, outage in self.known.items() if outage.phase is Phase.RESUMING}
        self._rows = {command: row for command, row in self._rows.items() if command in resuming}
        busy = any(outage.phase is not Phase.LEFT for outage in self.known.values())
        self._looked, self._pause = at, caution.turn / 2 if busy else self._look

    def _open(self, command: str, streak: Streak, *, now: datetime, caution: Caution) -> None:
        before = self.known.get(command)
        if before is None or before.phase is not Phase.OUT:
            tries = before.tries + 1 if before and before.phase is Phase.RESUMING else 0
            due = now + caution.wait(tries, asked=streak.asked)
            out = breaker.opened(
                command, since=streak.since, error=streak.error, now=now, due=due, before=before
            )
            self._change(command, out, now=now)
        self._tally.note_out(command)

    def _tend(self, outage: Outage, *, now: datetime, caution: Caution) -> None:
        trials, noted = self._tally.trials(outage.command), True
        if outage.phase is Phase.OUT:
            noted = self._probe(outage, trials, now=now, caution=caution)
        elif outage.phase is Phase.RESUMING:
            self._resume(outage, trials, now=now, caution=caution)
        # Not before the store has it: it may be away, or another worker first.
        if noted and trials:
            self._tally.note_trials(outage.command, len(trials))

    def _probe(self, outage: Outage, trials: list[Trial], *, now: datetime, caution: Caution) -> bool:
        """False if another worker changed it first, and what was tried is to be looked at once more."""
        # Those of an earlier try say nothing of now.
        ours = [trial for trial in trials if trial.number == outage.tries]
        failures = [trial.failure for trial in ours if isinstance(trial.failure, Unavailable)]
        if any(trial.is_answered for trial in ours):
            return self._change(outage.command, breaker.answered(outage, now=now), now=now) is not None
        if failures:
            wait = caution.wait(outage.tries + 1, asked=max(failure.after for failure in failures))
            after = breaker.failed(outage, error=str(failures[-1]), now=now, wait=wait)
            return self._change(outage.command, after, now=now) is not None
        if now >= outage.due:
            release = self._release(outage, 1, now=now, caution=caution, why="a probe: does it answer again?")
            sent = self._change(
                outage.command,
                breaker.probed(outage, now=now, wait=caution.wait(outage.tries)),
                now=now,
                release=release,
                quiet=True,
            )
            if sent == []:
                # Whoever comes next finds out; nobody waits.
                self._change(outage.command, None, now=now)
        return True

    def _resume(self, outage: Outage, trials: list[Trial], *, now: datetime, caution: Caution) -> None:
        self._count(outage.command, trials)
        if self._rows.get(outage.command, 0) >= _ROW and not outage.halted:
            why = f"{_ROW} of them were parked again one after the other"
            self._change(outage.command, breaker.halted(outage, why=why), now=now)
            return
        if not breaker.may_turn(outage, heard=self._tally.is_answered(outage.command), now=now):
            return
        self._tally.await_answer(outage.command)
        most = breaker.allowance(outage)
        release = self._release(outage, most, now=now, caution=caution, why="it answers again")
        sent = self._change(
            outage.command,
            breaker.turned(outage, now=now, pause=timedelta(seconds=caution.turn)),
            now=now,
            release=release,
            quiet=True,
        )
        if sent == []:
            end = breaker.over(outage, stays=self._stranded(outage, now=now, caution=caution), now=now)
            self._change(outage.command, end, now=now)

    def _count(self, command: str, trials: list[Trial]) -> None:
        """Steps in a row that were put back to work and failed for good."""
        for trial in trials:
            if trial.failure is None:
                self._rows[command] = 0
            elif not trial.failure.retryable:
                self._rows[command] = self._rows.get(command, 0) + 1

    def _stranded(self, outage: Outage, *, now: datetime, caution: Caution) -> str:
        """Why steps stay parked, if any do and somebody could take them for those of a new outage."""
        if caution.is_by_hand(outage.command):
            return ""
        count, _ = self._store.stranded(since=now - caution.within).get(outage.command, (0, now))
        again = f"{count} of them were parked again"
        return (caution.stays(outage, now=now) or again) if count >= caution.failures else ""

    def _search(self, *, now: datetime, caution: Caution) -> None:
        """Steps that were parked as unavailable before anybody noticed an outage: it is one all the same."""
        stranded = self._store.stranded(since=now - caution.within)
        for command, (count, since) in stranded.items():
            many = count >= caution.failures and not caution.is_by_hand(command)
            if many and command not in self.known:
                error = f"{count} steps are parked"
                self._change(
                    command, breaker.opened(command, since=since, error=error, now=now, due=now), now=now
                )
        for command, outage in list(self.known.items()):
            few = stranded.get(command, (0, now))[0] < caution.failures
            if outage.phase is Phase.LEFT and few:
                self._change(command, None, now=now)

    @staticmethod
    def _release(outage: Outage, most: int, *, now: datetime, caution: Caution, why: str) -> Release:
        stays = caution.stays(outage, now=now)
        since = None if stays else now - caution.within
        reason = f"{outage.command} was out since {outage.since:%Y-%m-%d %H:%M} UTC; {why}"
        return Release(most, since, reason)

    def _change(
        self,
        command: str,
        after: Outage | None,
        *,
        now: datetime,
        release: Release | None = None,
        quiet: bool = False,
    ) -> list[str] | None:
        """What was released; None if another worker was first. ``known`` is as the store has it then."""
        before = self.known.get(command)
        released = self._store.change(before, after, now=now, release=release)
        fresh = {outage.command: outage for outage in self._store.known()}
        self.known = fresh
        if released is not None and not quiet:
            self._say(before, after)
        return released

    def _say(self, before: Outage | None, after: Outage | None) -> None:
        outage = after or before
        if outage is None:
            return
        if after is None or after.phase is Phase.LEFT:
            stays = f"; what is parked stays so: {outage.halted}" if outage.halted else ""
            log.warning("nothing waits for %s any more%s", outage.command, stays)
        elif after.phase is Phase.RESUMING:
            log.warning("%s answers again; what waits for it is resumed", outage.command)
        else:
            error = plain_error(outage.error, command=outage.command)
            log.warning("%s is out (%s); next probe %s", outage.command, error, f"{outage.due:%H:%M:%S}")
        self._told(outage, after is None or after.phase is Phase.LEFT)
