"""The automations that the product makes in Prefect: one of each name, made by whoever starts; whether staff
have one switched off stays."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.events import AutomationCore, EventTrigger
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Automation, Posture

from flows.announcing import event_name
from machines.attention import BREACHED, ESCALATED, PARKED

TELL_PARKED = "sop: tell on-call of parked steps"
TELL_MOVED = "sop: tell of breached clocks and escalations"
#: One look at the store tells all that has parked by then; more often would be runs for nothing.
_PARKED_EVERY = timedelta(seconds=60)


async def ensure(client: PrefectClient, wanted: AutomationCore) -> None:
    """Make sure that there is one automation of that name, with that trigger and those actions. Several
    processes may do this at once."""
    found = await _found(client, wanted.name)
    if not found:
        await client.create_automation(wanted)
        found = await _found(client, wanted.name)
    first, *more = found
    for other in more:  # another process was as quick; it deletes the same ones
        await client.delete_automation(other.id)
    if (first.trigger, first.actions) != (wanted.trigger, wanted.actions):
        await client.update_automation(first.id, wanted.model_copy(update={"enabled": first.enabled}))


async def _found(client: PrefectClient, name: str) -> list[Automation]:
    return sorted(await client.read_automations_by_name(name), key=lambda automation: automation.id)


def staff_automations(notify: UUID) -> list[AutomationCore]:
    """Those that run the deployment ``notify``."""
    return [
        AutomationCore(
            name=TELL_PARKED,
            description="A step is parked: on-call staff are told, all parked steps in one message. Should "
            "the event get lost, a worker or the web process tells them a minute later.",
            trigger=EventTrigger(
                expect={event_name(PARKED)}, posture=Posture.Reactive, threshold=1, within=_PARKED_EVERY
            ),
            actions=[_run(notify, {"what": PARKED})],
        ),
        AutomationCore(
            name=TELL_MOVED,
            description="A clock is breached, or an alert is not acknowledged: operations staff are told.",
            trigger=EventTrigger(
                expect={event_name(BREACHED), event_name(ESCALATED)}, posture=Posture.Reactive, threshold=1
            ),
            actions=[
                _run(
                    notify,
                    {
                        "what": rendered("event.event.split('.') | last"),
                        "sop": rendered("event.payload.sop"),
                        "cases": rendered("event.payload.cases"),
                        "count": rendered("event.payload.count"),
                        "event": rendered("event.id | string"),
                    },
                )
            ],
        ),
    ]


def _run(deployment: UUID, parameters: dict[str, object]) -> RunDeployment:
    return RunDeployment(source="selected", deployment_id=deployment, parameters=parameters)


def rendered(expression: str) -> dict[str, object]:
    """A parameter as Prefect fills it in: what the event holds, with its type."""
    template = "{{ " + expression + " | tojson }}"
    return {"__prefect_kind": "json", "value": {"__prefect_kind": "jinja", "template": template}}
