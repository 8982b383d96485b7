"""Deployments are made known at every start, and what staff made of them stays."""

from __future__ import annotations

import asyncio
from typing import cast

import httpx

from deployments.registration import register
from tests.conftest_prefect import Json, Prefect


def change(prefect: Prefect, method: str, path: str, body: object) -> None:
    url = f"{prefect.server.api_url}{path}"
    httpx.request(method, url, json=body, timeout=20, trust_env=False).raise_for_status()


def schedules(prefect: Prefect, name: str) -> list[Json]:
    return cast("list[Json]", prefect.deployment(f"{name}/{name}")["schedules"])


def test_dashboards_are_written_every_five_minutes_one_run_at_a_time(prefect: Prefect) -> None:
    asyncio.run(register())
    (every,) = schedules(prefect, "dashboard")
    assert every["active"]
    assert every["schedule"]["interval"] == 300
    found = prefect.deployment("dashboard/dashboard")
    assert found["global_concurrency_limit"]["limit"] == 1
    assert found["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"


def test_schedules_that_staff_changed_stay(prefect: Prefect) -> None:
    asyncio.run(register())
    (every,) = schedules(prefect, "dashboard")
    place = prefect.deployment("dashboard/dashboard")["id"]
    one = f"/deployments/{place}/schedules/{every['id']}"
    change(prefect, "PATCH", one, {"active": False})
    hourly = {"active": True, "schedule": {"cron": "0 * * * *"}}
    order = prefect.deployment("order/order")
    change(prefect, "POST", f"/deployments/{order['id']}/schedules", [hourly])
    change(prefect, "PATCH", f"/deployments/{order['id']}", {"paused": True})
    try:
        asyncio.run(register())
        assert [one["active"] for one in schedules(prefect, "dashboard")] == [False]
        assert [one["schedule"]["cron"] for one in schedules(prefect, "order")] == ["0 * * * *"]
        again = prefect.deployment("order/order")
        assert again["id"] == order["id"]
        assert again["paused"]
    finally:
        (added,) = schedules(prefect, "order")
        change(prefect, "DELETE", f"/deployments/{order['id']}/schedules/{added['id']}", None)
        change(prefect, "PATCH", f"/deployments/{order['id']}", {"paused": False})
        change(prefect, "PATCH", one, {"active": True})


def test_prefect_writes_the_runs_of_a_schedule(prefect: Prefect) -> None:
    asyncio.run(register())
    place = prefect.deployment("dashboard/dashboard")["id"]
    change(prefect, "POST", f"/deployments/{place}/schedule", {"max_runs": 2})
    body = {
        "deployments": {"id": {"any_": [place]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    first, second = cast("list[Json]", prefect.post("/flow_runs/filter", body))[:2]
    assert {first["state_name"], second["state_name"]} == {"Scheduled"}
    assert first["auto_scheduled"]
