"""The automation that takes Prefect events in: each one named ``sop.send`` runs the ``event`` deployment.

Prefect may lose an event or run the deployment twice for one: the event's id makes the second run do nothing,
and who must not lose any sends them over HTTP.
"""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.events import AutomationCore, EventTrigger
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Posture

from deployments.automations import ensure, rendered

EVENT = "sop.send"
NAME = f"sop: take in events named {EVENT}"


async def register_trigger(client: PrefectClient, deployment: UUID) -> None:
    """Make sure that there is one such automation, for this deployment. Whether staff have it switched off
    stays. Several processes may do this at once."""
    await ensure(client, _automation(deployment))


def _automation(deployment: UUID) -> AutomationCore:
    return AutomationCore(
        name=NAME,
        description=f"An event named {EVENT} whose payload holds type, subject, data and id is taken in.",
        trigger=EventTrigger(expect={EVENT}, posture=Posture.Reactive, threshold=1),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=deployment,
                parameters={
                    "type": rendered("event.payload.type"),
                    "subject": rendered("event.payload.subject"),
                    "data": rendered("event.payload.data | default({})"),
                    "id": rendered("event.payload.id | default(event.id, true) | string"),
                },
            )
        ],
    )
