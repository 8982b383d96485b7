"""Links that nobody can guess, change or use for another question, and the messages that carry them."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.asking.links import BadLink, Links
from adapters.master_key import MasterKeys
from tests.asking import BASE, FEE, STOLEN, Office, open_office

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
QUESTION = "order/SO-1001/awaiting_choice/7"
KEY, OTHER = b"k" * 32, b"o" * 32


def links(*keys: bytes, now: datetime = NOW, days: int = 30) -> Links:
    return Links(MasterKeys(*(keys or (KEY,))), base="https://x.example/", days=days, clock=lambda: now)


def test_a_link_names_its_question_and_its_last_day() -> None:
    link = links().read(links().token(QUESTION))
    assert link.question == QUESTION
    assert timedelta(days=30) <= link.ends - NOW <= timedelta(days=31)
    assert links().url(QUESTION) == f"https://x.example/answer/{links().token(QUESTION)}"


def test_a_link_tells_nothing() -> None:
    token = links().token(QUESTION)
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for part in (b"SO-1001", b"order", b"choice", b"2026"):
        assert part not in raw
    assert len(token) < 100


def test_the_link_of_one_day_is_the_same_and_of_another_is_not() -> None:
    assert links().token(QUESTION) == links(now=NOW + timedelta(hours=10)).token(QUESTION)
    assert links().token(QUESTION) != links(now=NOW + timedelta(days=1)).token(QUESTION)


def test_every_changed_letter_is_noticed() -> None:
    token = links().token(QUESTION)
    for place in range(len(token) - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(BadLink):
            links().read(changed)


def test_keys_that_were_replaced_still_open_what_they_made() -> None:
    token = links(OTHER).token(QUESTION)
    assert links(KEY, OTHER).read(token).question == QUESTION
    with pytest.raises(BadLink):
        links(KEY).read(token)


def test_a_link_is_not_good_for_sealed_fields_nor_the_other_way_round() -> None:
    (derived,) = MasterKeys(KEY).derived(b"answer by link")
    assert derived[:32] != KEY
    assert MasterKeys(KEY).derived(b"something else") != [derived]


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


def test_the_message_that_asks_carries_the_link_to_its_question(office: Office) -> None:
    office.place("SO-1", **FEE)
    sent = office.message("order.choice_needed", "SO-1")
    question = office.asked("SO-1", "awaiting_choice")
    assert sent.link == office.links.url(question.id)
    assert sent.link.startswith(f"{BASE}/answer/")
    assert sent.link in sent.text
    assert sent.link not in sent.words.text, "what is kept with the case lets nobody answer"


def test_a_message_that_asks_nothing_carries_none(office: Office) -> None:
    office.place("SO-2")
    assert office.message("order.confirmed", "SO-2").link is None


def test_a_reminder_carries_the_link_too() -> None:
    with open_office() as office:
        office.place("SO-3", **FEE)
        question = office.asked("SO-3", "awaiting_choice")
        office.clock.ahead = timedelta(hours=25)
        sent = office.message("order.reminder", "SO-3")
        assert sent.link is not None
        token = sent.link.rpartition("/")[2]
        assert office.links.read(token).question == question.id


def test_what_staff_are_asked_is_in_no_message(office: Office) -> None:
    office.place("SO-4", **STOLEN)
    office.asked("SO-4", "in_review")
    assert not [sent for sent in office.outbox.last if sent.message.about == "SO-4"]
