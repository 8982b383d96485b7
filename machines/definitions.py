"""Every procedure of the catalogue, made ready to run under one policy."""

from __future__ import annotations

from collections.abc import Mapping

from machines.catalogue import CATALOGUE
from machines.kernel.definition import Definition
from machines.policy import Policy


def definitions(policy: Policy) -> Mapping[str, Definition]:
    """By name. Raises ``PolicyError`` when the policy names a deadline or a limit that no procedure has."""
    policy.verify(CATALOGUE)
    return {
        one.name: Definition(one, due=policy.due(one.name), limit_of=policy.limit_of(one.name))
        for one in CATALOGUE
    }
