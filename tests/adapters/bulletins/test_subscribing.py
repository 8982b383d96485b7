"""What staff do with subscriptions: bad input is told with field, value and remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.bulletins.secrets import Secrets, spelled
from adapters.bulletins.subscribing import MOST, InvalidSubscription, NoSuchSubscription, Subscribing
from adapters.errors import SealBroken
from adapters.master_key import MasterKeys
from adapters.signatures import parse_key
from adapters.store.bulletins import SubscriptionStatus
from adapters.store.memory import MemoryStore
from tests.adapters.store.scenery import DAY, HYDRATE, NOW, open_parcels
from tests.adapters.store.test_bulletins import tell


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(hydrate=HYDRATE, tells=tell)


@pytest.fixture
def desk(store: MemoryStore) -> Subscribing:
    return Subscribing(
        store.bulletins,
        sops={"parcel", "order"},
        clock=lambda: NOW,
        secrets=Secrets(MasterKeys(bytes(32))),
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://erp.example", "url 'ftp://erp.example' is no address; write one such as https://"),
        ("erp.example/cases", "url 'erp.example/cases' is no address"),
        ("https://", "url 'https://' is no address"),
        ("https://erp.example:port/", "url 'https://erp.example:port/' is no address"),
        ("https://erp.example:0/", "url 'https://erp.example:0/' is no address"),
        ("https://erp.example:99999/", "url 'https://erp.example:99999/' is no address"),
        ("https://erp.example/a b", "url 'https://erp.example/a b' is no address"),
        ("http://[::1", "url 'http://[::1' is no address; write one such as https://"),
        ("https://[zz]/", "url 'https://[zz]/' is no address"),
        ("https://1.2.3.999/", "url 'https://1.2.3.999/' is no address"),
        ("https://erp..example/", "url 'https://erp..example/' is no address"),
        (f"https://{'e' * 64}.example/", "is no address"),
        ("https://xn--/", "url 'https://xn--/' is no address"),
        (f"https://erp.example/{'a' * 70_000}", "aaa' is no address"),
        ("https://me:secret@[::1", "url '[::1' is no address"),
        ("https://me:secret@erp.example/", "url has a user or password in it"),
        ("https://erp.example/#top", "url ends in #top"),
        ("http://erp.example/", "http://erp.example, which others can read"),
        ("http://127.0.0.1.erp.example/", "which others can read"),
    ],
)
def test_an_address_that_cannot_be_told_is_refused(desk: Subscribing, url: str, told: str) -> None:
    with pytest.raises(InvalidSubscription) as refused:
        desk.subscribe(url)
    assert told in str(refused.value)
    assert "secret" not in str(refused.value)
    assert desk.all() == []


@pytest.mark.parametrize(
    "url",
    [
        "https://erp.example/a?b=c",
        "http://127.0.0.1:9/",
        "http://[::1]/",
        "http://localhost/",
        "https://örp.example/",
    ],
)
def test_others_are_taken(desk: Subscribing, url: str) -> None:
    assert desk.subscribe(url).subscription.url == url


def test_plain_http_to_others_is_taken_where_the_house_allows_it(store: MemoryStore) -> None:
    secrets = Secrets(MasterKeys(bytes(32)))
    desk = Subscribing(store.bulletins, sops=(), clock=lambda: NOW, plain=True, secrets=secrets)
    assert desk.subscribe("http://erp.example/").subscription.name == "erp.example"


def test_unknown_procedures_types_and_names_are_refused_with_those_there_are(desk: Subscribing) -> None:
    url = "https://erp.example/"
    with pytest.raises(InvalidSubscription, match="sop 'ordr' is not known; write order or parcel"):
        desk.subscribe(url, sops=["ordr"])
    with pytest.raises(
        InvalidSubscription, match=r"type 'ended' is not known; write case.asked or case.ended"
    ):
        desk.subscribe(url, types=["ended"])
    with pytest.raises(InvalidSubscription, match="name 'A b' cannot be one; write up to 64"):
        desk.subscribe(url, name="A b")
    desk.subscribe(url, name="erp")
    with pytest.raises(InvalidSubscription, match="name 'erp' is taken"):
        desk.subscribe(url, name="erp")


def test_without_a_name_it_is_called_after_its_host(desk: Subscribing) -> None:
    names = [desk.subscribe("https://ERP.example/").subscription.name for _ in range(3)]
    assert names == ["erp.example", "erp.example-2", "erp.example-3"]


def test_there_are_not_more_than_can_be_sent_to(desk: Subscribing) -> None:
    for _ in range(MOST):
        desk.subscribe("https://erp.example/")
    with pytest.raises(InvalidSubscription, match="100 subscriptions already; remove one"):
        desk.subscribe("https://erp.example/")


def test_the_secret_is_told_once_and_kept_sealed_for_its_own_subscription(
    desk: Subscribing, store: MemoryStore
) -> None:
    made = desk.subscribe("https://erp.example/", name="erp")
    secret = parse_key(made.secret)
    sealed = desk.find("erp").secret
    assert len(secret) == 32
    assert spelled(secret) == made.secret
    assert secret not in sealed
    grown = Secrets(MasterKeys(b"n" * 32, bytes(32)))
    assert grown.open(sealed, name="erp") == secret, "after the master key was changed, too"
    for ring, name in ((grown, "other"), (Secrets(MasterKeys(b"n" * 32)), "erp")):
        with pytest.raises(SealBroken):
            ring.open(sealed, name=name)


def test_one_that_is_not_there_is_told_with_those_that_are(desk: Subscribing) -> None:
    with pytest.raises(NoSuchSubscription, match="there is none; see 'sop subscribe'"):
        desk.pause("erp")
    desk.subscribe("https://erp.example/", name="crm")
    for act in (desk.pause, desk.resume, desk.remove, desk.rotate, lambda name: desk.replay(name, since="1")):
        with pytest.raises(NoSuchSubscription, match="no subscription is called 'erp'; there is crm"):
            act("erp")


def test_a_replay_begins_at_a_position_or_a_time(desk: Subscribing, store: MemoryStore) -> None:
    desk.subscribe("https://erp.example/", name="erp")
    open_parcels(store, "ABC")
    assert desk.replay("erp", since="2").waiting.count == 2
    assert desk.replay("erp", since="4").waiting.count == 0
    assert desk.replay("erp", since="2026-11-02T09:00:00Z").subscription.position == 0
    assert desk.replay("erp", since="2026-11-03T09:00:00+01:00").subscription.position == 3


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("0", "from 0: positions 1 to 3 are kept; write one of them, or 4 for what comes"),
        ("5", "from 5: positions 1 to 3 are kept"),
        ("yesterday", "from 'yesterday' is neither: write a position such as 42, or a time"),
        ("2026-11-02T09:00:00", "is neither"),
        ("-1", "is neither"),
    ],
)
def test_a_replay_from_nowhere_is_refused(
    desk: Subscribing, store: MemoryStore, since: str, told: str
) -> None:
    desk.subscribe("https://erp.example/", name="erp")
    open_parcels(store, "ABC")
    with pytest.raises(InvalidSubscription) as refused:
        desk.replay("erp", since=since)
    assert told in str(refused.value)
    assert desk.find("erp").position == 0


def test_who_resumes_hears_what_is_kept_no_longer(desk: Subscribing, store: MemoryStore) -> None:
    desk.subscribe("https://erp.example/", name="erp")
    open_parcels(store, "ABC")
    disabled = SubscriptionStatus.DISABLED
    store.bulletins.change("erp", lambda known: replace(known, status=disabled, attempts=9, error="500"))
    assert desk.resume("erp").lost == 0
    desk.replay("erp", since="1")
    store.bulletins.change("erp", lambda known: replace(known, status=disabled, attempts=9, error="500"))
    store.bulletins.prune(before=NOW + DAY, limit=10)
    resumed = desk.resume("erp")
    assert (resumed.lost, resumed.waiting.count) == (2, 1)
    assert (resumed.subscription.status, resumed.subscription.error) == (SubscriptionStatus.ACTIVE, "")
