"""A return and a complaint lived through: staff in the Prefect UI, the customer on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.operations.conftest import House, choose
from tests.asking import ORDER

pytestmark = pytest.mark.browser

COMPLAINT = {
    "channel": "e-mail",
    "customer": "C-9",
    "currency": "EUR",
    "buyer": {"name": "Ada Example", "email": "ada@customer.example"},
    "words": "The kettle leaks, and nobody called me back.",
    "sought": "partial refund",
}


def deliver(house: House, key: str) -> None:
    lines = [{"sku": "KETTLE", "quantity": 2, "price": 15000}]
    house.send("order.placed", key, {"order": key, **ORDER, "lines": lines})
    house.comes_to(key, "awaiting_dispatch")
    house.send("shipment.dispatched", f"{key}-1", {"tracking": "TR000000001"})
    house.send("shipment.delivered", f"{key}-1", {})
    house.comes_to(key, "delivered")


def form(page: Page, address: str = "") -> Locator:
    """The form of the question whose run has that address, or of the one that is open."""
    if address:
        page.goto(address)
    page.get_by_role("banner").get_by_role("button", name="Resume").click()
    return page.get_by_role("dialog")


def submit(page: Page, shown: Locator, *, then: str) -> None:
    shown.get_by_role("button", name="Submit").click()
    expect(shown).not_to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text(then)


def test_a_return_is_inspected_in_the_form_and_chosen_about_on_a_phone(
    house: House, page: Page, phone: Page
) -> None:
    deliver(house, "SO-9301")
    items = [{"sku": "KETTLE", "quantity": 1}]
    house.send("order.return", "SO-9301", {"customer": "C-9", "reason": "changed mind", "items": items})
    house.run("return SO-9301-RT1: return.requested")
    house.send("return.arrived", "SO-9301-RT1", {})
    shown = form(page, house.run("SO-9301-RT1: Inspecting", state_type="PAUSED"))
    expect(shown.get_by_text("the next in line is called")).to_be_visible()
    shown.get_by_role("button", name="Add item").click()
    numbers, texts = shown.locator("input[type=number]"), shown.get_by_role("textbox")
    # Until the item is there, the first text is the name.
    expect(texts).to_have_count(2)
    texts.nth(0).fill("KETTLE")
    numbers.nth(0).fill("1")
    choose(page, "worth less")
    numbers.nth(1).fill("60")
    texts.nth(1).fill("M. Mill")
    submit(page, shown, then="Awaiting choice")
    expect(page.get_by_text("answered: found: 1 x KETTLE, worth less (60 %)")).to_be_visible()
    phone.goto(house.link("SO-9301-RT1"))
    expect(phone.get_by_text("90.00 EUR")).to_be_visible()
    phone.get_by_label("the money that you offer").check()
    phone.get_by_role("button", name="Send my answer").click()
    expect(phone.get_by_text("the money that you offer")).to_be_visible()
    house.comes_to("SO-9301-RT1", "refunded")


def test_a_complaint_is_consulted_about_approved_and_settled(house: House, page: Page, phone: Page) -> None:
    deliver(house, "SO-9302")
    house.send("complaint.received", "CP-9302", {"complaint": "CP-9302", "order": "SO-9302", **COMPLAINT})
    house.send("complaint.taken", "CP-9302", {"owner": "Ann Field"})
    house.send("complaint.assessed", "CP-9302", {"severity": "S3", "nature": "product"})
    house.send("complaint.consulted", "CP-9302", {"department": "warehouse", "question": "How packed?"})
    investigating = house.run("CP-9302: Investigating", state_type="PAUSED")

    shown = form(page, investigating)
    shown.get_by_role("textbox").nth(0).fill("A seal was missing.")
    choose(page, "yes")
    shown.get_by_role("textbox").nth(1).fill("Ann Field")
    submit(page, shown, then="Suspended")
    expect(page.get_by_text("Your answer was not taken: warehouse has not answered yet")).to_be_visible()

    shown = form(page, house.run("CP-9302-T1: Asked", state_type="PAUSED"))
    expect(page.get_by_text("role:warehouse", exact=True)).to_be_visible()
    shown.get_by_role("textbox").nth(0).fill("Without filling.")
    shown.get_by_role("textbox").nth(1).fill("Will Stone")
    submit(page, shown, then="Answered")

    page.goto(investigating)
    expect(page.get_by_text("departments: warehouse: Without filling.")).to_be_visible()
    shown = form(page)
    expect(shown.get_by_role("textbox").nth(0)).to_have_value("A seal was missing.")
    submit(page, shown, then="Proposing")

    shown = form(page, house.run("CP-9302: Proposing", state_type="PAUSED"))
    expect(shown.get_by_text("partial refund of at most 200.00 EUR")).to_be_visible()
    choose(page, "partial refund")
    shown.locator("input[type=number]").fill("99.50")
    shown.get_by_role("textbox").nth(0).fill("Two thirds of the price.")
    shown.get_by_role("textbox").nth(1).fill("Ann Field")
    submit(page, shown, then="Awaiting senior")

    shown = form(page, house.run("CP-9302: Awaiting senior", state_type="PAUSED"))
    expect(shown.get_by_text("amount: 99.50 EUR", exact=True)).to_be_visible()
    choose(page, "yes")
    shown.get_by_role("textbox").nth(0).fill("Fair.")
    shown.get_by_role("textbox").nth(1).fill("Sam Senior")
    submit(page, shown, then="Awaiting answer")

    phone.goto(house.link("CP-9302"))
    phone.get_by_label("I accept the offer").check()
    phone.get_by_role("button", name="Send my answer").click()
    house.comes_to("CP-9302", "resolved")
