"""Who performs which commands, by the settings; and the warehouse of the examples at work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from adapters.http_command import HttpCommands
from adapters.store.records import InboxStatus, StepStatus
from adapters.stripe import StripePayments
from adapters.web import create_app
from adapters.world.provider import Provider
from deployments.bootstrap import Application, open_application
from deployments.cli import app as cli
from deployments.driving import running_driver
from deployments.errors import SettingUnusable
from deployments.providers import described
from deployments.settings import Settings, StripeProvider
from examples import warehouse
from tests.adapters.test_web import served
from tests.conftest_prefect import eventually

SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
WAREHOUSE = {"url": "http://user:hidden@127.0.0.1:9/commands?token=hidden", "secret": SECRET}
STRIPE = {"kind": "stripe", "key": "sk_test_hidden", "otherwise": WAREHOUSE}
ORDER = {
    "order": "SO-1",
    "customer": "C-1",
    "currency": "EUR",
    "buyer": {"name": "Ada", "email": "ada@customer.example"},
    "ship_to": {"street": "1 Road", "city": "Berlin", "postcode": "10115", "zone": "10", "country": "DE"},
    "deliver_by": "2030-01-01",
    "lines": [{"sku": "KETTLE", "quantity": 1, "price": 3000}],
    "payments": [{"means": "card", "token": "tok_example"}],
}


def settings(home: Path, **providers: object) -> Settings:
    return Settings.model_validate({"home": home, "providers": providers})


def test_without_providers_everything_is_simulated(tmp_path: Path) -> None:
    with open_application(settings(tmp_path)) as app:
        assert all(isinstance(one, Provider) for one in app.adapters().values())
    ((which, who),) = described(app.settings)
    assert which == "other commands"
    assert who.startswith("simulated: carrier, ")


def test_providers_take_the_place_of_parts_of_the_simulated_world(tmp_path: Path) -> None:
    with open_application(settings(tmp_path, warehouse=WAREHOUSE, payment=STRIPE)) as app:
        adapters = app.adapters()
    assert isinstance(adapters["warehouse"], HttpCommands)
    assert isinstance(adapters["payment"], StripePayments)
    assert isinstance(adapters["stock"], Provider)
    told = dict(described(app.settings))
    assert told["warehouse.* commands"] == "HTTP at http://127.0.0.1:9"
    assert told["payment.* commands"] == "Stripe, test mode; what is not by card: HTTP at http://127.0.0.1:9"
    assert "warehouse" not in told["other commands"]
    assert "hidden" not in f"{told} {app.settings.shown('providers')} {app.settings!r}"


@pytest.mark.parametrize(
    ("prefix", "provider", "told"),
    [
        (
            "warehous",
            WAREHOUSE,
            "providers.warehous: no commands to give to a provider; write one of carrier, ",
        ),
        ("message", WAREHOUSE, "providers.message: no commands to give to a provider"),
        ("carrier", STRIPE, r"providers.carrier: Stripe performs payment.\* commands alone"),
    ],
)
def test_a_provider_of_what_it_cannot_do_is_refused(
    tmp_path: Path, prefix: str, provider: dict[str, object], told: str
) -> None:
    with (
        open_application(settings(tmp_path, **{prefix: provider})) as app,
        pytest.raises(SettingUnusable, match=told),
    ):
        app.adapters()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x", "secret": SECRET},
        {"url": "http://x"},
        {**WAREHOUSE, "secret": "hidden"},
        {"kind": "x"},
    ],
)
def test_a_provider_that_is_not_well_described_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(tmp_path, warehouse=wrong)
    assert "hidden" not in "".join(error["msg"] for error in caught.value.errors(include_input=False))


def test_a_secret_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sop.toml"
    file.write_text('[providers.payment]\nkind = "stripe"\nlimit = 7\n', "utf-8")
    monkeypatch.setenv("SOP_CONFIG", str(file))
    monkeypatch.setenv("SOP_PROVIDERS", '{"payment": {"key": "sk_live_hidden"}}')
    provider = Settings().providers["payment"]
    assert isinstance(provider, StripeProvider)
    assert (provider.limit, provider.key.get_secret_value()) == (7, "sk_live_hidden")
    assert dict(described(Settings()))["payment.* commands"] == "Stripe, live mode"


def test_the_doctor_says_which_providers_are_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOP_HOME", str(tmp_path))
    monkeypatch.setenv("SOP_PROVIDERS", json.dumps({"warehouse": WAREHOUSE, "payment": STRIPE}))
    with open_application(Settings()):
        answer = CliRunner().invoke(cli, ["doctor", "--json"])
    found = {row["part"]: row["found"] for row in json.loads(answer.stdout)["checks"]}
    assert found["warehouse.* commands"] == "HTTP at http://127.0.0.1:9"
    assert found["payment.* commands"].startswith("Stripe, test mode")
    assert found["other commands"].startswith("simulated: carrier, ")
    assert "hidden" not in answer.stdout


def test_what_a_provider_is_asked_and_may_answer_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOP_HOME", str(tmp_path))
    told = json.loads(CliRunner().invoke(cli, ["commands", "carrier.buy_label", "--json"]).stdout)
    (label,) = told
    assert label["procedures"] == ["shipment"]
    assert label["personal"] == {"purpose": "delivery of a parcel", "fields": ["city", "postcode", "street"]}
    assert [one["type"] for one in label["outcomes"]] == ["carrier.label_bought", "carrier.label_refused"]
    assert set(label["arguments"]["properties"]) >= {"parcel", "ship_to"}
    table = CliRunner().invoke(cli, ["commands", "warehouse"])
    assert "warehouse.submit" in table.stdout
    wrong = CliRunner().invoke(cli, ["commands", "warehous"])
    assert (wrong.exit_code, "prefixes are carrier," in wrong.stderr) == (2, True)


# -- the warehouse of the examples -----------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """An installation whose warehouse is the one of the examples, with its events coming in over HTTP."""
    monkeypatch.setenv("WAREHOUSE_SECRET", SECRET)
    warehouse.taken.clear()
    with served(warehouse.app) as address:
        mine = settings(tmp_path, warehouse={"url": f"{address}/commands", "secret": SECRET})
        with (
            open_application(mine) as app,
            served(create_app(app.intake, store=app.store, explain=app.explain)) as events,
            running_driver(app),
        ):
            monkeypatch.setenv("SOP_EVENTS", f"{events}/events")
            yield app


def place(app: Application, **changes: Any) -> None:
    app.submit({"id": "1", "type": "order.placed", "subject": "SO-1", "data": {**ORDER, **changes}})


def test_a_warehouse_that_answers_later_is_waited_for(shop: Application) -> None:
    place(shop)
    submit = "warehouse.submit"
    eventually(
        lambda: [one.outcome for one in shop.store.steps(command=submit)] == ["warehouse.accepted"],
        seconds=60,
    )
    (step,) = shop.store.steps(command=submit)
    letter = shop.store.letter(source="step", id=step.key)
    assert letter is not None
    assert letter.status is InboxStatus.APPLIED
    entries = [entry.event for entry, _ in shop.store.journal("order/SO-1")]
    assert entries.count("warehouse.accepted") == 1


def test_what_a_warehouse_refuses_is_parked_with_its_words(shop: Application) -> None:
    place(shop, lines=[{"sku": "KETTLE", "quantity": 9, "price": 100}])
    eventually(lambda: bool(shop.store.steps(status=(StepStatus.PARKED,))), seconds=60)
    (step,) = shop.store.steps(status=(StepStatus.PARKED,))
    assert step.error == (
        "warehouse.submit: answered 422: too many pieces: 9 pieces do not fit into one parcel"
    )


def test_the_documents_of_the_protocol_are_json() -> None:
    """What ``docs/howto/integrate-a-provider.md`` shows is what is sent and taken."""
    page = Path(__file__).parents[2] / "docs" / "howto" / "integrate-a-provider.md"
    for block in page.read_text("utf-8").split("```json\n")[1:]:
        json.loads(block.partition("```")[0])
