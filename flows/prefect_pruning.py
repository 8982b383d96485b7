"""Old flow runs and artifacts of ours go from Prefect, through its API, some dozens a call.

Only runs that have ended go, and none that stands for a parked step: the store is asked. Steps that it does
not know have gone with their case if the run is labelled as ours; other such runs stay. A question that waits
has not ended. Prefect removes the logs of a run with it; its artifacts go here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from adapters.store.base import Store
from flows.housekeeping import Retention
from flows.owner import Owner
from flows.parked_runs import STEP_FLOW
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused
from flows.watching import UNSETTLED
from flows.wording import REPORT

if TYPE_CHECKING:
    from prefect.client.orchestration.routes import ServerRoutes

_ENDED = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")
_RUNS = 50  #: what Prefect deletes in one call (3.8.8)
_ARTIFACTS = 200  #: what Prefect lists in one call
_PAUSE_SECONDS = 0.05
#: The keys of artifacts each of which says something of its own: a newer one replaces none before it.
_LASTING = frozenset({REPORT})
#: In one sweep; a first one on an old server may have to leave some to the next.
_MOST_RUNS = 20_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went, or in a dry run would go; ``parked`` runs are old and stay."""

    runs: int
    artifacts: int
    parked: int


@dataclass(frozen=True, slots=True)
class EndedRun:
    """``parked``: whether parked steps may need it."""

    id: str
    parked: bool
    owner: Owner


class PruningApi(PrefectApi):
    """`PrefectApi` with what pruning needs beyond it."""

    async def ended(self, flows: Sequence[str], *, before: datetime, offset: int) -> list[EndedRun]:
        """The oldest runs of these flows that ended before."""
        step = (await self.place(STEP_FLOW)).flow_id
        body = {
            "flows": {"name": {"any_": list(flows)}},
            "flow_runs": _ended(before),
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": _RUNS,
            "offset": offset,
        }
        found = (await self._call("POST", "/flow_runs/filter", body)).json()
        return [
            EndedRun(
                str(run["id"]),
                parked=str(run["flow_id"]) == step and run["state_type"] == "FAILED",
                owner=Owner.of(run["labels"] or {}),
            )
            for run in found
        ]

    async def delete_runs(self, runs: Sequence[str], *, before: datetime) -> int:
        """Those of them that have ended still; one that was tried again meanwhile stays."""
        body = {"flow_runs": {"id": {"any_": list(runs)}, **_ended(before)}, "limit": _RUNS}
        # The client's own list of routes lacks it (3.8.8).
        route = cast("ServerRoutes", "/flow_runs/bulk_delete")
        return len((await self._call("POST", route, body)).json()["deleted"])

    async def artifacts_of(self, runs: Sequence[str]) -> list[str]:
        body = {"flow_runs": {"id": {"any_": list(runs)}}, "limit": _ARTIFACTS}
        return [str(one["id"]) for one in (await self._call("POST", "/artifacts/filter", body)).json()]

    async def versions(self, flows: Sequence[str], *, before: datetime, offset: int) -> list[tuple[str, str]]:
        """(id, key) of artifacts of runs of these flows that ended before, in a fixed order."""
        body = {
            "flows": {"name": {"any_": list(flows)}},
            "flow_runs": _ended(before),
            "artifacts": {"key": {"exists_": True}},
            "sort": "ID_DESC",
            "limit": _ARTIFACTS,
            "offset": offset,
        }
        found = (await self._call("POST", "/artifacts/filter", body)).json()
        return [(str(one["id"]), str(one["key"])) for one in found]

    async def latest(self, keys: Collection[str]) -> set[str]:
        """The ids of the latest artifacts of these keys, at most 200."""
        body = {"artifacts": {"key": {"any_": list(keys)}}, "limit": _ARTIFACTS}
        found = (await self._call("POST", "/artifacts/latest/filter", body)).json()
        return {str(one["latest_id"]) for one in found}

    async def delete_artifact(self, artifact: str) -> None:
        """Raises ``httpx.HTTPStatusError`` with 404 if it is gone."""
        await self._call("DELETE", "/artifacts/{id}", id=artifact)


class PrefectPruning:
    """For runs of ``flows``; those of this ``installation`` say so. Raises what the API raises, and
    ``StoreUnavailable``."""

    def __init__(
        self,
        api: PruningApi,
        store: Store,
        *,
        flows: Sequence[str],
        installation: str,
        retention: Retention,
    ) -> None:
        self._api = api
        self._store = store
        self._flows = flows
        self._installation = installation
        self._retention = retention

    async def sweep(self, *, now: datetime, dry_run: bool, ending: threading.Event) -> Pruned:
        """Let old artifacts go that a newer one has replaced, then old runs with what artifacts they have,
        until ``ending`` is set."""
        replaced = await self._sweep_versions(now - self._retention.versions, ending, dry_run=dry_run)
        pruned = await self._sweep_runs(now - self._retention.runs, ending, dry_run=dry_run)
        return Pruned(pruned.runs, pruned.artifacts + replaced, pruned.parked)

    async def _sweep_versions(self, before: datetime, ending: threading.Event, *, dry_run: bool) -> int:
        gone = offset = 0
        while not ending.is_set():
            page = await self._api.versions(self._flows, before=before, offset=offset)
            if not page:
                break
            latest = await self._api.latest({key for _, key in page})
            old = [artifact for artifact, key in page if artifact not in latest and key not in _LASTING]
            gone += len(old)
            offset += len(page) if dry_run else len(page) - len(old)
            if not dry_run:
                await self._delete_artifacts(old)
        return gone

    async def _sweep_runs(self, before: datetime, ending: threading.Event, *, dry_run: bool) -> Pruned:
        runs = artifacts = parked = offset = 0
        while runs < _MOST_RUNS and not ending.is_set():
            page = await self._api.ended(self._flows, before=before, offset=offset)
            if not page:
                break
            kept = [run for run in page if run.parked and await asyncio.to_thread(self._stands, run)]
            parked += len(kept)
            old = [run.id for run in page if run not in kept]
            if dry_run:
                runs, offset = runs + len(old), offset + len(page)
                continue
            while theirs := await self._api.artifacts_of(old) if old else []:
                artifacts += len(theirs)
                await self._delete_artifacts(theirs)
            deleted = await self._api.delete_runs(old, before=before) if old else 0
            runs, offset = runs + deleted, offset + len(page) - deleted
            await asyncio.sleep(_PAUSE_SECONDS)
        return Pruned(runs, artifacts, parked)

    def _stands(self, run: EndedRun) -> bool:
        """Whether a run stands for a step that is not done, or may: another installation may know it."""
        if self._store.steps(run=run.id, limit=1):
            return bool(self._store.steps(run=run.id, status=UNSETTLED, limit=1))
        return run.owner.installation != self._installation

    async def _delete_artifacts(self, artifacts: Sequence[str]) -> None:
        for artifact in artifacts:
            try:
                await self._api.delete_artifact(artifact)
            except PREFECT_ERRORS as error:
                # Another sweep was quicker.
                if not refused(error):
                    raise


def _ended(before: datetime) -> dict[str, object]:
    return {"state": {"type": {"any_": list(_ENDED)}}, "end_time": {"before_": before.isoformat()}}
