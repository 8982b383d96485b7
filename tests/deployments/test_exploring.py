"""``sop check`` finds nothing in the real procedures and ends; its processes tell all they found."""

from __future__ import annotations

import time
from functools import cache

from deployments.cli.exploring import explore
from machines.catalogue import CATALOGUE
from machines.check import Report, Scope, walk
from machines.scopes import SCOPES

SHIPMENT = Scope()
WALKS = 25  #: of one scope, until what they assume of one another holds; 14 at most when this was written


@cache
def explored() -> Report:
    return explore(deeper=0)


def test_the_real_procedures_are_clean() -> None:
    assert explored().clean, str(explored())


def test_each_scope_is_walked_through_a_few_times_and_never_without_end() -> None:
    assert max(one.walks for one in explored().explored) <= WALKS


def test_what_is_said_to_be_complete_has_no_bound() -> None:
    complete = {scope.title for scope in SCOPES["order"] if scope.deviations is None}
    told = {one.scope: one.deviations for one in explored().explored if one.sop == "order"}
    assert {title for title, bound in told.items() if bound is None} == complete


def test_a_process_of_its_own_tells_what_one_alone_would() -> None:
    alone = walk("shipment", SHIPMENT, procedures=CATALOGUE, clock=time.perf_counter).explored[0]
    told = next(one for one in explored().explored if (one.sop, one.scope) == ("shipment", SHIPMENT.title))
    assert (told.situations, told.steps, told.walks) == (alone.situations, alone.steps, alone.walks)
