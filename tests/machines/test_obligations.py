"""What the house is obliged to do, and by what each of it is fulfilled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from machines.catalogue import CATALOGUE
from machines.obligations import DEMANDED, OBLIGATIONS, demanded, fulfilled
from machines.survey import SURVEY

RELEASE = list(DEMANDED)[-1]
NAMED = fulfilled(CATALOGUE)


@pytest.mark.parametrize("id", list(demanded(RELEASE)))
def test_what_this_release_demands_is_tied_to_what_fulfils_it(id: str) -> None:
    assert NAMED[id]


def test_this_release_answers_for_orders_returns_complaints_and_satisfaction() -> None:
    groups = ("ORD", "RES", "RET", "CMP", "SAT")
    expected = {id for id in OBLIGATIONS if id.startswith(groups)} | {"GOV-1", "IMP-1"}
    assert set(demanded(RELEASE)) == expected


def test_a_message_goes_by_its_template() -> None:
    assert "return: return.declined" in NAMED["RET-2"]
    assert not any("message.send" in place for places in NAMED.values() for place in places)


def test_every_procedure_has_a_whole_header() -> None:
    for procedure in CATALOGUE:
        assert "GOV-1" in procedure.fulfils
        assert all((procedure.purpose, procedure.scope, procedure.responsible, procedure.references))
        assert 2 <= len(procedure.kpis) <= 5, procedure.name


def test_what_names_nothing_is_not_fulfilled_and_a_header_alone_fulfils_nothing_but_its_own() -> None:
    bare = replace(SURVEY, fulfils=("SAT-1", "GOV-1"), states=(), rules=())
    assert fulfilled([bare]) == {"GOV-1": ("survey",)}
    assert fulfilled([replace(bare, fulfils=())]) == {}
