"""Commands over HTTP, to a provider on the loopback that answers as told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from standardwebhooks import Webhook

from adapters.command import Later
from adapters.errors import Rejected, Unavailable
from adapters.http_command import Endpoint, HttpCommands
from adapters.http_command.document import DISCLOSURES, Writer
from adapters.master_key import MasterKeys
from adapters.personal import personal_fields
from adapters.sealing import Vault
from adapters.signatures import message_id
from deployments.providers import commands
from machines.between import Address, Pick
from machines.kernel.command import Command
from machines.kernel.event import Event
from machines.order.asks import Submission
from machines.order.events import OrderAmended
from machines.order.outcomes import WarehouseAccepted
from machines.returns.commands import InboundLabel
from tests.adapters.toys import ToyStore

SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
KETTLE = (Pick(sku="KETTLE", quantity=1),)
SUBMIT = Command(
    "warehouse.submit",
    "order/SO-1/warehouse.submit/7",
    Submission(order="SO-1", items=KETTLE, deliver_by=date(2026, 12, 24)),
)
ACCEPTED = {
    "type": "warehouse.accepted",
    "data": {"parcels": [{"items": [{"sku": "KETTLE", "quantity": 1}]}]},
}


class Provider:
    """Gives ``answers`` one after the other, the last for ever; keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[Response] = [json(200, ACCEPTED)]
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self.hangs = False
        self.url = ""
        self.app = FastAPI()

        @self.app.post("/commands")
        async def take(request: Request) -> Response:
            self.sent.append((dict(request.headers), await request.body()))
            if self.hangs:
                await asyncio.sleep(60)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @contextmanager
    def running(self) -> Iterator[None]:
        config = uvicorn.Config(
            self.app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        give_up = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < give_up, "the provider did not start"
            time.sleep(0.005)
        self.url = f"http://user:hidden@127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/commands"
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def json(status: int, body: object, **headers: str) -> Response:
    problem = status >= 400
    media = "application/problem+json" if problem else "application/json"
    return Response(orjson.dumps(body), status, headers, media)


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    with provider.running():
        yield provider


def ask(
    provider: Provider, command: Command = SUBMIT, *, vault: Vault | None = None, timeout: float = 20.0
) -> Event | Later | Exception:
    async def run() -> Event | Later:
        adapter = HttpCommands(
            Endpoint(url=provider.url, secret=SECRET, timeout=timeout, wait=60),
            commands=commands()[command.name.partition(".")[0]],
            writer=Writer(vault or vault_on(ToyStore())),
            clock=lambda: datetime.now(UTC),  # what is signed is good for five minutes
        )
        try:
            return await adapter.perform(command)
        finally:
            await adapter.close()

    try:
        return asyncio.run(run())
    except (Unavailable, Rejected) as error:
        return error


def test_a_command_is_posted_signed_under_its_key_and_answered_with_an_outcome(provider: Provider) -> None:
    assert isinstance(ask(provider), WarehouseAccepted)
    ((headers, body),) = provider.sent
    assert Webhook(SECRET).verify(body, headers) == {
        "command": "warehouse.submit",
        "key": "order/SO-1/warehouse.submit/7",
        "procedure": "order",
        "case": "SO-1",
        "arguments": {
            "order": "SO-1",
            "items": [{"sku": "KETTLE", "quantity": 1}],
            "deliver_by": "2026-12-24",
        },
        "outcomes": ["warehouse.accepted", "warehouse.rejected"],
    }
    assert headers["idempotency-key"] == SUBMIT.key
    assert headers["webhook-id"] == message_id(SUBMIT.key)


def test_a_provider_may_answer_later(provider: Provider) -> None:
    provider.answers = [Response(status_code=202)]
    assert ask(provider) == Later(60)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(provider: Provider, status: int) -> None:
    provider.answers = [json(status, {"detail": "busy"}, **{"Retry-After": "120"})]
    failure = ask(provider)
    assert isinstance(failure, Unavailable)
    assert (str(failure), failure.after) == (f"warehouse.submit: answered {status}", 120)


def test_a_time_to_wait_may_be_a_date(provider: Provider) -> None:
    when = f"{datetime.now(UTC).replace(microsecond=0):%a, %d %b %Y %H:%M:%S} GMT"
    provider.answers = [json(503, {}, **{"Retry-After": when})]
    assert isinstance(failure := ask(provider), Unavailable)
    assert failure.after == 0
    provider.answers = [json(503, {}, **{"Retry-After": "soon"})]
    assert isinstance(failure := ask(provider), Unavailable)
    assert failure.after == 0


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410, 422])
def test_what_no_try_can_help_is_rejected_with_the_providers_words(provider: Provider, status: int) -> None:
    provider.answers = [json(status, {"title": "No such article", "detail": "KETTLE\nis\tunknown"})]
    failure = ask(provider)
    assert isinstance(failure, Rejected)
    told = ": No such article: KETTLE is unknown" if status >= 400 else ""
    assert str(failure) == f"warehouse.submit: answered {status}{told}"


def test_a_provider_that_hangs_or_is_away_is_tried_again(provider: Provider) -> None:
    provider.hangs = True
    assert str(ask(provider, timeout=0.2)) == "warehouse.submit: no answer within 0.2 s"
    provider.url = "http://user:hidden@127.0.0.1:1/"
    failure = ask(provider)
    assert isinstance(failure, Unavailable)
    assert str(failure) == "warehouse.submit: the connection failed (ConnectError)"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "answered 200 with what is not JSON; send an outcome, or 202"),
        (b"[]", "answered 200 with what is not a JSON object; send an outcome, or 202"),
        (b"{}", "the type of the answer is none of warehouse.accepted, warehouse.rejected"),
        (
            b'{"type": "payment.captured"}',
            "the type of the answer is none of warehouse.accepted, warehouse.rejected",
        ),
        (
            b'{"type": "warehouse.rejected", "data": {"reason": 5, "secret": "x"}}',
            "warehouse.rejected in the answer is not valid: reason: Input should be a valid string",
        ),
        (
            b'{"type": "warehouse.rejected", "data": {"reason": "sealed:1:C-1:abc"}}',
            "a text in the answer begins with 'sealed:', which is reserved",
        ),
        (b" " * (2 << 20), "the answer is longer than 1048576 bytes"),
    ],
)
def test_what_is_no_outcome_of_the_command_is_rejected(provider: Provider, body: bytes, told: str) -> None:
    provider.answers = [Response(body, 200)]
    failure = ask(provider)
    assert isinstance(failure, Rejected)
    assert str(failure) == f"warehouse.submit: {told}"


# -- personal fields -------------------------------------------------------------------------------

CLEAR = {"street": "12 Hill Rd", "city": "Bergdorf", "postcode": "90210"}


def vault_on(store: ToyStore) -> Vault:
    return Vault(store, master=MasterKeys(b"m" * 32))


def sealed(vault: Vault) -> Address:
    """As it lies in the store, sealed for customer C-1."""
    clear = Address(**CLEAR, zone="90", country="DE")
    body = vault.seal_event(OrderAmended(customer="C-1", ship_to=clear), customer="C-1")
    address = OrderAmended.model_validate_json(body).ship_to
    assert address is not None
    return address


def label(vault: Vault) -> Command:
    asked = InboundLabel(rma="SO-1-RT1", sender=sealed(vault), items=KETTLE)
    return Command("carrier.return_label", "return/SO-1-RT1/carrier.return_label/3", asked)


def arguments(provider: Provider) -> Any:
    return orjson.loads(provider.sent[-1][1])["arguments"]


def test_personal_fields_are_opened_for_the_purpose_that_needs_them(provider: Provider) -> None:
    vault = vault_on(ToyStore())
    provider.answers = [json(200, {"type": "carrier.return_label_issued", "data": {"tracking": "T-1"}})]
    ask(provider, label(vault), vault=vault)
    assert arguments(provider)["sender"] == {**CLEAR, "zone": "90", "country": "DE"}


def test_other_personal_fields_are_not_sent(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = vault_on(ToyStore())
    monkeypatch.delitem(DISCLOSURES, "carrier.return_label")
    ask(provider, label(vault), vault=vault)
    assert arguments(provider)["sender"] == {**dict.fromkeys(CLEAR), "zone": "90", "country": "DE"}


def test_errors_do_not_repeat_what_is_personal_or_secret(provider: Provider) -> None:
    vault = vault_on(ToyStore())
    quoted = f"{CLEAR['street'].upper()}, {CLEAR['postcode']} {CLEAR['city']} has no collection"
    provider.answers = [json(422, {"title": "No collection", "detail": quoted})]
    failure = ask(provider, label(vault), vault=vault)
    told = "(personal), (personal) (personal) has no collection"
    assert str(failure) == f"carrier.return_label: answered 422: No collection: {told}"


def test_a_customer_who_was_erased_is_not_asked_about(provider: Provider) -> None:
    vault = vault_on(ToyStore())
    command = label(vault)
    stranger = vault_on(ToyStore())
    failure = ask(provider, command, vault=stranger)
    assert isinstance(failure, Rejected)
    assert provider.sent == []


def test_keys_that_cannot_be_read_now_are_worth_another_try(provider: Provider) -> None:
    store = ToyStore()
    command = label(vault_on(store))

    store.down = True
    assert isinstance(ask(provider, command, vault=vault_on(store)), Unavailable)


def test_every_personal_field_that_a_command_carries_has_a_purpose() -> None:
    """A new one must be thought about: to whom is it given, and what for?"""
    for kinds in commands().values():
        for name, kind in kinds.items():
            carried = {field.rpartition(".")[2] for field in personal_fields(kind.takes)}
            given = DISCLOSURES[name].fields if name in DISCLOSURES else frozenset[str]()
            assert name.startswith("message.") or carried == given, name


def test_no_outcome_is_personal() -> None:
    """What providers answer is kept as it is."""
    for kinds in commands().values():
        for kind in kinds.values():
            assert [field for one in kind.outcomes for field in personal_fields(one)] == []
