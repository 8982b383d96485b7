"""What Prometheus reads of a house that has worked: the figures are true, hold no key, and are those that the
documentation lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from adapters.errors import StoreUnavailable
from adapters.intake import InvalidEvents
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.store.opening import open_store
from adapters.store.outage import Outage, Phase
from adapters.store.records import Backlog, StepStatus
from adapters.web import create_app
from flows.breaker import Caution
from flows.figures import served_figures
from machines.catalogue import CATALOGUE
from tests.adapters.test_web import ask
from tests.conftest_prefect import free_port
from tests.flows.test_never_twice import House, until

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "monitoring.md"
_ROW = re.compile(r"^\| `(sop_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)

Kinds = dict[str, tuple[str, frozenset[str]]]


def documented(part: str) -> Kinds:
    """Metric -> (type, labels), as the table of that part has them."""
    _, _, after = PAGE.read_text("utf-8").partition(f"igures of {part}")
    rows = _ROW.findall(re.split(r"\nFigures of|\n## ", after)[0])
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def exported(text: str) -> Kinds:
    return {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            frozenset(name for sample in family.samples for name in sample.labels) - {"le"},
        )
        for family in text_string_to_metric_families(text)
    }


def value(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if (sample.name, sample.labels) == (name, labels):
                return sample.value
    return None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """With one order that waits for its parcel, one whose payment was refused for good, a letter that found
    no case, and refunds that are out."""
    hydrate = {procedure.name: {procedure.version: procedure.data} for procedure in CATALOGUE}
    store = open_store(f"sqlite:///{tmp_path / 'cases.db'}", hydrate=hydrate)
    store.migrate()
    house = House(store, Vault(store, master=MasterKeys(b"m" * 32)), caution=Caution())
    now = house.now()
    out = Outage("payment.refund", Phase.OUT, since=now, changed=now, due=now + timedelta(hours=1))
    store.outages.change(None, out, now=now)
    house.driver.start()
    house.faults.set("payment.authorize: permanent x 1\n")
    house.place("SO-1")
    until(lambda: bool(store.steps(status=[StepStatus.PARKED])))
    house.place("SO-2")
    house.send("SO-9-1", "shipment.dispatched", {})
    until(lambda: bool(house.store.cases(sop="shipment")) and store.backlog(house.now()).unmatched == 1)
    yield house
    house.driver.stop()
    store.close()


def web(house: House) -> FastAPI:
    return create_app(house.intake, store=house.store, explain=lambda case: [])


def scraped(application: FastAPI) -> str:
    answer = ask(application, "GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def test_a_web_process_shows_the_store_and_what_it_did_itself(house: House) -> None:
    application = web(house)
    with pytest.raises(InvalidEvents):
        house.intake.accept([{"type": "order.placed"}, {"type": "nonsense"}, 17])
    scraped(application)
    text = scraped(application)
    assert value(text, "sop_up") == 1
    payment = {"sop": "order", "command": "payment.authorize"}
    assert value(text, "sop_open_steps", status="parked", code="rejected", **payment) == 1
    assert value(text, "sop_outage", command="payment.refund", phase="out") == 1
    assert value(text, "sop_letters", status="unmatched") == 1
    assert value(text, "sop_letters", status="dead") == 0
    assert value(text, "sop_overdue_timers") == value(text, "sop_overdue_steps") == 0
    assert (value(text, "sop_worker_heartbeat_age_seconds", worker="w-1") or 0) >= 0
    assert value(text, "sop_intake_events_total", sop="order", result="accepted") == 2
    assert value(text, "sop_intake_events_total", sop="order", result="refused") == 1
    assert value(text, "sop_intake_events_total", sop="", result="refused") == 2
    route = {"method": "GET", "route": "/metrics", "status": "200"}
    assert value(text, "sop_http_request_duration_seconds_count", **route) == 1
    assert "SO-" not in text


def test_a_store_that_is_away_is_shown_and_is_no_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    application = web(house)

    def away(now: object) -> Backlog:
        raise StoreUnavailable("no route to host")

    monkeypatch.setattr(house.store, "backlog", away)
    text = scraped(application)
    assert value(text, "sop_up") == 0
    assert exported(text).keys() < documented("the **web** process").keys()


def test_a_worker_shows_what_it_did_on_a_port_of_its_own(house: House) -> None:
    port = free_port()
    with served_figures(house.driver, host="127.0.0.1", port=port):
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        with (
            pytest.raises(OSError, match="in use"),
            served_figures(house.driver, host="127.0.0.1", port=port),
        ):
            pass
    assert value(text, "sop_worker_events_total", sop="order", event="order.placed") == 2
    refused = {"command": "payment.authorize", "outcome": "rejected"}
    assert value(text, "sop_worker_commands_total", **refused) == 1
    authorised = {"command": "payment.authorize", "outcome": "payment.authorized"}
    assert value(text, "sop_worker_commands_total", **authorised) == 1
    assert value(text, "sop_worker_breaker_open", command="payment.refund") == 1
    assert (value(text, "sop_worker_loop_seconds_total", part="write") or 0) > 0
    assert "SO-" not in text
    assert exported(text) == documented("a **worker**")


def test_the_figures_of_a_web_process_are_those_that_the_page_lists(house: House) -> None:
    application = web(house)
    scraped(application)
    found = exported(scraped(application))
    listed = documented("the **web** process")
    # Nothing is leased at rest, and a family without samples shows no labels.
    assert found.pop("sop_worker_leased_cases")[0] == listed.pop("sop_worker_leased_cases")[0]
    assert found == listed
