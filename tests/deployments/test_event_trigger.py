"""The automation that takes Prefect events in: one, whoever makes it; staff may switch it off."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import cast
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.utilities.callables import parameter_schema

from deployments.automations import ensure, staff_automations
from deployments.event_trigger import NAME, _automation, register_trigger
from deployments.registration import register
from flows import procedures
from flows.prefect_api import connect
from tests.conftest_prefect import Json, Prefect

# Prefect's own clients leave sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect what Prefect leaves behind while the test that knows of it runs."""
    yield
    gc.collect()


async def _all(client: PrefectClient) -> list[tuple[object, bool]]:
    found = await client.read_automations_by_name(NAME)
    return [(getattr(one.actions[0], "deployment_id", None), one.enabled) for one in found]


def updated(prefect: Prefect) -> dict[object, object]:
    """When each automation was changed last."""
    found = cast("list[Json]", prefect.post("/automations/filter", {}))
    return {one["id"]: one["updated"] for one in found}


def test_several_processes_make_one_and_what_staff_chose_stays(prefect: Prefect) -> None:
    async def live() -> None:
        async with connect() as client:
            deployment = (await client.read_deployment_by_name("event/event")).id
            await asyncio.gather(*(register_trigger(client, deployment) for _ in range(5)))
            await register_trigger(client, deployment)
            assert await _all(client) == [(deployment, True)]
            (made,) = await client.read_automations_by_name(NAME)
            await client.pause_automation(made.id)
            other = uuid4()
            await register_trigger(client, other)
            assert await _all(client) == [(other, False)]
            await client.delete_automation(made.id)
        await register()
        async with connect() as client:
            assert await _all(client) == [(deployment, True)]

    asyncio.run(register())
    asyncio.run(live())


def test_a_trigger_that_differs_is_brought_up_to_date_and_one_that_does_not_is_left_alone(
    prefect: Prefect,
) -> None:
    async def live() -> None:
        async with connect() as client:
            deployment = (await client.read_deployment_by_name("event/event")).id
            wanted = [_automation(deployment), *staff_automations(deployment)]
            await client.delete_automation((await client.read_automations_by_name(NAME))[0].id)
            for made in wanted:
                former = made.trigger.model_copy(update={"expect": {"of.before"}})
                await ensure(client, made.model_copy(update={"trigger": former}))
                await ensure(client, made)
            found = [(await client.read_automations_by_name(made.name))[0] for made in wanted]
            assert [one.trigger for one in found] == [made.trigger for made in wanted]
            changed = updated(prefect)
            for made in wanted:
                await ensure(client, made)
            assert updated(prefect) == changed
            for one in found:
                await client.delete_automation(one.id)

    asyncio.run(register())
    asyncio.run(live())


def test_the_form_of_an_event_says_what_to_fill_in() -> None:
    fields = parameter_schema(procedures.event.fn).properties
    assert [name for name, field in fields.items() if not field.get("description")] == []
