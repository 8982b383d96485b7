"""The automation that takes Prefect events in: one, whoever makes it; staff may switch it off."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.utilities.callables import parameter_schema

from deployments.event_trigger import NAME, register_trigger
from deployments.registration import register
from flows import procedures
from flows.prefect_api import connect
from tests.conftest_prefect import Prefect

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


def test_the_form_of_an_event_says_what_to_fill_in() -> None:
    fields = parameter_schema(procedures.event.fn).properties
    assert [name for name, field in fields.items() if not field.get("description")] == []
