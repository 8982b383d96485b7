"""What a receiver is owed is given it one after the other, at most for an hour."""

from __future__ import annotations

from adapters.notices.owing import Owing
from adapters.notices.receivers import receivers

ANN, BEA = receivers("oncall", ["json://ann", "json://bea"])


def test_each_is_given_the_oldest_first_and_the_next_once_it_has_that() -> None:
    owing: Owing[str] = Owing(pause=0, longest=60)
    for to, what in ((ANN, "a"), (ANN, "b"), (BEA, "c")):
        owing.add(to, what)
    assert owing.due() == owing.due() == [(ANN, "a"), (BEA, "c")]
    owing.settle(ANN, "a")
    owing.settle(BEA, "c")
    assert owing.due() == [(ANN, "b")]


def test_a_pause_is_made_after_each_failure_but_not_after_success() -> None:
    owing: Owing[str] = Owing(pause=60, longest=60)
    owing.add(ANN, "a")
    owing.add(ANN, "b")
    assert owing.due() == []
    owing.settle(ANN, "a")
    assert owing.due() == [(ANN, "b")]
    assert owing.due() == []


def test_what_is_too_old_or_too_much_is_given_up() -> None:
    old: Owing[str] = Owing(pause=0, longest=-1)
    old.add(ANN, "a")
    assert old.due() == []
    many: Owing[int] = Owing(pause=0, longest=60)
    for number in range(1_000):
        many.add(ANN, number)
    seen = []
    while due := many.due():
        seen.append(due[0][1])
        many.settle(*due[0])
    assert seen[-1] == 999
    assert len(seen) < 100
