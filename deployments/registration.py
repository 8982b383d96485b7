"""Makes the work pool and the deployments known to Prefect, at every start and by several processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.utilities.callables import parameter_schema

from deployments.automations import ensure, staff_automations
from deployments.event_trigger import register_trigger
from deployments.settings import Settings
from deployments.worker import SopWorker
from flows.prefect_api import WORK_POOL, connect, deployment_of
from flows.procedures import PROCEDURES, SOPS, Procedure, entrypoint
from machines.policy import DEFAULT, load

_QUEUE = "default"
_ONE_AT_A_TIME = ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)

#: When flows run that are started by the clock, until staff change it.
_SCHEDULES: Mapping[str, Callable[[], IntervalSchedule | CronSchedule]] = {
    "dashboard": lambda: IntervalSchedule(interval=timedelta(minutes=5)),
    "housekeeping": lambda: CronSchedule(cron="40 2 * * *", timezone="UTC"),
    "report": lambda: CronSchedule(cron="0 6 * * 1", timezone=_zone()),
}


async def register(api_url: str | None = None) -> None:
    """Create or refresh the work pool, one deployment per flow, the trigger of ``event``, and the automations
    that have staff told, if the settings say where to.

    What staff changed in the UI (schedules, paused, limits of runs at once) stays. Raises what the API
    raises.
    """
    async with connect(api_url) as client:
        await _register_pool(client)
        ids = {name: await register_flow(client, name=name, flow=flow) for name, flow in PROCEDURES.items()}
        await register_trigger(client, ids["event"])
        for automation in staff_automations(ids["notify"]) if Settings().notify.anybody else ():
            await ensure(client, automation)


async def _register_pool(client: PrefectClient) -> None:
    pool = WorkPoolCreate(
        name=WORK_POOL,
        type=SopWorker.type,
        description="Runs procedures inside the process that holds the drive loop.",
        base_job_template=SopWorker.get_default_base_job_template(),
    )
    try:
        await client.create_work_pool(pool)
    except ObjectAlreadyExists:
        return


async def register_flow(client: PrefectClient, *, name: str, flow: Procedure) -> UUID:
    """Create or refresh the deployment of one flow; its id."""
    try:
        # Creating it once more would delete its schedules.
        deployment = (await client.read_deployment_by_name(deployment_of(name))).id
    except ObjectNotFound:
        deployment = await _create(client, name=name)
    await client.update_deployment(
        deployment,
        DeploymentUpdate(
            description=flow.description,
            tags=_tags(name),
            entrypoint=entrypoint(name),
            path=".",
            work_pool_name=WORK_POOL,
            work_queue_name=_QUEUE,
            parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
            enforce_parameter_schema=True,
        ),
    )
    return deployment


async def _create(client: PrefectClient, *, name: str) -> UUID:
    scheduled = _SCHEDULES.get(name)
    every = scheduled() if scheduled else None
    return await client.create_deployment(
        flow_id=await client.create_flow_from_name(name),
        name=name,
        schedules=[DeploymentScheduleCreate(schedule=every, slug=name)] if every else None,
        # Runs that came due while no worker was there would say the same thing many times over.
        concurrency_limit=1 if every else None,
        concurrency_options=_ONE_AT_A_TIME if every else None,
    )


def _zone() -> str:
    """The time zone of the house."""
    return load(Settings().policy or DEFAULT).calendar.zone


def _tags(name: str) -> list[str]:
    return [f"sop:{name}"] if name in SOPS else ["staff"]
