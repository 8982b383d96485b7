"""The calls of Prefect's API behind a question: a Suspended run whose Resume button shows a form.

What `suspend_flow_run` does inside a run, done from outside: the schema is an input of the run, the state
names where it lies, and the server checks what is filled in against it (3.8.8).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Any

import httpx

from flows.prefect_api import PrefectApi
from flows.wording import Badge

#: The flow of which each run is a question.
ASK_FLOW = "ask"

_UNFINISHED = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED")
_PAGE = 200
_LOST = timedelta(seconds=45)  #: a run that is taken an answer from for longer has lost its worker
#: Inputs of a run. What is neither a blank form nor its description may hold what somebody typed: an answer,
#: or the form in which a refused one stands.
_BLANK, _FILLED, _DESCRIPTION, _ANSWER = "form-blank", "form-schema", "form-description", "form-answer-"
_HOUSE = "sop.questions-of"
_SHOWS = "sop.shows"


@dataclass(frozen=True, slots=True)
class AskRun:
    """A run of the flow, in one kind of state since a moment; `house` is the installation that made it, `new`
    that this was just now, `shows` what a group's table was last written of."""

    id: str
    name: str
    question: str
    kind: str
    since: datetime
    tags: frozenset[str]
    house: str
    new: bool = False
    shows: str = ""

    @property
    def paused(self) -> bool:
        return self.kind == "PAUSED"

    @property
    def finished(self) -> bool:
        return self.kind not in _UNFINISHED

    @property
    def patience(self) -> float:
        """Seconds in which its worker may still see to it; 0 or less once that one must be lost."""
        return (self.since + _LOST - datetime.now(UTC)).total_seconds()


@dataclass(frozen=True, slots=True)
class Said:
    """What was filled in; `id` names this very filling in, `key` the input that holds it."""

    id: str
    key: str
    values: Mapping[str, object]


class AskApi(PrefectApi):
    """`PrefectApi` with what questions need beyond it."""

    async def prepare(
        self, question: str, *, once: str, name: str, tags: Sequence[str], house: str
    ) -> AskRun:
        """The run of a question, made if there is none; a new one is Pending until it is suspended."""
        answer = await self._new_run(
            ASK_FLOW,
            name=name,
            tags=tags,
            state=Badge(kind="PENDING", name="Pending", message="the question is being put"),
            once=once,
            parameters={"question": question},
            labels={_HOUSE: house},
        )
        return _run(answer.json(), new=answer.status_code == httpx.codes.CREATED)

    async def suspend(
        self,
        run: str,
        *,
        schema: Mapping[str, object],
        description: str,
        message: str,
        filled: bool = False,
        taken: Said | None = None,
        new: bool = False,
    ) -> None:
        """Let a run wait for its form, whatever it is in now; without time limit, which the store keeps. In a
        `filled` form stands what somebody typed. An answer given up to now, other than the one `taken`, is
        taken next; a `new` run has none."""
        form = _FILLED if filled else _BLANK
        await self._put(run, form, json.dumps(dict(schema)))
        await self._put(run, _DESCRIPTION, json.dumps(description))
        # A new place for each time, so that an answer is told from the one before.
        answer = f"{_ANSWER}{time_ns():x}"
        details = {
            "pause_reschedule": True,
            "pause_key": answer,
            "run_input_keyset": {"schema": form, "description": _DESCRIPTION, "response": answer},
        }
        state = {"type": "PAUSED", "name": "Suspended", "message": message, "state_details": details}
        await self._call("POST", "/flow_runs/{id}/set_state", {"state": state, "force": True}, id=run)
        if new:
            return
        earlier = await self._typed(run, but=(form, answer))
        done = [key for key in earlier if key == _FILLED or (taken and key == taken.key)]
        await self._delete(run, done)
        if len(done) < len(earlier):
            await self.resume(run, why="it was answered as it was put once more")

    async def note_shown(self, run: str, shows: str) -> None:
        """Note what the table of a run is of."""
        await self._call("PATCH", "/flow_runs/{id}/labels", {_SHOWS: shows}, id=run)

    async def describe(self, run: str, description: str) -> None:
        """Say something else above the form of a run."""
        await self._put(run, _DESCRIPTION, json.dumps(description))

    async def resume(self, run: str, *, why: str = "its worker was gone") -> None:
        """Have the answer that a run holds taken once more."""
        state = {"type": "SCHEDULED", "name": "Resuming", "message": why}
        await self._call("POST", "/flow_runs/{id}/set_state", {"state": state, "force": True}, id=run)

    async def answer(self, run: str) -> Said | None:
        """What was filled in and not taken yet."""
        found = await self._inputs(run, prefix=_ANSWER)
        if not found:
            return None
        key, values = str(found[-1]["key"]), json.loads(str(found[-1]["value"]))
        return Said(id=f"{run}/{key}", key=key, values=values if isinstance(values, dict) else {})

    async def forget_form(self, run: str) -> None:
        """Prefect need not keep what the journal keeps: answers, and a form in which one stands."""
        await self._delete(run, await self._typed(run))

    async def retag(self, run: str, tags: Iterable[str]) -> None:
        await self._call("PATCH", "/flow_runs/{id}", {"tags": sorted(tags)}, id=run)

    async def unfinished(self, *, house: str, tags: Sequence[str] = ()) -> list[AskRun]:
        """All runs of this installation that have not ended, or those with one of these tags."""
        of_state: dict[str, object] = {"state": {"type": {"any_": list(_UNFINISHED)}}}
        body = {
            "flows": {"name": {"any_": [ASK_FLOW]}},
            "flow_runs": of_state | ({"tags": {"any_": list(tags)}} if tags else {}),
            "sort": "ID_DESC",
            "limit": _PAGE,
        }
        runs: list[AskRun] = []
        while True:
            page = (await self._call("POST", "/flow_runs/filter", body | {"offset": len(runs)})).json()
            runs += [_run(found) for found in page]
            if len(page) < _PAGE:
                return [run for run in runs if run.house == house]

    async def find(self, run: str) -> AskRun:
        return _run((await self._call("GET", "/flow_runs/{id}", id=run)).json())

    async def _typed(self, run: str, *, but: Sequence[str] = ()) -> list[str]:
        """The keys of what may hold what somebody typed."""
        found = await self._inputs(run, prefix="form-", but=(_BLANK, _DESCRIPTION, *but))
        return [str(each["key"]) for each in found]

    async def _delete(self, run: str, keys: Sequence[str]) -> None:
        for key in keys:
            await self._call("DELETE", "/flow_runs/{id}/input/{key}", id=run, key=key)

    async def _inputs(self, run: str, *, prefix: str, but: Sequence[str] = ()) -> list[dict[str, Any]]:
        body = {"prefix": prefix, "exclude_keys": list(but), "limit": 10}
        answer = await self._call("POST", "/flow_runs/{id}/input/filter", body, id=run)
        found: list[dict[str, Any]] = answer.json()
        return found

    async def _put(self, run: str, key: str, value: str) -> None:
        """Write an input, in place of the one that is there."""
        body = {"key": key, "value": value}
        try:
            await self._call("POST", "/flow_runs/{id}/input", body, id=run)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.CONFLICT:
                raise
            await self._call("DELETE", "/flow_runs/{id}/input/{key}", id=run, key=key)
            await self._call("POST", "/flow_runs/{id}/input", body, id=run)


def _run(found: Mapping[str, Any], *, new: bool = False) -> AskRun:
    state = found["state"] or {}
    since = state.get("timestamp") or found["created"]
    return AskRun(
        id=str(found["id"]),
        name=str(found["name"]),
        question=str((found["parameters"] or {}).get("question", "")),
        kind=str(found["state_type"]),
        since=datetime.fromisoformat(str(since).replace("Z", "+00:00")).astimezone(UTC),
        tags=frozenset(found["tags"]),
        house=str((found["labels"] or {}).get(_HOUSE, "")),
        new=new,
        shows=str((found["labels"] or {}).get(_SHOWS, "")),
    )
