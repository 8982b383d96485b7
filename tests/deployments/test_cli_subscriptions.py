"""``sop subscribe`` and ``sop subscriptions``: who is told what, and how far; the doctor tells who is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.bulletins.subscribing import Moved
from adapters.signatures import parse_key
from adapters.store.bulletins import SubscriptionStatus, Waiting
from deployments.bootstrap import Application, open_application, utc_now
from deployments.cli import app as sop
from deployments.cli.doctor import subscriber
from deployments.settings import Settings
from tests.adapters.store.test_bulletins import ERP

URL = "https://erp.example/cases"

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def app() -> Iterator[Application]:
    with open_application(Settings()) as opened:
        yield opened


def run(*arguments: str, code: int = 0) -> Result:
    answer = CliRunner().invoke(sop, list(arguments))
    assert answer.exit_code == code, answer.output
    return answer


def listed() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("subscriptions", "--json").stdout)
    return found


def test_a_secret_is_shown_when_it_is_made_and_never_again(app: Application, folder: Path) -> None:
    made = json.loads(run("subscribe", URL, "--name", "erp", "--json").stdout)
    assert (made["name"], made["url"]) == ("erp", URL)
    secret = parse_key(made["secret"])
    assert made["secret"] not in run("subscriptions").stdout + run("subscriptions", "--json").stdout
    rotated = json.loads(run("subscriptions", "rotate", "erp", "--json").stdout)
    assert rotated["secret"] != made["secret"]
    in_words = run("subscriptions", "rotate", "erp").stdout
    assert "erp has a new secret; the former one is good for 24 h" in in_words
    assert "secret, shown this once: whsec_" in in_words
    on_disk = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert secret not in on_disk
    assert made["secret"].encode() not in on_disk


def test_a_subscription_is_listed_paused_resumed_replayed_and_removed(app: Application) -> None:
    assert "Subscriptions: none" in run("subscriptions").stdout
    in_words = run("subscribe", URL, "--sop", "order", "--sop", "refund", "--type", "case.ended").stdout
    assert "erp.example is told what happens from now on" in in_words
    (one,) = listed()
    assert one == {
        "name": "erp.example",
        "url": URL,
        "status": "active",
        "procedures": ["order", "refund"],
        "types": ["case.ended"],
        "position": 0,
        "waiting": 0,
        "oldest": None,
        "attempts": 0,
        "next_try": None,
        "error": "",
    }
    assert "order, refund" in run("subscriptions").stdout
    assert "is paused; 0 events wait for it" in run("subscriptions", "pause", "erp.example").stdout
    assert listed()[0]["status"] == "paused"
    assert json.loads(run("subscriptions", "resume", "erp.example", "--json").stdout)["status"] == "active"
    replayed = run("subscriptions", "replay", "erp.example", "--from", "2026-12-03T10:20:00Z").stdout
    assert "erp.example is told from position 1 on; 0 events wait for it" in replayed
    assert "erp.example is removed" in run("subscriptions", "remove", "erp.example").stdout
    assert listed() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["subscribe", "http://erp.example"], "write https://, or set plain_subscribers = true"),
        (["subscribe", URL, "--sop", "ordr"], "sop 'ordr' is not known; write complaint or order"),
        (["subscribe", URL, "--type", "ended"], "type 'ended' is not known; write case.asked"),
        (["subscriptions", "replay", "erp", "--from", "7"], "from 7: nothing has happened yet"),
        (["subscriptions", "pause", "crm"], "no subscription is called 'crm'; there is erp"),
        (["subscriptions", "rotate", "crm"], "[no-such-subscription]"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_remedy(
    app: Application, arguments: list[str], words: str
) -> None:
    app.subscribing.subscribe(URL, name="erp")
    assert words in run(*arguments, code=2).stderr


def test_a_setting_lets_events_go_by_plain_http(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOP_PLAIN_SUBSCRIBERS", "true")
    run("subscribe", "http://erp.example")
    assert [one["url"] for one in listed()] == ["http://erp.example"]


def test_nothing_is_made_where_there_is_no_installation(folder: Path) -> None:
    for arguments in (["subscribe", URL], ["subscriptions"], ["subscriptions", "pause", "erp"]):
        assert "[no-installation]" in run(*arguments, code=2).stderr
    assert list(folder.iterdir()) == []


def test_the_doctor_names_each_subscription_and_whom_nothing_reaches(app: Application) -> None:
    app.subscribing.subscribe(URL, name="well")
    app.subscribing.subscribe(URL, name="gone")
    app.store.bulletins.change(
        "gone", lambda known: replace(known, status=SubscriptionStatus.DISABLED, error="it answered 410")
    )
    answer = run("doctor", "--json", code=1)
    found = {row["part"]: row for row in json.loads(answer.stdout)["checks"]}
    assert found["subscription well"][""] == "ok"
    assert found["subscription gone"][""] == "!!"
    assert found["subscription gone"]["found"] == "disabled: it answered 410; 0 events wait for it"
    assert found["subscription gone"]["runbook"] == "docs/runbook/subscription-disabled.md"


def test_the_doctor_tells_who_lags_and_why() -> None:
    now = utc_now()
    late = Waiting(3, now - timedelta(hours=2))
    slow = subscriber(Moved(ERP, late), now=now)
    failing = subscriber(Moved(replace(ERP, attempts=4, error="answered 503"), late), now=now)
    fresh = subscriber(Moved(ERP, Waiting(3, now - timedelta(minutes=14))), now=now)
    paused = subscriber(Moved(replace(ERP, status=SubscriptionStatus.PAUSED), late), now=now)
    assert [one.well for one in (slow, failing, fresh, paused)] == [False, False, True, True]
    assert slow.found == "3 events wait for it, the oldest for 2 h"
    assert failing.found == "3 events wait for it, the oldest for 2 h: answered 503, 4 tries"
    assert "sop subscriptions resume erp" in failing.remedy
    assert "sop subscriptions resume erp" in paused.remedy
