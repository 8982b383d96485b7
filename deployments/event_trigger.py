"""The automation that takes Prefect events in: each one named ``sop.send`` runs the ``event`` deployment.

Prefect may lose an event or run the deployment twice for one: the event's id makes the second run do nothing,
and who must not lose any sends them over HTTP.
"""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.events import AutomationCore, EventTrigger
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Automation, Posture

EVENT = "sop.send"
NAME = f"sop: take in events named {EVENT}"


async def register_trigger(client: PrefectClient, deployment: UUID) -> None:
    """Make sure that there is one such automation, for this deployment. Whether staff have it switched off
    stays. Several processes may do this at once."""
    found = await _found(client)
    if not found:
        await client.create_automation(_automation(deployment, enabled=True))
        found = await _found(client)
    first, *more = found
    for other in more:  # another process was as quick; it deletes the same ones
        await client.delete_automation(other.id)
    if first.actions != _automation(deployment, enabled=True).actions:
        await client.update_automation(first.id, _automation(deployment, enabled=first.enabled))


async def _found(client: PrefectClient) -> list[Automation]:
    return sorted(await client.read_automations_by_name(NAME), key=lambda automation: automation.id)


def _automation(deployment: UUID, *, enabled: bool) -> AutomationCore:
    return AutomationCore(
        name=NAME,
        description=f"An event named {EVENT} whose payload holds type, subject, data and id is taken in.",
        enabled=enabled,
        trigger=EventTrigger(expect={EVENT}, posture=Posture.Reactive, threshold=1),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=deployment,
                parameters={
                    "type": _rendered("event.payload.type"),
                    "subject": _rendered("event.payload.subject"),
                    "data": _rendered("event.payload.data | default({})"),
                    "id": _rendered("event.payload.id | default(event.id, true) | string"),
                },
            )
        ],
    )


def _rendered(expression: str) -> dict[str, object]:
    """As Prefect fills it in: what the event holds, with its type."""
    template = "{{ " + expression + " | tojson }}"
    return {"__prefect_kind": "json", "value": {"__prefect_kind": "jinja", "template": template}}
