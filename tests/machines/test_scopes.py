"""What ``machines/scopes.py`` names exists, and nothing that opens a case is left out."""

from __future__ import annotations

import pytest

from machines.catalogue import CATALOGUE
from machines.scopes import SCOPES

KNOWN = {procedure.name: procedure for procedure in CATALOGUE}


def test_scopes_are_those_of_procedures() -> None:
    assert set(SCOPES) <= set(KNOWN)
    assert {child for scopes in SCOPES.values() for scope in scopes for child in scope.children} <= set(KNOWN)


@pytest.mark.parametrize("sop", SCOPES)
def test_every_example_that_opens_a_case_is_in_some_scope(sop: str) -> None:
    opened = {number for scope in SCOPES[sop] for number in scope.openings or ()}
    if all(scope.openings is not None for scope in SCOPES[sop]):
        (opening,) = KNOWN[sop].opening
        assert opened == set(range(len(opening.examples)))


@pytest.mark.parametrize("sop", SCOPES)
def test_what_a_scope_leaves_out_is_an_event_that_another_has(sop: str) -> None:
    left_out = [scope.without for scope in SCOPES[sop]]
    happens = {kind for one in CATALOGUE for kind in one.event_types}
    happens |= {deadline.type for one in CATALOGUE for deadline in one.deadlines.values()}
    assert {name for names in left_out for name in names} <= happens
    assert not left_out[0].intersection(*left_out)


@pytest.mark.parametrize("sop", SCOPES)
def test_one_scope_of_each_procedure_has_no_bound(sop: str) -> None:
    assert any(scope.deviations is None for scope in SCOPES[sop])
