"""Who is asked by now, as the ladder of a question is climbed by clocks or by deadlines."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from machines.asked import asked
from machines.catalogue import CATALOGUE
from machines.check import Finding, Kind, check
from machines.check.static import static
from machines.complaint import letters
from machines.complaint.events import ComplaintAssigned, EscalationTaken
from machines.kernel.procedure import Procedure
from machines.kernel.state import Ask
from machines.order import outcomes
from machines.order.events import HandoverDecided
from machines.shipment.events import LabelDecided, LabelRefused
from tests.machines import orders
from tests.machines.complaints import CASE, HAZARD, TAKEN, WITH_ORDER, investigated
from tests.machines.play import DEFINITIONS, Play

AGENT, SENIOR, MANAGER = letters.AGENT, letters.SENIOR, letters.MANAGER


def who(play: Play, case: str) -> str:
    state = play.procedure_state(case)
    assert isinstance(state, Ask)
    return asked(state, play.cases[case], DEFINITIONS[case.partition("/")[0]].clocks)


def climbed(play: Play, case: str, *deadlines: str) -> list[str]:
    """Who is asked first, and after each of the deadlines."""
    found = [who(play, case)]
    for name in deadlines:
        play.pass_deadline(case, name)
        found.append(who(play, case))
    return found


def test_whoever_a_clock_alerts_is_asked() -> None:
    play = Play()
    play.tell(CASE, WITH_ORDER)
    told = [f"acknowledgement.{percent}" for percent in (75, 100, 150)]
    assert climbed(play, CASE, *told) == [AGENT, AGENT, SENIOR, MANAGER]


def test_whoever_is_alerted_because_nobody_answered_is_asked() -> None:
    play = Play()
    play.tell(CASE, WITH_ORDER)
    told = ["acknowledgement.75", "acknowledgement.100", *["acknowledgement.unacknowledged"] * 2]
    assert climbed(play, CASE, *told) == [AGENT, AGENT, SENIOR, MANAGER, MANAGER]


def test_the_safety_officer_is_asked_until_the_head_is() -> None:
    play = Play()
    play.tell(CASE, HAZARD)
    assert climbed(play, CASE, "safety.50", "safety.100") == ["safety officer", "safety officer", MANAGER]


def test_another_clock_has_a_ladder_of_its_own() -> None:
    play = Play()
    play.tell(CASE, WITH_ORDER)
    climbed(play, CASE, "acknowledgement.75", "acknowledgement.100")
    play.tell(CASE, TAKEN)
    assert play.state(CASE) == "assessing"
    assert climbed(play, CASE, "resolution.50", "resolution.75") == [AGENT, AGENT, SENIOR]


def test_whoever_was_alerted_is_asked_still_when_an_alert_is_taken_on_or_the_owner_changes() -> None:
    play = investigated()
    assert climbed(play, CASE, "resolution.50", "resolution.75")[-1] == SENIOR
    play.tell(CASE, EscalationTaken(by="s.hill"))
    assert who(play, CASE) == SENIOR
    play.tell(CASE, ComplaintAssigned(owner="b.moor"))
    assert who(play, CASE) == SENIOR


def test_the_ladder_of_the_order_desk_is_climbed_and_starts_anew() -> None:
    refused = outcomes.WarehouseRejected(reason="strike")
    play = Play(answers={"warehouse.submit": [refused, refused]})
    play.tell(orders.CASE, orders.PLAIN)
    assert climbed(play, orders.CASE, "handover_due", "handover_due") == [
        *("order desk", "order lead", "order lead")
    ]
    assert play.called == ["order desk", "order lead", "order lead"]
    play.tell(orders.CASE, HandoverDecided(again=True))
    assert who(play, orders.CASE) == "order desk"


def test_the_ladder_of_the_dispatch_desk_is_climbed_and_starts_anew() -> None:
    refused = LabelRefused(reason="too large")
    play = Play(answers={"carrier.buy_label": [refused, refused]})
    play.tell(orders.CASE, orders.PLAIN)
    assert climbed(play, orders.FIRST, "label_due", "label_due") == [
        *("dispatch desk", "dispatch lead", "dispatch lead")
    ]
    assert play.called == ["dispatch desk", "dispatch lead", "dispatch lead"]
    play.tell(orders.FIRST, LabelDecided(carrier="express"))
    assert who(play, orders.FIRST) == "dispatch desk"


def ladders(procedure: Procedure) -> list[Finding]:
    return [finding for finding in static(procedure) if finding.kind is Kind.LADDER]


def test_every_ladder_is_climbed() -> None:
    assert [finding for procedure in CATALOGUE for finding in ladders(procedure)] == []


def test_a_ladder_that_no_deadline_climbs_is_refused() -> None:
    shipment = CATALOGUE.procedure("shipment")
    idle = tuple(
        replace(rule, then=None) if rule.event == "deadline.label_due" else rule for rule in shipment.rules
    )
    (found,) = ladders(replace(shipment, rules=idle))
    assert (found.at, found.text.partition(" ")[0]) == ("label_refused", "dispatch")
    assert "dispatch lead is never asked; give the role a rung of a clock" in found.text


def test_a_ladder_whose_clock_does_not_speak_to_all_of_it_is_refused() -> None:
    complaint = CATALOGUE.procedure("complaint")
    clocks = tuple(
        replace(clock, rungs=tuple(rung for rung in clock.rungs if rung.whom != MANAGER))
        if clock.name == "safety"
        else clock
        for clock in complaint.clocks
    )
    (found,) = ladders(replace(complaint, clocks=clocks))
    assert found.at == "securing"
    assert found.text.startswith(f"{MANAGER} is never asked")
    report = check([replace(complaint, clocks=clocks)], clock=perf_counter, scopes={"complaint": ()})
    assert found in report.findings
