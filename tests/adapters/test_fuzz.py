"""Whatever comes in over HTTP is taken or is a problem that says why: no stack trace, never half of it."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.correction import Correction
from adapters.envelope import BATCH, STRUCTURED
from adapters.errors import SealBroken
from adapters.event_types import samples
from adapters.intake import InvalidEvents
from adapters.signatures import SourceKeys
from machines.catalogue import CATALOGUE
from tests.adapters.test_web import app, ask
from tests.adapters.toys import NOW, ToyStore, real

thorough = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
KEYS = SourceKeys({"shop": ["whsec_" + "A" * 44]}, unsigned=True, clock=lambda: NOW)
STORE = ToyStore()
HOUSE, GUARDED = app(intake=real(STORE)), app(intake=real(STORE), keys=KEYS)
EXAMPLES = [one for name, kind in CATALOGUE.outside.items() for one in samples(kind, CATALOGUE.taker(name))]
CLEAR = ("Ada Example", "ada@customer.example", "1 Sample Street")
PROBLEM = {"type", "title", "status", "code", "runbook", "detail"}

texts = st.text(max_size=20) | st.sampled_from(
    ["", "SO-1001", "order/SO-1", "shop", "staff", "sealed:1:C-1:x", "1.0", "\x00", "\ud7ff", "a@b.example"]
)
numbers = st.integers() | st.integers(-3, 3) | st.floats()
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def dumped(value: object) -> bytes:
    """As Python writes JSON: NaN and numbers of any length included."""
    return json.dumps(value).encode()


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    """An example with some of its parts taken out, replaced or added to."""
    event: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(EXAMPLES)))
    for _ in range(draw(st.integers(0, 3))):
        _spoil(draw, event)
    return event


def _spoil(draw: st.DrawFn, part: Any) -> None:
    keys = list(part) if isinstance(part, dict) else list(range(len(part)))
    if not keys:
        return
    key = draw(st.sampled_from(keys))
    if isinstance(part[key], dict | list) and draw(st.booleans()):
        _spoil(draw, part[key])
        return
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "remove":
            del part[key]
        case "add" if isinstance(part, dict):
            part[draw(texts)] = draw(values)
        case _:
            part[key] = draw(values)


def post(body: bytes, headers: Mapping[str, str], house: FastAPI = HOUSE) -> int:
    """To a house that has received nothing yet: the status of an answer that is as promised."""
    STORE.clear()
    raw = {name: value.encode("latin-1", "replace") for name, value in headers.items()}
    answer = ask(house, "POST", "/events", content=body, headers=raw)
    if answer.status_code == 202:
        assert len(STORE.letters) <= len(answer.json()["accepted"])
        return 202
    assert answer.status_code in {400, 401, 413, 415, 422}, answer.text
    assert STORE.letters == []
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) - {"errors"} == PROBLEM
    assert all(problem[name] for name in PROBLEM)
    assert all(fault["remedy"] for fault in problem.get("errors", []))
    assert not any(clear in answer.text for clear in CLEAR)
    return answer.status_code


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@thorough
@given(st.lists(spoiled(), min_size=1, max_size=3))
def test_spoiled_events(events: list[dict[str, Any]]) -> None:
    body, kind = (dumped(events), BATCH) if len(events) > 1 else (dumped(events[0]), STRUCTURED)
    post(body, {"content-type": kind})


@thorough
@given(
    st.binary(max_size=60) | values.map(dumped),
    st.sampled_from([STRUCTURED, BATCH, "application/json", "", "text/plain", "application/json;=;"]) | texts,
    st.dictionaries(st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-subject", "ce-x"]), texts),
)
def test_any_bytes_in_any_mode(body: bytes, kind: str, attributes: dict[str, str]) -> None:
    post(body, {"content-type": kind, **attributes})


@thorough
@given(
    st.sampled_from(EXAMPLES).map(dumped),
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        texts | st.sampled_from(["v1,", "v1,AAAA v1a,x", str(int(NOW.timestamp())), "9" * 400, "-1"]),
    ),
)
def test_nothing_but_the_right_signature_opens_the_door(body: bytes, headers: dict[str, str]) -> None:
    assert post(body, {"content-type": STRUCTURED, **headers}, GUARDED) == 401


@thorough
@given(
    spoiled(),
    st.sampled_from(EXAMPLES),
    st.none() | st.sampled_from(sorted(CATALOGUE.outside)) | texts,
    st.none() | texts,
)
def test_any_correction_of_a_letter(
    patch: dict[str, Any], original: dict[str, Any], type: str | None, subject: str | None
) -> None:
    store = ToyStore()
    intake = real(store)
    intake.accept([original])
    data = patch.get("data")
    changes = Correction(subject, type, data if isinstance(data, dict) else {})
    try:
        corrected = intake.correct(store.letters[0], changes)
    except (InvalidEvents, SealBroken) as error:
        told = str(error)
    else:
        told = corrected.body.decode()
        CATALOGUE.event(corrected.type).model_validate_json(corrected.body)
    assert not any(clear in told for clear in CLEAR)


@thorough
@given(st.sampled_from(["cases", "events", "answers", "policy"]), st.lists(texts, max_size=3))
def test_any_address(first: str, rest: list[str]) -> None:
    try:
        url = httpx.URL("http://sop").copy_with(path="/".join(["", first, *rest]))
    except httpx.InvalidURL:
        return
    answer = ask(HOUSE, "GET", url.raw_path.decode())
    assert answer.status_code in {200, 307, 404, 405}, answer.text
