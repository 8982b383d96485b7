"""What the letters of an order say: days that can be kept, prices, and whose doing it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from machines.definitions import definitions
from machines.messages import Message
from machines.order.asks import Submission
from machines.policy import load as load_policy
from machines.scenario import load
from machines.simulate import Run, simulate

SCENARIOS = Path(__file__).parents[2] / "examples" / "scenarios" / "order"
POLICY = load_policy()


def played(scenario: str) -> Run:
    file = load(SCENARIOS / f"{scenario}.toml")
    return simulate(file, definitions=definitions(POLICY), calendar=POLICY.calendar)


def facts(scenario: str, template: str) -> list[dict[str, str]]:
    asked = [one.command.arguments for one in played(scenario).performed]
    return [one.facts for one in asked if isinstance(one, Message) and one.template == template]


def test_goods_that_were_on_order_are_promised_for_a_day_after_they_came_in() -> None:
    scenario = "day_of_delivery_moves_with_the_promised_day"
    assert [letter["deliver_by"] for letter in facts(scenario, "order.confirmed")] == ["2026-12-18"]
    asked = [one.command.arguments for one in played(scenario).performed]
    assert [str(one.deliver_by) for one in asked if isinstance(one, Submission)] == ["2026-12-18"]


def test_a_late_parcel_and_a_new_one_have_each_their_day() -> None:
    letters = facts("day_of_delivery_moves_with_a_replacement", "order.dispatched")
    assert [letter["deliver_by"] for letter in letters] == ["2026-12-08", "2026-12-14"]


def test_while_a_parcel_does_not_leave_the_customer_hears_when_it_is_to_come() -> None:
    letters = facts("parcel_that_never_leaves_is_not_forgotten", "order.not_left_yet")
    assert [letter["deliver_by"] for letter in letters] == ["2026-12-04", "2026-12-06", "2026-12-10"]


def test_a_day_that_can_be_kept_stands() -> None:
    letters = facts("dispatch_is_overdue", "order.dispatched")
    assert {letter["deliver_by"] for letter in letters} == {"2026-12-04"}


def test_a_similar_product_is_offered_with_its_price_and_the_new_total() -> None:
    *_, offer = facts("fee_does_not_follow_to_a_similar_product", "order.choice_needed")
    assert (offer["similar"], offer["similar_prices"], offer["similar_totals"]) == (
        "MUG",
        "90.00 EUR",
        "95.00 EUR",
    )


def test_a_stop_in_part_names_goods_and_money() -> None:
    (letter,) = facts("cancel_stops_only_one_parcel", "order.part_stopped")
    assert (letter["goods"], letter["coming"], letter["amount"]) == ("1 x KETTLE", "1 x CUP", "35.00 EUR")


@pytest.mark.parametrize(
    "scenario",
    [
        "warehouse_refuses_and_nobody_decides",
        "warehouse_refuses_and_the_desk_gives_up",
        "hold_lapses_while_the_desk_decides",
    ],
)
def test_what_the_warehouse_refuses_is_not_laid_to_the_customer(scenario: str) -> None:
    (letter,) = facts(scenario, "order.cancelled")
    assert letter == {"reason": "the warehouse could not take the order", "asked": ""}


def test_who_cancels_is_not_told_that_we_could_not_send() -> None:
    (letter,) = facts("cancel_before_capture", "order.cancelled")
    assert letter["asked"] == "yes"
