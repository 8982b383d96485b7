"""Every message that the procedures send while the example scenarios are played."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from machines.catalogue import CATALOGUE
from machines.definitions import definitions
from machines.messages import Message, MessageType
from machines.policy import load as load_policy
from machines.scenario import load
from machines.simulate import simulate

SCENARIOS = Path(__file__).parents[3] / "examples" / "scenarios"
POLICY = load_policy()


@cache
def sent() -> tuple[Message, ...]:
    built = definitions(POLICY)
    runs = (
        simulate(load(file), definitions=built, calendar=POLICY.calendar)
        for file in sorted(SCENARIOS.rglob("*.toml"))
    )
    asked = (one.command.arguments for run in runs for one in run.performed)
    return tuple(message for message in asked if isinstance(message, Message))


def declared() -> set[str]:
    """The templates that procedures name."""
    states = [state.does for procedure in CATALOGUE for state in procedure.states]
    rules = [rule.does for procedure in CATALOGUE for rule in procedure.rules]
    return {
        command.template for does in states + rules for command in does if isinstance(command, MessageType)
    }
