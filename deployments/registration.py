"""Makes the work pool and the deployments known to Prefect, at every start and by several processes."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.utilities.callables import parameter_schema

from deployments.event_trigger import register_trigger
from deployments.worker import SopWorker
from flows.prefect_api import WORK_POOL, connect
from flows.procedures import PROCEDURES, SOPS, Procedure, entrypoint

_QUEUE = "default"


async def register(api_url: str | None = None) -> None:
    """Create or refresh the work pool, one deployment per flow, and the trigger of ``event``.

    What staff changed in the UI (schedules, paused, the pool's limit) stays. Raises what the API raises.
    """
    async with connect(api_url) as client:
        await _register_pool(client)
        ids = {name: await _register_flow(client, name=name, flow=flow) for name, flow in PROCEDURES.items()}
        await register_trigger(client, ids["event"])


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


async def _register_flow(client: PrefectClient, *, name: str, flow: Procedure) -> UUID:
    flow_id = await client.create_flow_from_name(name)
    return await client.create_deployment(
        flow_id=flow_id,
        name=name,
        description=flow.description,
        tags=[f"sop:{name}"] if name in SOPS else ["staff"],
        entrypoint=entrypoint(name),
        path=".",
        work_pool_name=WORK_POOL,
        work_queue_name=_QUEUE,
        parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
        enforce_parameter_schema=True,
    )
