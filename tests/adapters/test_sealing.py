from __future__ import annotations

import os
import stat
import time
from base64 import b64encode
from collections.abc import Collection, Mapping
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import Rejected, SealBroken
from adapters.master_key import MasterKeys, master_keys
from adapters.personal import personal_fields, places
from adapters.sealing import Disclosure, Vault, redact
from machines.kernel.event import Event, Facts, Personal

TO_CUSTOMER = Disclosure(recipient="customer", purpose="service message", fields=frozenset({"name", "email"}))


class Address(Facts):
    name: Personal
    street: Personal
    country: str


class Parcel(Facts):
    to: Address | None = None
    notes: tuple[Personal, ...] = ()


class Ordered(Event, type="toy.ordered", opens=True):
    customer: str
    email: Personal
    home: Address
    parcels: tuple[Parcel, ...] = ()
    second: Personal | None = None
    labels: dict[str, Personal]
    paid: int = 0


class Shipped(Event, type="toy.shipped"):
    parcels: int


class Keys:
    """The store's part: wrapped keys by customer."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.destroyed: set[str] = set()
        self.asked = 0

    def customer_keys(self, customers: Collection[str], *, fresh: Mapping[str, bytes]) -> Mapping[str, bytes]:
        self.asked += 1
        for customer, key in fresh.items():
            self.kept.setdefault(customer, key)
        return {c: self.kept[c] for c in customers if c in self.kept and c not in self.destroyed}


def vault(keys: Keys | None = None, *, kept: int = 100) -> Vault:
    return Vault(keys or Keys(), master=MasterKeys(b"m" * 32), kept=kept)


def ordered(customer: str = "C-1", *, email: str = "jane@example.org") -> Ordered:
    home = Address(name="Jane Doe", street="12 Hill Rd", country="DE")
    parcels = (Parcel(to=home, notes=("ring twice", "beware of the dog")),)
    return Ordered(customer=customer, email=email, home=home, parcels=parcels, labels={"a": "Jane"})


def test_finds_personal_fields_at_any_depth() -> None:
    assert personal_fields(Ordered) == (
        "email",
        "home.name",
        "home.street",
        "parcels.to.name",
        "parcels.to.street",
        "parcels.notes",
        "second",
        "labels",
    )
    assert not places(Shipped)


def test_a_model_that_contains_itself_is_refused() -> None:
    class Box(Facts):
        inner: Facts
        name: Personal

    Box.model_fields["inner"].annotation = Box
    with pytest.raises(TypeError, match="contains itself"):
        places(Box)


def test_sealed_payload_holds_no_clear_text_and_is_still_a_valid_event() -> None:
    body = vault().seal_event(ordered(), customer="C-1")
    for clear in (b"jane", b"Jane", b"Hill", b"ring twice", b"the dog"):
        assert clear not in body
    again = Ordered.model_validate_json(body)
    assert again.email.startswith("sealed:1:C-1:")
    assert again.home.country == "DE"
    assert again.second is None


def test_opens_what_the_disclosure_covers_and_nothing_else() -> None:
    box = vault()
    sealed = Ordered.model_validate_json(box.seal_event(ordered(), customer="C-1"))
    tokens = [sealed.email, sealed.home.name]
    assert list(box.open_tokens(tokens, disclosure=TO_CUSTOMER).values()) == ["jane@example.org", "Jane Doe"]
    with pytest.raises(Rejected, match=r"home\.street"):
        box.open_tokens([sealed.home.street], disclosure=TO_CUSTOMER)


def test_a_batch_asks_the_store_once() -> None:
    keys = Keys()
    vault(keys).seal_events([(ordered(f"C-{n}"), f"C-{n}") for n in range(50)])
    assert keys.asked == 1


def test_a_batch_without_personal_fields_needs_no_customer_and_no_key() -> None:
    keys = Keys()
    assert vault(keys).seal_events([(Shipped(parcels=2), None)]) == [b'{"parcels":2}']
    assert not keys.kept


def test_personal_fields_of_nobody_are_an_error() -> None:
    with pytest.raises(ValueError, match="say whose"):
        vault().seal_event(ordered(), customer=None)


def test_a_destroyed_key_breaks_the_seal_for_reading_and_for_writing() -> None:
    keys = Keys()
    sealed = Ordered.model_validate_json(vault(keys).seal_event(ordered(), customer="C-1"))
    keys.destroyed.add("C-1")
    with pytest.raises(SealBroken, match="C-1 was destroyed"):
        vault(keys).open_tokens([sealed.email], disclosure=TO_CUSTOMER)
    broken, fine = vault(keys).seal_events([(ordered("C-1"), "C-1"), (ordered("C-2"), "C-2")])
    assert isinstance(broken, SealBroken)
    assert isinstance(fine, bytes)


def test_forget_drops_the_kept_key_at_once() -> None:
    keys = Keys()
    box = vault(keys)
    sealed = Ordered.model_validate_json(box.seal_event(ordered(), customer="C-1"))
    keys.destroyed.add("C-1")
    assert box.open_tokens([sealed.email], disclosure=TO_CUSTOMER)
    box.forget("C-1")
    with pytest.raises(SealBroken):
        box.open_tokens([sealed.email], disclosure=TO_CUSTOMER)


def test_keeps_a_bounded_number_of_keys() -> None:
    keys = Keys()
    box = vault(keys, kept=3)
    for number in range(10):
        box.seal_event(ordered(f"C-{number}"), customer=f"C-{number}")
    assert len(box._ciphers) == 3
    box.seal_event(ordered("C-9"), customer="C-9")
    assert keys.asked == 10


def test_redact_leaves_no_token() -> None:
    body = orjson.loads(vault().seal_event(ordered(), customer="C-1"))
    text = orjson.dumps(redact(body))
    assert b"sealed" not in text
    assert text.count(b"(personal)") == 8


def test_the_longest_text_is_still_valid_when_sealed() -> None:
    event = ordered(email="x" * 1000)
    Ordered.model_validate_json(vault().seal_event(event, customer="C-1"))


LINE = st.characters(exclude_categories=("Cc", "Cs"))


@given(email=st.text(LINE, min_size=1, max_size=200).filter(lambda text: not text.startswith("sealed:")))
@settings(max_examples=60, deadline=None)
def test_what_is_sealed_opens_to_the_same_text(email: str) -> None:
    box = vault()
    sealed = Ordered.model_validate_json(box.seal_event(ordered(email=email), customer="C-1"))
    assert box.open_tokens([sealed.email], disclosure=TO_CUSTOMER) == {sealed.email: email}


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_one_changed_character_breaks_the_seal(data: st.DataObject) -> None:
    box = vault()
    token = Ordered.model_validate_json(box.seal_event(ordered(), customer="C-1")).email
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda character: character != token[at]))
    tampered = token[:at] + other + token[at + 1 :]
    with pytest.raises((SealBroken, Rejected)):
        box.open_tokens([tampered], disclosure=TO_CUSTOMER)


def test_a_token_cannot_be_moved_to_another_customer() -> None:
    box = vault()
    token = Ordered.model_validate_json(box.seal_event(ordered("C-1"), customer="C-1")).email
    box.seal_event(ordered("C-2"), customer="C-2")
    with pytest.raises(SealBroken, match="tampered"):
        box.open_tokens([token.replace(":C-1:", ":C-2:")], disclosure=TO_CUSTOMER)


def test_the_master_key_rotates() -> None:
    old, new = b"o" * 32, b"n" * 32
    wrapped = MasterKeys(old).wrap(b"k" * 32, customer="C-1")
    assert MasterKeys(new, old).unwrap(wrapped, customer="C-1") == b"k" * 32
    with pytest.raises(SealBroken, match="not configured"):
        MasterKeys(new).unwrap(wrapped, customer="C-1")
    with pytest.raises(SealBroken, match="tampered"):
        MasterKeys(old).unwrap(wrapped, customer="C-2")


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = master_keys(configured=None, home=home)
    assert first.current == master_keys(configured=None, home=home).current
    assert stat.S_IMODE((home / "master.key").stat().st_mode) == 0o600
    assert os.listdir(home) == ["master.key"]
    (home / "master.key").chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        master_keys(configured=None, home=home)


def test_a_configured_key_counts_and_a_bad_one_is_not_repeated(tmp_path: Path) -> None:
    text = b64encode(b"x" * 32).decode()
    assert master_keys(configured=text, home=tmp_path).current == MasterKeys(b"x" * 32).current
    assert not (tmp_path / "master.key").exists()
    with pytest.raises(ValueError, match="32 random bytes") as caught:
        master_keys(configured="hunter2", home=tmp_path)
    assert "hunter2" not in str(caught.value)


def test_sealing_is_cheap() -> None:
    box, events = vault(), [(ordered(), "C-1")] * 500
    box.seal_events(events[:1])
    started = time.process_time()
    box.seal_events(events)
    per_field = (time.process_time() - started) / 500 / 7
    assert per_field < 50e-6, f"{per_field * 1e6:.1f} us a field; some 5 us on a quiet machine"
