"""Signed events: what independent senders sign is taken, everything else is told what is wrong with it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import httpx
import orjson
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook

from adapters.envelope import BATCH, STRUCTURED
from adapters.signatures import SourceKeys, parse_key, sign
from tests.adapters.test_web import app, ask
from tests.adapters.toys import NOW, Placed, ToyStore, placed

OLD, NEW, OTHER = (f"whsec_{b64encode(letter * 32).decode()}" for letter in (b"o", b"n", b"x"))
KEYS = {"shop": [NEW, OLD], "carrier": [OTHER]}
keys = partial(SourceKeys, KEYS, clock=lambda: NOW)


def house(store: ToyStore | None = None, *, unsigned: bool = True) -> FastAPI:
    return app(store, keys=keys(unsigned=unsigned))


def signed(body: bytes, *secrets: str, at: datetime = NOW, id: str = "msg-1") -> dict[str, str]:
    """As a sender does that knows nothing of us but the standard."""
    return {
        "content-type": STRUCTURED,
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id, at, body.decode()) for secret in secrets),
    }


def send(application: FastAPI, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    return ask(application, "POST", "/events", content=body, headers=dict(headers))


BODY = orjson.dumps(placed())


@pytest.mark.parametrize("secrets", [(NEW,), (OLD,), (OTHER, OLD)], ids=["new", "old", "among others"])
def test_any_key_of_the_source_will_do(secrets: Sequence[str]) -> None:
    store = ToyStore()
    assert send(house(store), BODY, signed(BODY, *secrets)).status_code == 202
    assert len(store.letters) == 1


def test_what_we_sign_others_can_verify() -> None:
    at = datetime.now(NOW.tzinfo)
    headers = signed(BODY, at=at) | {"webhook-signature": sign(parse_key(NEW), id="msg-1", at=at, body=BODY)}
    assert Webhook(NEW).verify(BODY, headers) == placed()


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in signed(BODY, NEW).items() if name not in names}


LATER = int(NOW.timestamp()) + 1
RIGHT = signed(BODY, NEW)["webhook-signature"]
REFUSED = [
    ("not signed at all", {"content-type": STRUCTURED}, "signature-missing"),
    ("no id", without("webhook-id"), "signature-missing"),
    ("no timestamp", without("webhook-timestamp"), "signature-missing"),
    ("no signature", without("webhook-signature"), "signature-missing"),
    ("a date as timestamp", signed(BODY, NEW) | {"webhook-timestamp": "2026-12-01"}, "signature-missing"),
    ("digits of another script", signed(BODY, NEW) | {"webhook-timestamp": "²"}, "signature-missing"),
    ("too old", signed(BODY, NEW, at=NOW - timedelta(minutes=5, seconds=1)), "signature-expired"),
    ("of the future", signed(BODY, NEW, at=NOW + timedelta(minutes=5, seconds=1)), "signature-expired"),
    ("the key of another source", signed(BODY, OTHER), "signature-wrong"),
    ("another body", signed(BODY + b" ", NEW), "signature-wrong"),
    ("another id", signed(BODY, NEW) | {"webhook-id": "msg-2"}, "signature-wrong"),
    ("a later timestamp", signed(BODY, NEW) | {"webhook-timestamp": str(LATER)}, "signature-wrong"),
    ("another version", signed(BODY, NEW) | {"webhook-signature": "v2" + RIGHT[2:]}, "signature-wrong"),
    ("no version", signed(BODY, NEW) | {"webhook-signature": RIGHT[3:]}, "signature-wrong"),
    ("not base64", signed(BODY, NEW) | {"webhook-signature": "v1,\xe4,,="}, "signature-wrong"),
    ("after too many", signed(BODY, NEW) | {"webhook-signature": "v1,x " * 20 + RIGHT}, "signature-wrong"),
]


@pytest.mark.parametrize(("name", "headers", "code"), REFUSED, ids=[name for name, *_ in REFUSED])
def test_who_signs_wrongly_is_told_why_and_no_more(name: str, headers: dict[str, str], code: str) -> None:
    store = ToyStore()
    raw = {header: value.encode("latin-1") for header, value in headers.items()}
    answer = ask(house(store), "POST", "/events", content=BODY, headers=raw)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (401, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "StandardWebhooks"
    assert problem["detail"].endswith("nothing was stored")
    assert not any(secret in answer.text for secret in (*KEYS["shop"], *KEYS["carrier"], RIGHT))
    assert not store.letters


@pytest.mark.parametrize("minutes", [-5, 5])
def test_clocks_may_be_minutes_apart(minutes: int) -> None:
    headers = signed(BODY, NEW, at=NOW + timedelta(minutes=minutes))
    assert send(house(), BODY, headers).status_code == 202


def test_a_body_that_is_no_text_is_a_problem_of_its_own() -> None:
    answer = send(house(), b"\xff\xfe", signed(BODY, NEW))
    assert (answer.status_code, answer.json()["code"]) == (400, "not-json")


def test_every_source_of_a_batch_must_have_signed_it() -> None:
    body = orjson.dumps([placed(1), placed(2, source="carrier"), placed(3, source="till")])
    for secrets, status in (((NEW,), 401), ((OTHER,), 401), ((NEW, OTHER), 202)):
        headers = signed(body, *secrets) | {"content-type": BATCH}
        assert send(house(), body, headers).status_code == status


def test_a_source_without_keys_sends_as_it_is_unless_all_must_sign() -> None:
    body = orjson.dumps(placed(source="till"))
    plain = {"content-type": STRUCTURED}
    assert send(house(), body, plain).status_code == 202
    assert send(house(unsigned=False), body, plain).json()["code"] == "signature-missing"
    # The same answer as for a wrong key: nobody learns from it which sources are known.
    assert send(house(unsigned=False), body, signed(body, NEW)).json()["code"] == "signature-wrong"


@pytest.mark.parametrize("event", [[], 1, {"source": ["shop"]}, {"source": None}])
def test_who_names_no_source_gets_nothing_in(event: object) -> None:
    answer = send(house(unsigned=False), orjson.dumps(event), {"content-type": STRUCTURED})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-event")


def cloud_event() -> CloudEvent:
    return CloudEvent(
        {"id": "ce-1", "source": "shop", "type": "toy.placed", "subject": "T-1", "time": NOW},
        Placed.examples[0],
    )


def test_the_cloudevents_package_is_understood_in_both_modes() -> None:
    for make in (to_structured_event, to_binary_event):
        store = ToyStore()
        message = make(cloud_event())
        headers = {"content-type": "application/json", **message.headers}
        answer = ask(app(store), "POST", "/events", content=message.body, headers=headers)
        assert answer.status_code == 202, answer.text
        assert (store.letters[0].id, store.letters[0].key) == ("ce-1", "T-1")


def test_in_binary_mode_the_signature_would_leave_the_attributes_open() -> None:
    message = to_binary_event(cloud_event())
    headers = {**message.headers, **signed(message.body, NEW), "content-type": "application/json"}
    assert send(house(), message.body, headers).json()["code"] == "signature-partial"
    structured = to_structured_event(cloud_event())
    assert send(house(), structured.body, signed(structured.body, NEW)).status_code == 202


@pytest.mark.parametrize("text", ["", "whsec_", "hunter2hunter2hunter2hunter2", "whsec_" + "A" * 88, "ä"])
def test_what_is_no_key_is_said_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="a key is whsec_ and the base64 of 24 to 64") as caught:
        SourceKeys({"shop": [text]}, unsigned=True, clock=lambda: NOW)
    assert not text or text not in str(caught.value).replace("whsec_", "")
