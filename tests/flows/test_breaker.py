"""The breaker of a command, as it is told what happens by a clock from outside: whatever comes in whatever
order, a provider that is out gets a probe now and then and no more, and one that is back is not flooded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.store.outage import Outage, Phase
from flows import breaker
from flows.breaker import FULL, STALLED, UNANSWERED, Caution

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
CAUTION = Caution()
TURN = timedelta(seconds=CAUTION.turn)
WHAT = st.sampled_from(("answer", "failure", "silence"))
SECONDS = st.floats(0.1, 4_000)


def out() -> Outage:
    return breaker.opened("payment.capture", since=NOW, error="answered 503", now=NOW, due=NOW)


@given(st.lists(st.tuples(WHAT, SECONDS), max_size=60))
def test_it_is_probed_ever_more_rarely_and_resumed_no_faster_than_it_answers(
    course: list[tuple[str, float]],
) -> None:
    outage, now = out(), NOW
    for what, seconds in course:
        before, now = outage, now + timedelta(seconds=seconds)
        match what, outage.phase:
            case "answer", Phase.OUT:
                outage = breaker.answered(outage, now=now)
                assert (outage.turn, breaker.allowance(outage)) == (0, 2)
            case "failure", Phase.OUT:
                wait = CAUTION.wait(outage.tries + 1)
                outage = breaker.failed(outage, error="503", now=now, wait=wait)
                assert outage.due - now == wait <= timedelta(seconds=CAUTION.longest)
            case "silence", Phase.OUT if now >= outage.due:
                outage = breaker.probed(outage, now=now, wait=CAUTION.wait(outage.tries))
                assert outage.due == now + max(CAUTION.wait(before.tries), UNANSWERED)
            case "failure", Phase.RESUMING:
                due = now + CAUTION.wait(outage.tries + 1)
                outage = breaker.opened(
                    "payment.capture", since=now, error="503", now=now, due=due, before=outage
                )
                assert outage.since == before.since, "it is the same outage still"
                assert breaker.allowance(outage) == 0
            case _, Phase.RESUMING if breaker.may_turn(outage, heard=what == "answer", now=now):
                assert what == "answer" or now >= outage.due + STALLED
                outage = breaker.turned(outage, now=now, pause=TURN)
                assert breaker.allowance(outage) <= min(FULL, 2 * breaker.allowance(before))
                assert outage.due == now + TURN
        assert outage.tries >= before.tries
        assert CAUTION.wait(outage.tries) >= CAUTION.wait(before.tries)


@given(st.integers(0, 10_000), st.floats(0, 1e9))
def test_the_wait_for_a_probe_has_bounds(tries: int, asked: float) -> None:
    wait = CAUTION.wait(tries, asked=asked).total_seconds()
    assert CAUTION.first <= wait <= max(CAUTION.longest, min(asked, 86_400))
    assert wait >= min(asked, 86_400)


def test_parked_steps_stay_if_staff_said_so_if_it_lasted_or_if_they_failed_again() -> None:
    outage = out()
    assert CAUTION.stays(outage, now=NOW + timedelta(hours=24)) == ""
    assert CAUTION.stays(outage, now=NOW + timedelta(hours=25)) == "it was out for more than 24 hours"
    for by_hand in ("payment", "payment.capture"):
        assert replace(CAUTION, by_hand=[by_hand]).stays(outage, now=NOW)
    assert replace(CAUTION, by_hand=["stock", "payment.refund"]).stays(outage, now=NOW) == ""
    assert CAUTION.stays(breaker.halted(outage, why="they failed"), now=NOW) == "they failed"


def test_a_new_outage_after_one_that_was_left_to_staff_begins_anew() -> None:
    left = breaker.over(replace(out(), tries=7), stays="by hand", now=NOW)
    assert left is not None
    later = NOW + timedelta(days=1)
    again = breaker.opened("payment.capture", since=later, error="x", now=later, due=later, before=left)
    assert (again.since, again.tries, again.halted) == (later, 0, "")
    assert breaker.over(out(), stays="", now=NOW) is None
