"""Subscribers are told over real HTTP: signed, at least once, in the order of each case, whatever the
receiver does."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event

from adapters.bulletins.secrets import Secrets
from adapters.master_key import MasterKeys
from tests.adapters.bulletins.conftest import PACE, House
from tests.adapters.bulletins.receiver import HANG, Receiver
from tests.conftest_prefect import eventually


def test_a_receiver_is_told_each_event_signed_and_in_the_order_of_its_case(house: House) -> None:
    erp = house.receiver("erp")
    house.send()
    house.move("ABC", times=5)
    house.settles("erp")
    assert {case: erp.seqs(case) for case in "ABC"} == {case: [1, 2, 3, 4, 5, 6] for case in "ABC"}
    assert len(erp.requests) == 18
    assert erp.forged == []
    # Those of several cases are on their way at once.
    (first,) = (request for request in erp.requests if request.event["position"] == "1")
    assert first.content_type == "application/cloudevents+json"
    assert first.event == {
        "specversion": "1.0",
        "id": f"parcel/{first.case}/1/parcel.announced",
        "source": "/cases/parcel",
        "type": "parcel.announced",
        "subject": first.case,
        "time": first.event["time"],
        "datacontenttype": "application/json",
        "position": "1",
        "data": {"seq": 1},
    }
    assert sorted(int(request.event["position"]) for request in erp.requests) == list(range(1, 19))


def test_nothing_is_lost_and_no_case_is_told_out_of_order_by_a_receiver_that_fails_at_random(
    house: House,
) -> None:
    chance, lock = Random(11), threading.Lock()
    acknowledged: dict[str, int] = defaultdict(int)
    early: list[Any] = []

    def moody(event: dict[str, Any]) -> int:
        with lock:
            case, seq = event["subject"], event["data"]["seq"]
            if seq > acknowledged[case] + 1:
                early.append((case, seq, acknowledged[case]))
            status = chance.choice([200, 202, 204, 204, 204, 204, 204, 302, 400, 429, 500, 503, HANG])
            if 200 <= status < 300:
                acknowledged[case] = max(acknowledged[case], seq)
            return status

    erp = house.receiver("erp", Receiver(moody))
    house.send(pace=replace(PACE, timeout=0.3))
    for _ in range(10):
        house.move("ABCDEFGH", times=1)
    house.settles("erp")
    assert early == []
    assert acknowledged == dict.fromkeys("ABCDEFGH", 11)
    assert erp.forged == []
    ids = defaultdict(set)
    for request in erp.requests:
        ids[request.event["id"]].add(request.id)
    assert len(ids) == 88
    assert all(len(one) == 1 for one in ids.values()), "each try has the same webhook-id"
    assert len(set().union(*ids.values())) == 88
    assert house.subscription("erp").attempts == 0


def test_a_receiver_that_hangs_delays_no_other(house: House) -> None:
    stuck = house.receiver("stuck", Receiver(lambda event: HANG))
    quick = house.receiver("quick")
    house.send(pace=replace(PACE, timeout=60))
    house.move("ABCDEFGH", times=3)
    house.settles("quick")
    assert len(quick.taken) == 32
    eventually(lambda: len(stuck.requests) == PACE.at_once, seconds=30)
    assert house.subscription("stuck").position == 0


def test_one_that_failed_is_asked_one_thing_until_it_answers_and_what_it_has_is_not_sent_again(
    house: House,
) -> None:
    erp = Receiver(lambda event: 503 if event["subject"] == "A" else 204)
    house.receiver("erp", erp)
    house.move("ABCD")
    house.send()
    eventually(lambda: house.subscription("erp").attempts >= 3, seconds=30)
    failing = house.subscription("erp")
    assert failing.error == "answered 503"
    assert failing.failing is not None
    erp.answer = lambda event: 204
    house.settles("erp")
    taken = [request.event["id"] for request in erp.taken]
    assert len(taken) == len(set(taken)) == 8
    again = house.subscription("erp")
    assert (again.attempts, again.due, again.failing, again.error) == (0, None, None, "")


def test_a_receiver_that_is_killed_is_told_the_rest_when_it_is_back(house: House) -> None:
    erp = Receiver()
    house.send()
    with erp.serving():
        erp.secret = house.desk.subscribe(erp.url, name="erp").secret
        house.move("AB")
        house.settles("erp")
    house.move("AB", times=2)
    eventually(lambda: house.subscription("erp").attempts >= 2, seconds=30)
    assert house.subscription("erp").error == "the connection failed (ConnectError)"
    with erp.serving():
        house.settles("erp")
    assert [erp.seqs(case) for case in "AB"] == [[1, 2, 3, 4], [1, 2, 3, 4]]


def test_a_redirect_is_not_followed(house: House) -> None:
    stranger = house.receiver("stranger")
    house.desk.remove("stranger")
    house.receiver("erp", Receiver(lambda event: 307, headers={"location": stranger.url}))
    house.send()
    house.move("A")
    eventually(lambda: house.subscription("erp").attempts >= 2, seconds=30)
    assert house.subscription("erp").error == "answered 307"
    assert stranger.requests == []


def test_only_what_was_asked_for_is_sent_and_the_rest_is_not_waited_for(house: House) -> None:
    erp = house.receiver("erp", types=["case.ended"])
    house.send()
    house.move("ABC", times=2)
    eventually(lambda: house.subscription("erp").position == 9, seconds=30)
    assert erp.requests == []


def test_another_worker_goes_on_where_one_has_left(house: House) -> None:
    erp = house.receiver("erp")
    first = house.send("ann")
    eventually(lambda: house.subscription("erp").lease == "ann", seconds=30)
    house.send("bob")
    house.move("A", times=3)
    house.settles("erp")
    assert house.subscription("erp").lease == "ann"
    first.close()
    house.move("A", times=3)
    house.store.leave(worker="ann", now=house.clock())
    house.settles("erp")
    assert erp.seqs("A") == [1, 2, 3, 4, 5, 6, 7]
    assert house.subscription("erp").lease == "bob"


def test_paused_it_is_told_nothing_and_resumed_it_is_told_all(house: House) -> None:
    erp, other = house.receiver("erp"), house.receiver("other")
    house.send()
    house.desk.pause("erp")
    house.move("A", times=3)
    house.settles("other")
    assert erp.requests == []
    assert house.desk.resume("erp").waiting.count == 4
    house.settles("erp")
    assert erp.seqs("A") == other.seqs("A") == [1, 2, 3, 4]


def test_a_replay_sends_again_from_a_position_under_the_same_ids(house: House) -> None:
    erp = house.receiver("erp")
    house.send()
    house.move("A", times=3)
    house.settles("erp")
    house.desk.replay("erp", since="3")
    eventually(lambda: len(erp.taken) == 6, seconds=30)
    house.settles("erp")
    assert [request.event["position"] for request in erp.taken] == ["1", "2", "3", "4", "3", "4"]
    assert erp.taken[2].id == erp.taken[4].id


def test_a_replay_past_an_event_skips_it(house: House) -> None:
    erp = house.receiver("erp", Receiver(lambda event: 422 if event["data"]["seq"] == 2 else 204))
    house.send()
    house.move("A", times=3)
    eventually(lambda: house.subscription("erp").attempts >= 1, seconds=30)
    house.desk.replay("erp", since="3")
    house.settles("erp")
    assert erp.seqs("A") == [1, 3, 4]


def test_a_new_secret_signs_beside_the_former_one_for_a_day(house: House) -> None:
    erp = house.receiver("erp")
    house.send()
    former, erp.secret = erp.secret, house.desk.rotate("erp").secret
    house.move("A")
    house.settles("erp")
    erp.secret = former
    house.move("A")
    house.settles("erp")
    assert erp.forged == []
    assert [len(request.signatures) for request in erp.taken] == [2, 2, 2]
    until = house.subscription("erp").former_until
    assert until is not None
    assert timedelta(hours=23) < until - house.clock() < timedelta(hours=24)


def test_a_secret_sealed_under_a_lost_master_key_is_told_to_staff(house: House) -> None:
    erp = house.receiver("erp")
    house.secrets = Secrets(MasterKeys(b"n" * 32))
    house.send()
    house.move("A")
    eventually(lambda: house.subscription("erp").attempts >= 1, seconds=30)
    assert "sop subscriptions rotate erp" in house.subscription("erp").error
    assert erp.requests == []


def test_what_all_were_told_is_forgotten_after_its_time(house: House) -> None:
    house.receiver("erp")
    house.send()
    house.move("AB")
    house.settles("erp")
    house.ahead = timedelta(days=31)
    eventually(lambda: house.store.bulletins.span() == (4, 4), seconds=30)


def test_the_sdk_of_cloudevents_reads_what_is_sent(house: House) -> None:
    erp = house.receiver("erp")
    house.send()
    house.move("A")
    house.settles("erp")
    request = erp.taken[0]
    message = HTTPMessage({"content-type": request.content_type}, orjson.dumps(request.event))
    event = from_structured_event(message)
    assert (event.get_type(), event.get_subject()) == ("parcel.announced", "A")
    assert event.get_extension("position") == "1"


def test_an_unforeseen_error_of_one_is_told_once_and_delays_it_alone(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.desk.subscribe("https://erp.example/", name="erp")
    # Taken by whoever did not look at it well; what it raises is no error of httpx.
    house.store.bulletins.change("erp", lambda known: replace(known, url="http://xn--/"))
    other = house.receiver("other")
    house.move("ABCD")
    house.send()
    house.settles("other")
    eventually(lambda: house.subscription("erp").attempts >= 4, seconds=30)
    assert len(other.taken) == 8
    failing = house.subscription("erp")
    assert failing.error.startswith("an unforeseen error (IDNAError)")
    assert failing.due is not None
    assert failing.position == 0
    assert [record.getMessage() for record in caplog.records] == ["events out: sending to erp failed"]


def test_so_is_one_that_is_no_error_of_the_connection(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = Secrets.open

    def fail(self: Secrets, sealed: bytes, *, name: str) -> bytes:
        if name == "erp":
            raise RuntimeError("what nobody thought of")
        return opens(self, sealed, name=name)

    monkeypatch.setattr(Secrets, "open", fail)
    erp, other = house.receiver("erp"), house.receiver("other")
    house.send()
    house.move("AB")
    house.settles("other")
    eventually(lambda: house.subscription("erp").attempts >= 4, seconds=30)
    assert erp.requests == []
    assert [record.getMessage() for record in caplog.records] == ["events out: sending to erp failed"]
    monkeypatch.undo()
    house.settles("erp")
    assert len(erp.taken) == len(other.taken) == 4


def test_a_store_that_answers_nonsense_is_looked_at_less_and_less_often(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> tuple[int, int]:
        raise RuntimeError("what nobody thought of")

    erp = house.receiver("erp")
    with monkeypatch.context() as patched:
        patched.setattr(house.store.bulletins, "span", fail)
        house.send(pace=replace(PACE, first=0.2, longest=60, tidy=60))
        house.move("A")
        time.sleep(0.6)
    assert 1 <= len(caplog.records) <= 3
    house.settles("erp")
    assert len(erp.taken) == 2
