"""Every procedure of the catalogue, made ready to run under one policy."""

from __future__ import annotations

from collections.abc import Mapping

from machines.catalogue import CATALOGUE
from machines.kernel.definition import Definition
from machines.policy import Policy


def definitions(policy: Policy) -> Mapping[str, Definition]:
    """By name. Raises ``PolicyError`` when the policy says something that no procedure knows."""
    policy.verify(tuple(CATALOGUE))
    return {
        procedure.name: Definition(
            procedure,
            due=policy.due(procedure.name),
            timing=policy.timing(procedure.name),
            terms=policy.terms_of(procedure),
        )
        for procedure in CATALOGUE
    }
