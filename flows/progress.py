"""How far a rush has come, as a progress artifact of its flow run."""

from __future__ import annotations

from flows import wording
from flows.prefect_api import PrefectApi
from flows.session import Snapshot


class Progress:
    """Of one run; a run of a single case gets none, which saves Prefect's server most of the work."""

    def __init__(self) -> None:
        self._artifact: str | None = None
        self._told = ""

    async def show(self, api: PrefectApi, run: str, *, seen: Snapshot) -> None:
        """Bring the artifact up to date, and attach it at first; call it every second or two."""
        text, percent = wording.progress(seen)
        if seen.count < 2 or text == self._told:
            return
        if self._artifact is None:
            key = f"{seen.sop}-progress"
            self._artifact = await api.attach(run, "progress", key=key, description=text, data=percent)
        else:
            await api.rewrite(self._artifact, description=text, data=percent)
        self._told = text

    async def end(self, api: PrefectApi, *, seen: Snapshot) -> None:
        """The run is over, even if some cases are still in a command: it stands at 100, its text tells."""
        text = wording.progress_at_end(seen)
        if self._artifact is not None and text != self._told:
            await api.rewrite(self._artifact, description=text, data=100.0)
