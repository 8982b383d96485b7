"""Every scenario file plays as it says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from time import perf_counter

import pytest

from machines import policy, scenario
from machines.definitions import definitions
from machines.kernel.definition import Definition, Firing
from machines.kernel.errors import ScenarioError
from machines.kernel.rule import Disposition, Rule
from machines.shown import SHOWN
from machines.simulate import simulate
from machines.timeline import failures, timeline

SCENARIOS = Path(__file__).parents[2] / "examples" / "scenarios"
FILES = sorted(SCENARIOS.glob("*/*.toml"))
ALL = scenario.load_all(SCENARIOS)
POLICY = policy.load()
DEFINITIONS = definitions(POLICY)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_scenario(file: Path) -> None:
    played = scenario.load(file)
    started = perf_counter()
    run = simulate(played, definitions=DEFINITIONS, calendar=POLICY.calendar)
    told = timeline(run)
    print(told, f"\n{(perf_counter() - started) * 1000:.1f} ms")  # noqa: T201
    assert not failures(run), told


class Watched(Definition):
    """Remembers which rules were taken, and which states they led to."""

    def __init__(self, one: Definition) -> None:
        super().__init__(one.procedure, due=one.due, timing=one.timing, terms=one.terms)
        self.taken: dict[int, Rule] = {}
        self.entered: set[str] = set()

    def fire(self, firing: Firing) -> None:
        super().fire(firing)
        if firing.rule is not None:
            self.taken[id(firing.rule)] = firing.rule


@cache
def watched() -> dict[str, Watched]:
    """Every procedure after all scenarios were played."""
    built = {name: Watched(one) for name, one in DEFINITIONS.items()}
    for one in ALL.values():
        for case, entry in simulate(one, definitions=built, calendar=POLICY.calendar).journal:
            built[case.partition("/")[0]].entered.add(entry.after)
    return built


@pytest.mark.parametrize("name", DEFINITIONS)
def test_whatever_a_procedure_handles_and_wherever_it_may_stand_is_played(name: str) -> None:
    played, procedure = watched()[name], DEFINITIONS[name].procedure
    handles = {rule.event for rule in procedure.rules if rule.disposition is Disposition.HANDLED}
    states = {state.name for state in procedure.states if state is not procedure.initial}
    assert handles - {rule.event for rule in played.taken.values()} == set(), "write a scenario for each"
    assert states - played.entered == set(), "write a scenario for each"


@pytest.mark.parametrize("name", ["refund", "survey", "task"])
def test_every_rule_of_a_short_procedure_is_played(name: str) -> None:
    """The longer ones have rules on one event that differ in what a case knows; ``sop check`` walks those."""
    taken, rules = watched()[name].taken, DEFINITIONS[name].procedure.rules
    left = [one for one in rules if one.disposition is Disposition.HANDLED and id(one) not in taken]
    assert [(one.event, *(state.name for state in one.at)) for one in left] == []


@pytest.mark.parametrize("id", SHOWN)
def test_what_can_go_wrong_is_shown(id: str) -> None:
    assert [name for name, one in ALL.items() if id in one.shows]


def test_a_scenario_cannot_claim_what_nobody_knows(tmp_path: Path) -> None:
    file = tmp_path / "claims.toml"
    told = (SCENARIOS / "return" / "never_arrives.toml").read_text("utf-8")
    assert "return.never-comes" in told
    file.write_text(told.replace("return.never-comes", "return.never-came"), "utf-8")
    with pytest.raises(ScenarioError, match=r"claims.toml: shows: .*did you mean return.never-comes"):
        scenario.load(file)


def with_letters(letters: dict[str, int]) -> scenario.Scenario:
    played = ALL["order/finance_refuses_a_large_refund"]
    expect = played.expect.model_copy(update={"letters": letters})
    return played.model_copy(update={"expect": expect})


def test_another_letter_than_the_scenario_expects_is_told() -> None:
    played = with_letters({"refund.settled": 1, "refund.withheld": 1})
    run = simulate(played, definitions=DEFINITIONS, calendar=POLICY.calendar)
    assert failures(run) == ["the letter refund.settled was sent 0 times, expected 1"]
    assert "performs message.send refund.withheld" in timeline(run)


def test_a_scenario_cannot_expect_a_letter_that_nobody_writes() -> None:
    with pytest.raises(ScenarioError, match=r"no letter is called 'refund.paid'; did you mean refund\."):
        simulate(with_letters({"refund.paid": 0}), definitions=DEFINITIONS, calendar=POLICY.calendar)
