"""The few calls of Prefect's API with which work done elsewhere becomes flow runs that staff can watch.

A run recorded so costs this process 5-9 ms of CPU, against 100-215 ms through Prefect's flow engine
(3.8.8, measured). Failures surface as `httpx.HTTPError` or `PrefectException`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import PrefectException
from prefect.settings import get_current_settings

from flows.case_page import RunLink
from flows.wording import Badge, LogLine

if TYPE_CHECKING:
    from prefect.client.orchestration.routes import ServerRoutes

#: What a call raises when Prefect is down, slow or refuses.
PREFECT_ERRORS = (httpx.HTTPError, PrefectException, OSError, asyncio.TimeoutError)

#: The pool whose workers run our flows; its type has the same name.
WORK_POOL = "sop"

#: What the data of an artifact are: rows in JSON, text, or a figure from 0 to 100.
ArtifactKind = Literal["table", "markdown", "progress"]

_log = logging.getLogger(__name__)
_SECONDS = 15.0


def deployment_of(flow: str) -> str:
    """The full name of a flow's deployment, as `prefect deployment run` takes it."""
    return f"{flow}/{flow}"


def connect(api_url: str | None = None) -> PrefectClient:
    """A client, to be entered, for this address or else where the settings of this process point.

    Raises ValueError without any: Prefect's own answer would be a second server on SQLite.
    """
    settings = get_current_settings().api
    url = api_url or settings.url
    if url is None:
        raise ValueError("PREFECT_API_URL is not set")
    return PrefectClient(
        url,
        api_key=settings.key.get_secret_value() if settings.key else None,
        auth_string=settings.auth_string.get_secret_value() if settings.auth_string else None,
        httpx_settings={"timeout": _SECONDS},
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs of one flow belong."""

    flow_id: str
    deployment_id: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A line for the log of a run; `source` is the logger that it is shown under."""

    run: str
    source: str
    line: LogLine


class PrefectApi:
    """Records runs through Prefect's API; an async context manager, for one event loop.

    Without `api_url` it goes where the settings of this process point.
    """

    def __init__(self, api_url: str | None = None) -> None:
        self._api_url = api_url
        self._stack = AsyncExitStack()
        self._places: dict[str, Place] = {}
        self._client: PrefectClient

    async def __aenter__(self) -> Self:
        self._client = await self._stack.enter_async_context(connect(self._api_url))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def ping(self) -> None:
        """Raise unless the API answers."""
        await self._call("GET", "/health")

    async def place(self, flow: str) -> Place:
        """The deployment of a flow; raises `ObjectNotFound` until it is registered."""
        if flow not in self._places:
            found = await self._client.read_deployment_by_name(deployment_of(flow))
            self._places[flow] = Place(flow_id=str(found.flow_id), deployment_id=str(found.id))
        return self._places[flow]

    async def create_run(
        self,
        flow: str,
        *,
        name: str,
        tags: Sequence[str],
        state: Badge,
        once: str,
        parameters: Mapping[str, object] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """Create a run of a flow, in a state, executing nothing; the same `once` gives the same run."""
        answer = await self._new_run(
            flow,
            name=name,
            tags=tags,
            state=state,
            once=once,
            parameters=parameters or {},
            labels=labels or {},
        )
        return str(answer.json()["id"])

    async def rename(self, run: str, *, name: str, tags: Sequence[str]) -> None:
        """Give a run another name and tags."""
        await self._call("PATCH", "/flow_runs/{id}", {"name": name, "tags": list(tags)}, id=run)

    async def forget_parameters(self, run: str, *, kept: Mapping[str, object]) -> None:
        """Replace the parameters of a run, so that what was typed into a form does not stay in Prefect."""
        await self._call("PATCH", "/flow_runs/{id}", {"parameters": dict(kept)}, id=run)

    async def is_automatic(self, run: str) -> bool:
        """Whether an automation started the run."""
        by = (await self._call("GET", "/flow_runs/{id}", id=run)).json().get("created_by") or {}
        return bool(by.get("type") == "AUTOMATION")

    async def emit(self, events: Sequence[Mapping[str, object]]) -> None:
        """Send events; one with an id that is known already changes nothing."""
        await self._call("POST", "/events", list(events))

    async def add_log(self, run: str, *, lines: Iterable[LogLine], source: str) -> None:
        """Append lines to the log of a run."""
        await self.add_lines([RunLine(run, source, line) for line in lines])

    async def add_lines(self, lines: Sequence[RunLine]) -> None:
        """Append lines to the logs of several runs at once."""
        logs = [
            {
                "name": each.source,
                "level": each.line.level,
                "message": each.line.text,
                "timestamp": each.line.at.isoformat(),
                "flow_run_id": each.run,
            }
            for each in lines
        ]
        if logs:
            await self._call("POST", "/logs/", logs)

    async def attach(
        self, run: str, kind: ArtifactKind, *, key: str, description: str, data: str | float
    ) -> str:
        """Attach a new version of the artifact of that key; its id.

        ``key`` has lower-case letters, digits and dashes only.
        """
        body = {"key": key, "type": kind, "description": description, "data": data, "flow_run_id": run}
        answer = await self._call("POST", "/artifacts/", body)
        return str(answer.json()["id"])

    async def add_table(
        self, run: str, *, key: str, description: str, rows: Sequence[Mapping[str, str]]
    ) -> None:
        """Attach a table artifact."""
        data = json.dumps([dict(row) for row in rows])
        await self.attach(run, "table", key=key, description=description, data=data)

    async def rewrite(self, artifact: str, *, description: str, data: str | float) -> None:
        """Bring an artifact up to date."""
        body = {"description": description, "data": data}
        await self._call("PATCH", "/artifacts/{id}", body, id=artifact)

    async def latest_markdown(self, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The latest version of the artifacts of these keys: its id and its text."""
        body = {"artifacts": {"key": {"any_": list(keys)}}}
        found = (await self._call("POST", "/artifacts/latest/filter", body)).json()
        return {str(one["key"]): (str(one["latest_id"]), str(one["data"])) for one in found}

    async def forget_versions(self, key: str, *, keep: int, most: int = 20) -> None:
        """Delete what is older than the latest ``keep`` versions of an artifact, ``most`` of them."""
        body = {
            "artifacts": {"key": {"any_": [key]}},
            "sort": "CREATED_DESC",
            "offset": keep,
            "limit": most,
        }
        for one in (await self._call("POST", "/artifacts/filter", body)).json():
            await self._call("DELETE", "/artifacts/{id}", id=str(one["id"]))

    async def runs_tagged(self, tags: Sequence[str], *, limit: int) -> list[RunLink]:
        """The latest runs that have all of these tags."""
        return await self._latest_runs({"all_": list(tags)}, limit=limit)

    async def runs_with_any(self, tags: Sequence[str], *, limit: int) -> list[RunLink]:
        """The latest runs that have one of these tags; ``limit`` is 200 at most."""
        return await self._latest_runs({"any_": list(tags)}, limit=limit)

    async def _latest_runs(self, tagged: Mapping[str, list[str]], *, limit: int) -> list[RunLink]:
        body = {"flow_runs": {"tags": tagged}, "sort": "EXPECTED_START_TIME_DESC", "limit": limit}
        found = (await self._call("POST", "/flow_runs/filter", body)).json()
        return [
            RunLink(
                id=str(run["id"]),
                name=str(run["name"]),
                state=str(run["state_name"] or ""),
                at=datetime.fromisoformat(str(run["created"]).replace("Z", "+00:00")).astimezone(UTC),
                tags=frozenset(run["tags"]),
            )
            for run in found
        ]

    async def set_state(self, run: str, state: Badge) -> None:
        """Move a run to a state, whatever it is in now."""
        body = {"state": _state(state), "force": True}
        await self._call("POST", "/flow_runs/{id}/set_state", body, id=run)

    async def running(self, flows: Sequence[str]) -> dict[str, dict[str, object]]:
        """The runs of these flows that say Running, at most 200, with their labels."""
        body = {
            "flows": {"name": {"any_": list(flows)}},
            "flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}},
            "limit": 200,
        }
        answer = await self._call("POST", "/flow_runs/filter", body)
        return {str(found["id"]): found["labels"] or {} for found in answer.json()}

    async def forget_worker(self, name: str) -> None:
        """Take a worker that is gone off the list of the work pool."""
        route: ServerRoutes = "/work_pools/{work_pool_name}/workers/{name}"
        await self._call("DELETE", route, work_pool_name=WORK_POOL, name=name)

    async def _new_run(
        self,
        flow: str,
        *,
        name: str,
        tags: Sequence[str],
        state: Badge,
        once: str,
        parameters: Mapping[str, object],
        labels: Mapping[str, str],
    ) -> httpx.Response:
        """Prefect's answer is Created, or OK for the run that is there under the same ``once``."""
        place = await self.place(flow)
        body = {
            "name": name,
            "flow_id": place.flow_id,
            "deployment_id": place.deployment_id,
            "work_pool_name": WORK_POOL,
            "parameters": dict(parameters),
            "tags": list(tags),
            "labels": dict(labels),
            "state": _state(state),
            "idempotency_key": once,
        }
        return await self._call("POST", "/flow_runs/", body)

    async def _call(
        self,
        method: Literal["GET", "POST", "PATCH", "DELETE"],
        route: ServerRoutes,
        body: object = None,
        **path: str,
    ) -> httpx.Response:
        answer = await self._client.request(method, route, path_params=path, json=body)
        return answer.raise_for_status()


def refused(error: BaseException) -> bool:
    """Whether Prefect answered that this call cannot work, so that repeating it is of no use."""
    # 409 comes from a stale deployment id, 429 from a limit: both may work on the next connection.
    return (
        isinstance(error, httpx.HTTPStatusError)
        and 400 <= error.response.status_code < 500
        and error.response.status_code not in (401, 403, 408, 409, 429)
    )


async def unless_gone(call: Awaitable[None]) -> None:
    """Staff may have deleted what this call would end: then it needs no end."""
    try:
        await call
    except PREFECT_ERRORS as error:
        if not refused(error):
            raise
        _log.info("it is gone already: %s", error)


def _state(state: Badge) -> dict[str, str]:
    return {"type": state.kind, "name": state.name, "message": state.message}
