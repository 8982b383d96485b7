"""A warehouse that takes commands: some it answers now, a submission later by event, and nothing twice.

WAREHOUSE_SECRET=whsec_... uvicorn examples.warehouse:app --port 9000
"""

from __future__ import annotations

import os
from typing import Any

import httpx
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from standardwebhooks import Webhook, WebhookVerificationError

MOST = 8  #: pieces that fit into one parcel

app = FastAPI(title="Warehouse")
taken: dict[str, dict[str, Any] | None] = {}  #: key -> answer, None until it is known; a real one stores this


@app.post("/commands")
async def take(request: Request, later: BackgroundTasks) -> Response:
    """Do what a command asks, once per idempotency key."""
    try:
        command = Webhook(os.environ["WAREHOUSE_SECRET"]).verify(await request.body(), dict(request.headers))
    except WebhookVerificationError:
        return _problem(401, "wrong signature", "sign with the secret that we share")
    key, asked = request.headers["idempotency-key"], command["arguments"]
    if key not in taken:
        pieces = sum(item["quantity"] for item in asked.get("items", ()))
        if pieces > MOST:
            return _problem(422, "too many pieces", f"{pieces} pieces do not fit into one parcel")
        taken[key] = _answer(command["command"], asked)
        if taken[key] is None:
            later.add_task(_plan, command)
    answer = taken[key]
    return Response(status_code=202) if answer is None else JSONResponse(answer)


def _answer(name: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What can be said at once; whether the goods can be found is known only after a look."""
    if name == "warehouse.submit":
        return None
    if name == "warehouse.report":
        return {"type": "warehouse.reported", "data": {"ready": []}}
    if name == "warehouse.cancel":
        return {"type": "warehouse.cancellation_accepted", "data": {"parcels": asked["parcels"]}}
    done = {
        "warehouse.chase": "warehouse.chased",
        "warehouse.pack": "warehouse.replacement_noted",
        "warehouse.book_in": "warehouse.booked_in",
    }
    return {"type": done[name], "data": {}}


def _plan(command: dict[str, Any]) -> None:
    """Everything goes into one parcel: the outcome of the step, as an event that names it."""
    answer = {
        "type": "warehouse.accepted",
        "data": {"parcels": [{"items": command["arguments"]["items"]}]},
    }
    event = {
        "specversion": "1.0",
        "id": f"{command['key']}-planned",
        "source": "warehouse",
        "subject": command["case"],
        "step": command["key"],
        **answer,
    }
    events = os.environ.get("SOP_EVENTS", "http://127.0.0.1:8080/events")
    headers = {"content-type": "application/cloudevents+json"}
    httpx.post(events, json=event, headers=headers).raise_for_status()
    taken[command["key"]] = answer


def _problem(status: int, title: str, detail: str) -> Response:
    problem = {"title": title, "status": status, "detail": detail}
    return JSONResponse(problem, status, media_type="application/problem+json")
