"""Notices reach their receivers through Apprise in a process of its own; no secret of a URL comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.notices.muting import without
from adapters.notices.posting import NotDelivered, Notice, Posting
from adapters.notices.receivers import receivers, unusable
from tests.adapters.notices.mailbox import Mailbox, mailbox

NOTICE = Notice("oncall", "sop: SO-1: payment.capture is parked", "The customer waits.")
SECRET = "hunter2hunter2"
NOBODY = f"json://ann:{SECRET}@127.0.0.1:9/hook-{SECRET}"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


def test_a_notice_arrives_as_it_was_written(box: Mailbox) -> None:
    assert Posting({"oncall": receivers("oncall", [box.url])})(NOTICE) == []
    assert box.letters == [{"title": NOTICE.title, "body": NOTICE.body}]


def test_operations_are_told_where_oncall_are_unless_they_have_a_place_of_their_own(box: Mailbox) -> None:
    oncall = receivers("oncall", [NOBODY])
    own = Posting({"oncall": oncall, "operations": receivers("operations", [box.url])})
    assert own(Notice("operations", "a", "b")) == []
    assert box.titles == ["a"]
    assert Posting({"oncall": oncall, "operations": ()}).to("operations") == oncall
    assert Posting({})(NOTICE) == [], "nobody to tell is no fault"


def test_one_receiver_that_fails_keeps_the_others_from_nothing_and_is_named(box: Mailbox) -> None:
    (fault,) = Posting({"oncall": receivers("oncall", [NOBODY, f" {box.url} "])})(NOTICE)
    assert box.titles == [NOTICE.title]
    assert fault.startswith("oncall 1 (json): ")
    assert SECRET not in fault


def test_what_reaches_nobody_is_an_error_that_keeps_the_secrets() -> None:
    wrong = receivers("oncall", [NOBODY, f"nosuch://{SECRET}", SECRET])
    with pytest.raises(NotDelivered, match=r"oncall 2 \(nosuch\): Apprise knows no such URL") as caught:
        Posting({"oncall": wrong})(NOTICE)
    assert SECRET not in f"{caught.value} {wrong}"
    assert "oncall 3 (not a URL)" in str(caught.value)
    assert [one.number for one in unusable(wrong)] == [2, 3]


def test_a_receiver_that_hangs_keeps_no_other_from_being_told(box: Mailbox) -> None:
    with mailbox() as hanging:
        hanging.hangs = True
        posting = Posting({"oncall": receivers("oncall", [hanging.url, box.url])}, seconds=8)
        assert posting(NOTICE) == ["oncall 1 (json): no answer within 8 s"]
    assert box.titles == [NOTICE.title]


def test_nobody_who_can_be_reached_in_time_is_an_error(box: Mailbox) -> None:
    with pytest.raises(NotDelivered, match=r"no answer within 0\.01 s"):
        Posting({"oncall": receivers("oncall", [box.url])}, seconds=0.01)(NOTICE)


def test_who_failed_is_told_later_and_nobody_else_again(box: Mailbox) -> None:
    with mailbox() as other:
        other.refuses = True
        posting = Posting({"oncall": receivers("oncall", [box.url, other.url])}, pause=0)
        assert len(posting(NOTICE)) == 1
        posting.again()
        other.refuses = False
        for _ in range(2):
            posting.again()
        assert (other.titles, box.titles) == ([NOTICE.title], [NOTICE.title])


def test_what_reached_nobody_is_left_to_whoever_claims_it_next(box: Mailbox) -> None:
    box.refuses = True
    posting = Posting({"oncall": receivers("oncall", [box.url])}, pause=0)
    with pytest.raises(NotDelivered):
        posting(NOTICE)
    box.refuses = False
    posting.again()
    assert box.letters == []


def test_no_part_of_a_url_is_shown() -> None:
    url = f"mailto://ann%40shop.example:{SECRET}@mail.example?to=bea@shop.example"
    told = f"ann@shop.example could not log in at mail.example with {SECRET}, to bea"
    assert without(url, told) == "*** could not log in at *** with ***, to ***"
