"""Bulletins and subscriptions: what every store promises of events on their way out."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from adapters.errors import Conflict
from adapters.store.base import Store
from adapters.store.bulletins import Bulletin, Subscription, SubscriptionStatus
from adapters.store.opening import open_store
from adapters.store.records import Changes
from tests.adapters.store.scenery import (
    DAY,
    HYDRATE,
    NOW,
    SOON,
    add_move,
    announced,
    answer,
    drive,
    open_parcels,
    scanned,
)


def tell(changes: Changes) -> Sequence[Bulletin]:
    return [
        Bulletin(case, entry.seq, entry.event, entry.at, b'{"seq":%d}' % entry.seq)
        for case, entry in changes.entries
    ]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    url = "memory:" if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")
    with closing(open_store(url, hydrate=HYDRATE, tells=tell)) as opened:
        opened.migrate()
        yield opened


ERP = Subscription(name="erp", url="https://erp.example", secret=b"\x00sealed\xff", created=NOW)


def subscribed(
    store: Store, name: str = "erp", *, sops: tuple[str, ...] = (), types: tuple[str, ...] = ()
) -> Subscription:
    assert store.bulletins.subscribe(replace(ERP, name=name, sops=sops, types=types))
    return found(store, name)


def found(store: Store, name: str = "erp") -> Subscription:
    return {one.name: one for one in store.bulletins.subscriptions()}[name]


def told(store: Store, *, after: int = 0) -> list[tuple[int, str, int]]:
    while store.bulletins.number(limit=2):
        """Two at a time."""
    return [(one.position, one.case, one.seq) for one in store.bulletins.find(after=after, limit=1_000)]


def test_nothing_is_kept_as_long_as_nobody_subscribes(store: Store) -> None:
    open_parcels(store, "A")
    assert store.bulletins.number(limit=10) == 0
    assert store.bulletins.span() == (0, 0)


def test_a_round_is_told_with_positions_in_the_order_of_each_journal(store: Store) -> None:
    subscribed(store)
    held = open_parcels(store, "AB")
    store.receive([scanned("A"), scanned("B"), scanned("A", id="again")])
    drive(store, held=held)
    assert store.bulletins.find(after=0, limit=10) == []
    positions, cases, seqs = zip(*told(store), strict=True)
    assert positions == (1, 2, 3, 4, 5)
    assert [seq for case, seq in zip(cases, seqs, strict=True) if case == "parcel/A"] == [1, 2, 3]
    assert store.bulletins.span() == (1, 5)


def test_a_bulletin_comes_back_as_it_was_told(store: Store) -> None:
    subscribed(store)
    open_parcels(store, "Ä")
    told(store)
    (bulletin,) = store.bulletins.find(after=0, limit=10)
    assert bulletin == Bulletin("parcel/Ä", 1, "parcel.announced", NOW, b'{"seq":1}', 1)


def test_a_round_that_is_lost_tells_nothing(store: Store) -> None:
    subscribed(store)
    held = open_parcels(store, "A", worker="ann")
    store.leave(worker="ann", now=NOW)
    drive(store, worker="bob", held={})
    changes = Changes()
    add_move(changes, held["parcel/A"])
    with pytest.raises(Conflict), store.round(worker="ann") as current:
        current.write(changes)
    assert [seq for _, _, seq in told(store)] == [1]


def test_who_subscribes_is_told_what_happens_from_then_on(store: Store) -> None:
    subscribed(store, "first")
    open_parcels(store, "A")
    second = subscribed(store, "second")
    assert (second.position, store.bulletins.waiting(second).count) == (1, 0)
    open_parcels(store, "B")
    assert store.bulletins.waiting(second).count == 1
    assert [case for _, case, _ in told(store, after=second.position)] == ["parcel/B"]


def test_a_name_is_given_once_until_it_is_free_again(store: Store) -> None:
    assert store.bulletins.subscribe(ERP)
    assert not store.bulletins.subscribe(replace(ERP, url="https://other.example"))
    assert found(store).url == "https://erp.example"
    assert store.bulletins.unsubscribe("erp")
    assert not store.bulletins.unsubscribe("erp")
    assert store.bulletins.subscribe(ERP)


def test_a_subscription_comes_back_as_it_was_changed(store: Store) -> None:
    before = subscribed(store, sops=("order", "refund"), types=("case.ended",))
    wanted = replace(
        before,
        url="https://new.example",
        secret=b"new",
        former=b"\x00old",
        former_until=NOW + DAY,
        status=SubscriptionStatus.DISABLED,
        position=7,
        attempts=3,
        due=SOON,
        failing=NOW,
        error="answered 503",
        lease="nobody may take it like this",
    )
    changed = store.bulletins.change("erp", lambda known: wanted)
    assert changed == replace(wanted, lease=None, revision=before.revision + 1)
    assert found(store) == changed
    assert store.bulletins.change("erp", lambda known: None) is None
    assert store.bulletins.change("other", lambda known: known) is None
    assert found(store) == changed


def test_changes_at_once_are_made_one_after_the_other(store: Store) -> None:
    subscribed(store)

    def count() -> None:
        for _ in range(10):
            store.bulletins.change("erp", lambda known: replace(known, position=known.position + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found(store).position, found(store).revision) == (40, 40)


def test_a_subscription_is_sent_for_by_one_worker_as_long_as_that_lives(store: Store) -> None:
    subscribed(store)
    store.bulletins.claim(worker="ann")
    assert found(store).lease is None, "ann has not beaten yet"
    store.beat(worker="ann", now=NOW)
    store.beat(worker="bob", now=NOW)
    store.bulletins.claim(worker="ann")
    claimed = found(store)
    store.bulletins.claim(worker="bob")
    assert found(store) == claimed
    assert (claimed.lease, claimed.revision) == ("ann", 1)
    store.leave(worker="ann", now=NOW)
    store.bulletins.claim(worker="ann")
    assert found(store) == claimed
    store.bulletins.claim(worker="bob")
    assert (found(store).lease, found(store).revision) == ("bob", 2)


def test_a_worker_that_fell_silent_loses_its_subscriptions(store: Store) -> None:
    subscribed(store)
    store.beat(worker="ann", now=NOW)
    store.bulletins.claim(worker="ann")
    store.recover(now=NOW + DAY, silent_since=NOW + timedelta(days=365))
    store.beat(worker="bob", now=NOW + DAY)
    store.bulletins.claim(worker="bob")
    assert found(store).lease == "bob"


def test_bulletins_are_found_by_procedure_type_and_time(store: Store) -> None:
    wanted = subscribed(store, sops=("parcel",), types=("parcel.scanned",))
    held = open_parcels(store, "A")
    store.receive([scanned("A")])
    drive(store, held=held)
    assert store.bulletins.waiting(wanted).count == 1, "also before it has a position"
    told(store)
    find = store.bulletins.find
    assert [one.type for one in find(after=0, types=("parcel.scanned",), limit=10)] == ["parcel.scanned"]
    assert [one.seq for one in find(after=0, sops=("parcel", "order"), limit=1)] == [1]
    assert find(after=0, sops=("order",), limit=10) == []
    assert (store.bulletins.waiting(wanted).count, store.bulletins.waiting(wanted).oldest) == (1, NOW)
    assert store.bulletins.position_at(NOW) == 1
    assert store.bulletins.position_at(SOON) is None


def test_what_all_have_been_told_is_forgotten_after_its_time_but_for_the_latest(store: Store) -> None:
    subscribed(store, "slow")
    subscribed(store, "gone")
    store.bulletins.change("gone", lambda known: replace(known, status=SubscriptionStatus.DISABLED))
    open_parcels(store, "ABCDE")
    told(store)
    assert store.bulletins.prune(before=NOW, limit=10) == 0, "it is not older than that"
    assert store.bulletins.prune(before=SOON, limit=10) == 0, "slow has not been told"
    store.bulletins.change("slow", lambda known: replace(known, position=3))
    assert store.bulletins.prune(before=SOON, limit=2) == 2
    assert store.bulletins.prune(before=SOON, limit=10) == 1
    assert store.bulletins.span() == (4, 5)
    store.bulletins.unsubscribe("slow")
    assert store.bulletins.prune(before=SOON, limit=10) == 1
    open_parcels(store, "F")
    assert [position for position, _, _ in told(store)] == [5, 6]


def test_rounds_of_many_workers_leave_no_bulletin_out_and_none_before_its_turn(url: str) -> None:
    """Whoever reads on from the last position that was seen misses nothing, however late rounds commit."""
    keys, moves, workers = [f"{number}" for number in range(6)], 8, ("ann", "bob", "cid")
    read: list[Bulletin] = []
    done = threading.Event()
    with closing(open_store(url, hydrate=HYDRATE, tells=tell)) as store:
        store.migrate()
        subscribed(store)

        def work(worker: str) -> None:
            chance = Random(worker)
            with closing(open_store(url, hydrate=HYDRATE, tells=tell)) as own:
                while len(own.bulletins.find(after=0, limit=1_000)) < len(keys) * (moves + 1):
                    with own.round(worker=worker) as current:
                        taken = current.take(now=NOW, limit=chance.randint(1, 3), held=())
                        changes, cases = answer(taken)
                        changes.released.update(cases)
                        done.wait(chance.uniform(0, 0.01))
                        current.write(changes)
                    own.bulletins.number(limit=3)

        store.receive([announced(key) for key in keys])
        store.receive([scanned(key, id=f"{key}-{move}") for move in range(moves) for key in keys])
        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            read += store.bulletins.find(after=read[-1].position if read else 0, limit=5)
        read += store.bulletins.find(after=read[-1].position, limit=1_000)
    assert [bulletin.position for bulletin in read] == list(range(1, len(keys) * (moves + 1) + 1))
    journals = defaultdict(list)
    for bulletin in read:
        journals[bulletin.case].append(bulletin.seq)
    assert dict(journals) == {f"parcel/{key}": list(range(1, moves + 2)) for key in keys}
