"""The journals of a period, and the figures that come of them, the same from every store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.report_reading import last_week, period_of, read
from adapters.store.base import Store
from adapters.store.records import Changes
from machines.definitions import definitions
from machines.kernel.case import Case, Entry
from machines.kernel.rule import Disposition
from machines.policy import DEFAULT, load
from machines.report.course import Period
from tests.adapters.store.scenery import NOW

POLICY = load(DEFAULT)
DEFINITIONS = definitions(POLICY)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = Period(MONDAY, MONDAY + timedelta(days=7))

#: (event, state after it, hours after Monday): an order that is 20 h in packing, and 30 h on its way.
KEPT = [
    ("order.placed", "authorising", 9),
    ("payment.authorized", "awaiting_dispatch", 10),
    ("parcel.dispatched", "shipped", 30),
    ("parcel.delivered", "delivered", 60),
]
#: One that is 60 h in packing, for which the warehouse was chased once.
LATE = [
    ("order.placed", "authorising", 1),
    ("payment.authorized", "awaiting_dispatch", 2),
    ("deadline.dispatch_due", "awaiting_dispatch", 50),
    ("parcel.dispatched", "shipped", 62),
    ("parcel.delivered", "delivered", 100),
]
REFUND = [
    ("refund.requested", "submitted", 70),
    ("refund.accepted", "pending", 71),
    ("refund.confirmed", "settled", 94),
]
BODIES: dict[str, dict[str, object]] = {
    "order.placed": {"deliver_by": "2026-11-26", "buyer": {"name": "sealed:1"}},
    "refund.requested": {"amount": 1999, "currency": "EUR", "reason": "parcel not received"},
    "refund.confirmed": {"payment": "P-1", "amount": 1999},
    "parcel.dispatched": {"parcel": 1},
}


def write(store: Store, sop: str, key: str, history: list[tuple[str, str, int]], *, start: str) -> None:
    changes, before = Changes(), start
    case = Case(sop, key, 1, "hash", history[-1][1], None, len(history))
    for seq, (event, after, hours) in enumerate(history, 1):
        at = MONDAY + timedelta(hours=hours)
        told = Entry(
            seq, at, event, "test", f"e-{seq}", Disposition.HANDLED, before, after, "", BODIES.get(event, {})
        )
        changes.entries.append((case.id, told))
        before = after
    changes.opened[case.id] = case
    changes.ended.add(case.id)
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=0, held=set())
        current.write(changes)


def test_figures_of_a_week_are_those_added_up_by_hand(store: Store) -> None:
    write(store, "order", "SO-1", KEPT, start="placed")
    write(store, "order", "SO-2", LATE, start="placed")
    write(
        store, "order", "SO-3", [(event, state, hours - 400) for event, state, hours in KEPT], start="placed"
    )
    write(store, "refund", "R-1", REFUND, start="requested")
    seen = read(store, DEFINITIONS, WEEK, sops=["order", "refund"], calendar=POLICY.calendar)
    order, refund = seen["order"], seen["refund"]
    assert (order.opened, order.ended) == (2, {"delivered": 2})
    packing = order.stays["awaiting_dispatch"]
    assert packing.percentile(50) == timedelta(hours=20)
    assert packing.percentile(95) == timedelta(hours=60)
    assert order.times["from order to dispatch"].percentile(95) == timedelta(hours=61)
    assert order.limits["dispatch_due"].percent == 50.0
    promised = order.portions["delivered by the promised day"]
    assert (promised.hits, promised.count) == (1, 2), "Thursday is kept, Friday is not"
    assert refund.paid == {"EUR": 1999}
    assert refund.times["from request to settled money"].percentile(50) == timedelta(hours=24)


def test_only_the_content_that_is_asked_for_is_read(store: Store) -> None:
    write(store, "order", "SO-1", KEPT, start="placed")
    write(store, "order", "SO-2", LATE, start="placed")
    found = store.panorama.courses(["order/SO-2", "order/SO-1", "order/SO-9"], bodies=["parcel.dispatched"])
    by_length = sorted(found, key=len)
    assert [[line.event for line in lines] for lines in by_length] == [
        [event for event, _, _ in history] for history in (KEPT, LATE)
    ]
    bodies = [line.body for line in by_length[0]]
    assert bodies == [{}, {}, {"parcel": 1}, {}]
    assert by_length[0][0].at == MONDAY + timedelta(hours=9)


def test_cases_without_news_in_the_period_are_not_read(store: Store) -> None:
    write(store, "order", "SO-1", KEPT, start="placed")
    write(store, "refund", "R-1", REFUND, start="requested")
    hour = timedelta(hours=1)
    later = MONDAY + 200 * hour
    assert store.panorama.changed("order", since=MONDAY, opened_before=later) == ["order/SO-1"]
    assert store.panorama.changed("order", since=MONDAY + 61 * hour, opened_before=later) == []
    assert store.panorama.changed("order", since=MONDAY, opened_before=MONDAY + 9 * hour) == []


def test_days_are_those_of_the_house() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    # Monday 00:30 in Berlin is still Sunday in UTC.
    first, last = last_week(datetime(2026, 11, 29, 23, 30, tzinfo=UTC), zone=berlin)
    assert (first, last) == (date(2026, 11, 23), date(2026, 11, 30))
    # A week with the change to summer time has an hour less.
    start, end = period_of(date(2026, 3, 23), date(2026, 3, 30), zone=berlin)
    assert (end.astimezone(UTC) - start.astimezone(UTC)) == timedelta(days=7, hours=-1)
