"""What staff see and do in the Prefect UI, in a real browser on a real installation."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.asking import ORDER
from tests.browser.conftest import House
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.browser


def place(house: House, key: str) -> None:
    house.send("order.placed", key, {"order": key, **ORDER})


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tablist").get_by_text(name, exact=True)


def test_the_runs_of_a_case_are_found_by_its_key(house: House, page: Page) -> None:
    place(house, "SO-9101")
    house.run("order SO-9101: order.placed")
    page.goto(f"{house.ui}/runs")
    page.get_by_role("searchbox", name="Search by flow run name").fill("SO-9101")
    run = page.locator(".flow-run-list-item").filter(
        has=page.get_by_role("link", name="order SO-9101: order.placed")
    )
    expect(run.get_by_text("Awaiting dispatch", exact=True)).to_be_visible()
    page.get_by_role("link", name="order SO-9101: order.placed").click()
    expect(page.get_by_text("SO-9101 is now: Awaiting dispatch.")).to_be_visible()
    tab(page, "Task Runs").click()
    expect(page.get_by_role("link", name="payment.authorize")).to_be_visible()


def test_retry_of_a_failed_run_lets_the_order_go_on(house: House, page: Page) -> None:
    house.spoil("payment.authorize: permanent x 1")
    place(house, "SO-9102")
    house.run("SO-9102: payment.authorize", state_type="FAILED")
    assert house.case("SO-9102")["state"] == "authorising"
    page.goto(f"{house.ui}/runs?flow-run-search=SO-9102")
    page.get_by_role("link", name="SO-9102: payment.authorize").click()
    expect(page.get_by_role("banner").get_by_text("Failed", exact=True)).to_be_visible()
    failed = "payment.authorize of SO-9102 failed after one attempt: refused for good"
    expect(page.get_by_text(failed)).to_be_visible()
    page.get_by_role("banner").get_by_role("button", name="Retry").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("banner").get_by_text("Completed", exact=True)).to_be_visible()
    house.run("SO-9102: payment.authorize", state_type="COMPLETED")
    eventually(lambda: house.case("SO-9102")["state"] == "awaiting_dispatch")


def test_the_work_pool_shows_its_worker(house: House, page: Page) -> None:
    page.goto(f"{house.ui}/work-pools/work-pool/sop?tab=Workers")
    worker = page.get_by_role("row").filter(has_text=re.compile(r"\w+-\d+-\w{3}\d\d-\d\dh\d\d-"))
    expect(worker).to_contain_text(re.compile("online", re.I))


def test_every_flow_has_its_deployment(house: House, page: Page) -> None:
    page.goto(f"{house.ui}/deployments")
    for name in ("order", "shipment", "refund", "step", "event", "replay", "skip", "retry", "send-back"):
        # They fill more than one page.
        page.get_by_role("searchbox", name="Search deployments").fill(name)
        row = page.get_by_role("row", name=f"{name} {name}")
        expect(row).to_contain_text("Ready")


def test_an_event_is_sent_with_the_run_form(house: House, page: Page) -> None:
    place(house, "SO-9103")
    house.run("order SO-9103: order.placed")
    page.goto(f"{house.ui}/deployments")
    page.get_by_role("row", name="event event").get_by_role("link", name="event").first.click()
    page.get_by_role("banner").get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("link", name="Custom run").click()
    fields = page.get_by_role("group").get_by_role("textbox")
    fields.nth(0).fill("shipment.dispatched")
    fields.nth(1).fill("SO-9103-1")
    page.get_by_role("button", name="Submit").click()
    page.goto(house.run("SO-9103-1: shipment.dispatched"))
    # Accepted is all the run waits for; the drive loop may be quicker.
    expect(page.get_by_role("banner").get_by_text(re.compile("^(New|Applied)$"))).to_be_visible()
    eventually(lambda: house.case("SO-9103")["state"] == "shipped")
