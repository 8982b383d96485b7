"""What staff see and do in the Prefect UI, in a real browser on a real installation."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.operations.conftest import House
from tests.asking import ORDER
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.browser


def place(house: House, key: str) -> None:
    house.send("order.placed", key, {"order": key, **ORDER})


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tablist").get_by_text(name, exact=True)


def fill(page: Page, house: House, deployment: str, *values: str) -> None:
    """Run a deployment by its form."""
    page.goto(f"{house.ui}/deployments")
    page.get_by_role("searchbox").fill(deployment)
    # A moment later the UI notes the search in its address, and would take a quicker click back with that.
    page.wait_for_url(lambda url: f"={deployment}" in url)
    row = page.get_by_role("row", name=f"{deployment} {deployment}")
    row.get_by_role("link", name=deployment).first.click()
    page.get_by_role("banner").get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("link", name="Custom run").click()
    fields = page.get_by_role("group").get_by_role("textbox")
    for number, value in enumerate(values):
        fields.nth(number).fill(value)
    page.get_by_role("button", name="Submit").click()


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
    page.goto(f"{house.ui}/runs?state=Failed&tag=attention:parked")
    parked = page.get_by_role("link", name="SO-9102: payment.authorize")
    expect(parked).to_be_visible()
    expect(page.get_by_role("link", name="order SO-9102: order.placed")).not_to_be_visible()
    parked.click()
    expect(page.get_by_role("banner").get_by_text("Failed", exact=True)).to_be_visible()
    failed = "payment.authorize of SO-9102 failed after one attempt: refused for good"
    expect(page.get_by_text(failed)).to_be_visible()
    page.get_by_role("banner").get_by_role("button", name="Retry").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("banner").get_by_text("Completed", exact=True)).to_be_visible()
    house.run("SO-9102: payment.authorize", state_type="COMPLETED")
    house.comes_to("SO-9102", "awaiting_dispatch")


def test_the_work_pool_shows_its_worker(house: House, page: Page) -> None:
    page.goto(f"{house.ui}/work-pools/work-pool/sop?tab=Workers")
    worker = page.get_by_role("row").filter(has_text=re.compile(r"\w+-\d+-\w{3}\d\d-\d\dh\d\d-"))
    expect(worker).to_contain_text(re.compile("online", re.I))


def test_every_flow_has_its_deployment(house: House, page: Page) -> None:
    page.goto(f"{house.ui}/deployments")
    names = (
        "order",
        "shipment",
        "refund",
        "step",
        "event",
        "case",
        "hold",
        "replay",
        "skip",
        "retry",
        "send-back",
        "dashboard",
        "report",
    )
    for name in names:
        # They fill more than one page.
        page.get_by_role("searchbox", name="Search deployments").fill(name)
        row = page.get_by_role("row", name=f"{name} {name}")
        expect(row).to_contain_text("Ready")


def test_an_event_is_sent_with_the_run_form(house: House, page: Page) -> None:
    place(house, "SO-9103")
    house.run("order SO-9103: order.placed")
    fill(page, house, "event", "shipment.dispatched", "SO-9103-1")
    page.goto(house.run("SO-9103-1: shipment.dispatched"))
    # Accepted is all the run waits for; the drive loop may be quicker.
    expect(page.get_by_role("banner").get_by_text(re.compile("^(New|Applied)$"))).to_be_visible()
    house.comes_to("SO-9103", "shipped")


def test_the_page_of_a_case_is_found_among_the_artifacts_of_its_run(house: House, page: Page) -> None:
    place(house, "SO-9104")
    page.goto(house.run("order SO-9104: order.placed"))
    tab(page, "Artifacts").click()
    # It is written a moment after the run has ended; the tab does not look again by itself.
    eventually(lambda: house.ask("/artifacts/filter", {"artifacts": {"key": {"any_": ["order-so-9104"]}}}))
    page.reload()
    tab(page, "Artifacts").click()
    page.get_by_text("order-so-9104", exact=True).click()
    expect(page.get_by_role("heading", name="order/SO-9104: Awaiting dispatch")).to_be_visible()
    expect(page.get_by_text("48 hours from")).to_be_visible()
    expect(page.get_by_role("cell", name="order.confirmed", exact=True)).to_be_visible()
    shipment = page.get_by_role("link", name="shipment/SO-9104-1")
    expect(shipment).to_have_attribute("href", "../key/shipment-so-9104-1")


def test_a_case_is_held_and_resumed_by_form_and_found_by_its_tag(house: House, page: Page) -> None:
    place(house, "SO-9105")
    house.run("order SO-9105: order.placed")
    fill(page, house, "hold", "SO-9105", "the carrier strikes", "Ann")
    page.goto(house.run("SO-9105: hold"))
    expect(page.get_by_role("banner").get_by_text("On hold", exact=True)).to_be_visible()
    assert house.case("SO-9105")["hold"]
    house.run("order SO-9105: staff.hold")
    page.goto(f"{house.ui}/runs")
    page.get_by_text("All tags").click()
    page.keyboard.type("attention:held")
    page.get_by_role("option", name="attention:held").click()
    held = page.locator(".flow-run-list-item").filter(has=page.get_by_role("link", name="staff.hold"))
    expect(held.get_by_text("On hold", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="order SO-9105: order.placed")).not_to_be_visible()
    fill(page, house, "resume", "SO-9105", "the strike is over", "Ann")
    page.goto(house.run("SO-9105: resume"))
    expect(page.get_by_role("banner").get_by_text("Awaiting dispatch", exact=True)).to_be_visible()
    assert house.case("SO-9105")["hold"] is None


def test_what_a_procedure_cannot_do_is_refused_with_the_reason(house: House, page: Page) -> None:
    place(house, "SO-9106")
    house.run("shipment SO-9106-1: shipment.requested")
    fill(page, house, "cancel", "SO-9106-1", "a mistake", "Ann")

    def refused() -> bool:
        body = {
            "flow_runs": {"state": {"name": {"any_": ["Failed"]}}},
            "flows": {"name": {"any_": ["cancel"]}},
        }
        runs = house.ask("/flow_runs/filter", body)
        return any("cancel order/SO-9106 instead" in str(run["state"]) for run in runs)

    eventually(refused)


def test_the_dashboard_of_orders_tells_how_many_stand_where(house: House, page: Page) -> None:
    for number in range(3):
        place(house, f"SO-92{number}0")
        house.run(f"order SO-92{number}0: order.placed")
    house.spoil("payment.authorize: permanent x 1")
    place(house, "SO-9290")
    house.run("SO-9290: payment.authorize", state_type="FAILED")
    waiting = house.open_cases("order", state="awaiting_dispatch")
    house.start("dashboard")
    written = eventually(lambda: house.artifact("dashboard-order", containing="order-so-9290"))
    page.goto(f"{house.ui}/artifacts/artifact/{written}")
    expect(page.get_by_role("heading", name="Order processing")).to_be_visible()
    packed = page.get_by_role("row", name="Awaiting dispatch").first
    expect(packed.get_by_role("cell").nth(1)).to_have_text(str(waiting))
    expect(page.get_by_role("heading", name="Parked steps: 30.00 EUR at stake")).to_be_visible()
    # The picture has loaded: a broken one has no width.
    for name in ("Open cases by state", "Opened and ended by hour"):
        width = page.get_by_role("img", name=name).evaluate("image => image.decode().then(() => image.width)")
        assert width > 100
