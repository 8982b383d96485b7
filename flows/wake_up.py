"""A wake-up on its way to Prefect: sessions of one SOP that become one flow run. While they are open it tells
how far they have come, in the end what they did. Beginning it again finds the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from flows import wording
from flows.prefect_api import PrefectApi
from flows.progress import Progress
from flows.session import Session, Snapshot, merged
from flows.wording import Badge
from flows.work import show_work


@dataclass(slots=True, eq=False)
class WakeUp:
    """`once` makes a repeated recording find the same run. For the recorder's thread."""

    sessions: list[Session]
    once: str = field(default_factory=lambda: f"wake-up-{uuid4()}")
    begun: bool = False  #: a run may stand for it, though its name may not have come back
    name: str = ""
    tags: Sequence[str] = ()
    named_after: int = 0  #: cases known when the run got its name
    progress: Progress = field(default_factory=Progress)

    def closed(self) -> bool:
        return all(session.closed for session in self.sessions)

    def may_join(self, other: WakeUp) -> bool:
        """Whether one run can stand for both: they are of one SOP, and neither can have a run already."""
        return not (self.begun or other.begun) and self.sessions[0].sop == other.sessions[0].sop

    def named(self) -> bool:
        """Whether a case is known after which the run can be named."""
        return self.closed() or self._seen().count > 0

    async def begin(self, api: PrefectApi, *, labels: Mapping[str, str]) -> str:
        """Make its run, or find the one that stands for it already."""
        seen = self._seen()
        name, tags = wording.run_name(seen), wording.run_tags(seen)
        self.begun = True
        running = Badge(kind="RUNNING", name="Running", message="")
        run = await api.create_run(
            seen.sop, name=name, tags=tags, state=running, once=self.once, labels=labels
        )
        if not self.name:
            self.name, self.tags, self.named_after = name, tags, seen.count
        return run

    async def show_progress(self, api: PrefectApi, run: str) -> None:
        """Call it every second or two."""
        seen = self._seen()
        await self.progress.show(api, run, seen=seen)
        # A name for every case that comes would cost Prefect more than it tells.
        if seen.count >= 2 * self.named_after:
            await self._rename(api, run, seen=seen)

    async def end(self, api: PrefectApi, run: str) -> Snapshot:
        """Let the run show what was done, and end it."""
        seen = self._seen()
        await self._rename(api, run, seen=seen)
        await self.progress.end(api, seen=seen)
        await show_work(api, run, seen=seen)
        await api.set_state(run, wording.badge(seen))
        return seen

    async def _rename(self, api: PrefectApi, run: str, *, seen: Snapshot) -> None:
        name, tags = wording.run_name(seen), wording.run_tags(seen)
        if (name, tags) != (self.name, self.tags):
            await api.rename(run, name=name, tags=tags)
            self.name, self.tags, self.named_after = name, tags, seen.count

    def _seen(self) -> Snapshot:
        return merged(session.snapshot() for session in self.sessions)
