"""The processes of ``sop check`` tell all they found. The gate runs all of it; here it goes less far."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache

from deployments.cli.exploring import explore
from machines.catalogue import CATALOGUE
from machines.check import Kind, Report, Scope, walk
from machines.scopes import SCOPES

WHOLE = Scope()
SHORT = {  # every scope as far as its first deviation, and two small procedures completely
    procedure.name: (WHOLE,)
    if procedure.name in {"shipment", "refund"}
    else tuple(replace(scope, deviations=1) for scope in SCOPES.get(procedure.name, (WHOLE,)))
    for procedure in CATALOGUE
}
UNMET = {Kind.UNREACHABLE, Kind.NOBODY_SENDS, Kind.DEAD_RULE}  #: what lies beyond the bound
WALKS = 25  #: of one scope, until what they assume of one another holds; 7 at most when this was written


@cache
def explored() -> Report:
    return explore(deeper=0, scopes=SHORT)


def test_the_real_procedures_are_clean_on_all_short_paths() -> None:
    assert [str(one) for one in explored().findings if one.kind not in UNMET] == []


def test_all_scopes_of_all_procedures_are_told() -> None:
    told = {(one.sop, one.scope) for one in explored().explored}
    assert told >= {(sop, scope.title) for sop, scopes in SHORT.items() for scope in scopes if sop != "task"}


def test_each_scope_is_walked_through_a_few_times_and_never_without_end() -> None:
    assert max(one.walks for one in explored().explored) <= WALKS


def test_what_is_said_to_be_complete_has_no_bound() -> None:
    told = {one.sop: one.deviations for one in explored().explored if one.seconds}
    assert {sop for sop, bound in told.items() if bound is None} >= {"shipment", "refund"}
    assert {told["order"], told["return"], told["complaint"]} == {1}


def test_a_process_of_its_own_tells_what_one_alone_would() -> None:
    alone = walk("shipment", WHOLE, procedures=CATALOGUE, clock=time.perf_counter).explored[0]
    told = next(one for one in explored().explored if one.sop == "shipment" and one.seconds)
    assert (told.situations, told.steps, told.walks) == (alone.situations, alone.steps, alone.walks)
