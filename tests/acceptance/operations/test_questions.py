"""Questions answered by hand: staff in the Prefect UI, a customer on the page that a link opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.operations.conftest import House, choose
from tests.asking import ORDER

pytestmark = pytest.mark.browser


def place(house: House, key: str, **other: object) -> None:
    house.send("order.placed", key, {"order": key, **ORDER, **other})


def journal(house: House, key: str, event: str) -> Mapping[str, str]:
    entries = cast("list[dict[str, str]]", house.case(key)["journal"])
    (entry,) = [entry for entry in entries if entry["event"] == event]
    return entry


def suspicious(house: House, page: Page, key: str) -> None:
    """Open the run of the question about a suspicious order."""
    place(house, key, payments=[{"means": "card", "token": "tok_stolen"}])
    page.goto(house.run(f"{key}: In review", state_type="PAUSED"))


def fill_in(page: Page, *, accept: str, reason: str, who: str) -> None:
    """Press Resume, read what the form says, fill it in and submit it."""
    page.get_by_role("banner").get_by_role("button", name="Resume").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("A colleague looks at a suspicious order.")).to_be_visible()
    expect(dialog.get_by_text("rule: stolen means of payment")).to_be_visible()
    dialog.get_by_role("button", name="Submit").click()
    expect(dialog).to_be_visible()  # nothing is chosen yet
    choose(page, accept)
    fields = dialog.get_by_role("textbox")
    fields.nth(0).fill(reason)
    fields.nth(1).fill(who)
    submit(page)


def submit(page: Page) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Submit").click()
    expect(dialog).not_to_be_visible()


def test_staff_answer_in_the_form_of_the_run(house: House, page: Page) -> None:
    suspicious(house, page, "SO-9201")
    expect(page.get_by_role("banner").get_by_text("Suspended", exact=True)).to_be_visible()
    expect(page.get_by_text("Press Resume and fill in the form.")).to_be_visible()
    fill_in(page, accept="no", reason="stolen card", who="J. Berg")
    expect(page.get_by_role("banner").get_by_text("Rejected", exact=True)).to_be_visible()
    assert house.case("SO-9201")["state"] == "rejected"
    assert journal(house, "SO-9201", "order.reviewed")["from"] == "prefect-ui:J.Berg"


def test_an_answer_that_is_not_taken_can_be_mended_in_the_form(house: House, page: Page) -> None:
    suspicious(house, page, "SO-9202")
    fill_in(page, accept="yes", reason="sealed:1:C-9:copied from elsewhere", who="J. Berg")
    expect(page.get_by_text("Your answer was not taken: reason:")).to_be_visible()
    expect(page.get_by_role("banner").get_by_text("Suspended", exact=True)).to_be_visible()
    assert house.case("SO-9202")["state"] == "in_review"
    page.get_by_role("banner").get_by_role("button", name="Resume").click()
    fields = page.get_by_role("dialog").get_by_role("textbox")
    expect(fields.nth(1)).to_have_value("J. Berg")  # what was filled in is still there
    fields.nth(0).fill("known customer")
    submit(page)
    expect(page.get_by_role("banner").get_by_text("Checking restrictions", exact=True)).to_be_visible()
    house.comes_to("SO-9202", "awaiting_dispatch")


def test_a_question_settled_elsewhere_is_cancelled_before_the_eyes(house: House, page: Page) -> None:
    suspicious(house, page, "SO-9203")
    house.send("order.reviewed", "SO-9203", {"accept": False, "reason": "called the customer"})
    expect(page.get_by_role("banner").get_by_text("Cancelled", exact=True)).to_be_visible()
    tab = page.get_by_role("tablist").get_by_text("Details", exact=True)
    tab.click()
    expect(page.get_by_text("order.reviewed from shop came first")).to_be_visible()


def test_a_customer_answers_on_a_phone_without_javascript(house: House, phone: Page) -> None:
    lines = [{"sku": "SOFA-BULKY", "quantity": 1, "price": 3000}]
    place(house, "SO-9204", lines=lines, locale="de")
    house.comes_to("SO-9204", "awaiting_choice")
    address = house.link("SO-9204")
    assert "SO-9204" not in address
    phone.goto(address)
    expect(phone.get_by_role("heading", name="Eine Frage zu SO-9204")).to_be_visible()
    assert phone.get_by_role("group", name="Ich möchte").get_by_role("radio").count() == 4
    box = phone.locator("main").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 360
    phone.get_by_role("button", name="Antwort senden").click()
    expect(phone.get_by_role("alert").first).to_contain_text("es wurde noch nichts gesendet")
    phone.get_by_label("nehmen, was möglich ist, auch mit Gebühr").check()
    phone.get_by_role("button", name="Antwort senden").click()
    expect(phone.get_by_role("heading", name="Vielen Dank")).to_be_visible()
    house.comes_to("SO-9204", "awaiting_dispatch")
    assert journal(house, "SO-9204", "order.choice")["from"] == "customer-link"
    phone.goto(address)
    expect(phone.get_by_role("heading", name="Diese Frage ist beantwortet")).to_be_visible()
