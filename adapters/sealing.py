"""Personal fields at rest: sealed under the customer's own key at intake, opened for a stated purpose only.

A sealed field is the text ``sealed:1:<customer>:<base64url>``: AES-256-GCM, bound to the customer and to the
field it was taken from. Without the customer's key, which erasure destroys, it is noise.
"""

from __future__ import annotations

import os
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.errors import OwnFault, SealBroken
from adapters.master_key import MasterKeys
from adapters.personal import Json, Place, places
from machines.kernel.event import SEALED, Event

_PREFIX = SEALED + "1:"
_NONCE = 12
_TOKEN = re.compile(SEALED + r"[\w.:-]*")
Cipher = AESGCM | SealBroken
_KEPT_SECONDS = 60.0  # an erased customer stays readable in other processes for at most this long


class CustomerKeys(Protocol):
    """What the vault needs of the store."""

    def customer_keys(self, customers: Collection[str], *, fresh: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The wrapped key of each customer; absent where it was destroyed."""
        ...


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Who is given which personal fields, and what for; ``fields`` are the last parts of field names."""

    recipient: str
    purpose: str
    fields: frozenset[str]


class Vault:
    """Seals and opens personal fields; safe to share between threads.

    Keeps up to ``kept`` customer keys unwrapped, each for at most a minute.
    """

    def __init__(self, store: CustomerKeys, *, master: MasterKeys, kept: int = 2048) -> None:
        self._store = store
        self._master = master
        self._kept = kept
        self._ciphers: OrderedDict[str, tuple[AESGCM, float]] = OrderedDict()
        self._lock = Lock()

    def seal_events(self, events: Sequence[tuple[Event, str | None]]) -> list[bytes | SealBroken]:
        """The payload of each (event, customer) as JSON with its personal fields sealed.

        Looks the keys of all customers up at once, and makes those that are missing. The answer is
        ``SealBroken`` where the customer's key was destroyed or cannot be unwrapped. Raises
        ``StoreUnavailable``, and ``ValueError`` for a personal field of nobody.
        """
        customers = {customer for event, customer in events if customer and places(type(event))}
        ciphers = self._ciphers_of(customers, make=True)
        return [_seal(event, customer, ciphers) for event, customer in events]

    def seal_event(self, event: Event, *, customer: str | None) -> bytes:
        """``seal_events`` for a single one; raises ``SealBroken``."""
        (sealed,) = self.seal_events([(event, customer)])
        return _or_raise(sealed)

    def seal_rest(self, event: Event, *, customer: str | None) -> bytes:
        """``seal_event`` for one whose personal fields may be sealed in part: those stay as they are. Raises
        ``SealBroken`` also where one is sealed for another customer or was taken from another field."""
        customers = {customer} if customer and places(type(event)) else set()
        ciphers = self._ciphers_of(customers, make=True)
        return _or_raise(_seal(event, customer, ciphers, keep=True))

    def open_tokens(self, tokens: Collection[str], *, disclosure: Disclosure) -> dict[str, str]:
        """Token -> clear text, for what ``disclosure`` covers.

        Raises ``OwnFault`` for a field outside it, ``SealBroken`` when a key was destroyed or a token was
        tampered with, ``StoreUnavailable``.
        """
        taken = {token: _parse(token) for token in tokens}
        for token in taken.values():
            if token.field.rpartition(".")[2] not in disclosure.fields:
                raise OwnFault(
                    f"{disclosure.recipient} is not given the field {token.field!r} for "
                    f"{disclosure.purpose!r}; only {', '.join(sorted(disclosure.fields))}"
                )
        ciphers = self._ciphers_of({token.customer for token in taken.values()}, make=False)
        return {text: _open(token, ciphers.get(token.customer)) for text, token in taken.items()}

    def warm(self, tokens: Iterable[str]) -> None:
        """Look the keys behind many tokens up at once, so that opening them needs no further look-up."""
        customers = {token.split(":", 3)[2] for token in tokens if token.startswith(_PREFIX)}
        self._ciphers_of(customers, make=False)

    def forget(self, customer: str) -> None:
        """Drop an unwrapped key, at once in this process: the customer is being erased."""
        with self._lock:
            self._ciphers.pop(customer, None)

    def _ciphers_of(self, customers: Collection[str], *, make: bool) -> dict[str, Cipher]:
        found: dict[str, Cipher] = {}
        now = time.monotonic()
        with self._lock:
            for customer in customers:
                kept = self._ciphers.get(customer)
                if kept is not None and kept[1] > now:
                    found[customer] = kept[0]
                    self._ciphers.move_to_end(customer)
        missing = [customer for customer in customers if customer not in found]
        if missing:
            found |= self._look_up(missing, make=make, until=now + _KEPT_SECONDS)
        return found

    def _look_up(self, customers: list[str], *, make: bool, until: float) -> dict[str, Cipher]:
        fresh = {c: self._master.wrap(AESGCM.generate_key(256), customer=c) for c in customers if make}
        wrapped = self._store.customer_keys(customers, fresh=fresh)
        found: dict[str, Cipher] = {}
        with self._lock:
            for customer, blob in wrapped.items():
                try:
                    cipher = AESGCM(self._master.unwrap(blob, customer=customer))
                except SealBroken as broken:
                    found[customer] = broken
                    continue
                found[customer] = cipher
                self._ciphers[customer] = (cipher, until)
            while len(self._ciphers) > self._kept:
                self._ciphers.popitem(last=False)
        return found


def redact(value: Json) -> Json:
    """``value`` with every sealed token replaced by ``(personal)``, for those who need not see even these."""
    if isinstance(value, str):
        return _TOKEN.sub("(personal)", value) if SEALED in value else value
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, dict):
        return {name: redact(item) for name, item in value.items()}
    return value


def customer_of(value: Json) -> str | None:
    """Whose sealed fields are in ``value``; None if there are none, or those of several."""
    found = {token.split(":")[2] for token in _TOKEN.findall(orjson.dumps(value).decode()) if ":1:" in token}
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class _Token:
    customer: str
    field: str
    nonce: bytes
    sealed: bytes


Seal = Callable[[str, str], str]
"""(text, field) -> token."""


def _or_raise(sealed: bytes | SealBroken) -> bytes:
    if isinstance(sealed, SealBroken):
        raise sealed
    return sealed


def _seal(
    event: Event, customer: str | None, ciphers: Mapping[str, Cipher], *, keep: bool = False
) -> bytes | SealBroken:
    place = places(type(event))
    if not place:
        return event.model_dump_json().encode()
    if customer is None:
        raise ValueError(f"{event.type} has personal fields; say whose")
    cipher = ciphers.get(customer)
    if not isinstance(cipher, AESGCM):
        return cipher or _destroyed(customer)
    seal = partial(_keep_or_token if keep else _token, customer=customer, cipher=cipher)
    body: Json = event.model_dump(mode="json")
    return orjson.dumps(_seal_in(body, place, "", seal))


def _seal_in(value: Json, place: Place, field: str, seal: Seal) -> Json:
    if isinstance(value, str):
        return seal(value, field) if place.personal else value
    if isinstance(value, dict):
        for name, part in value.items():
            inner = place.fields.get(name)
            if inner is not None:
                value[name] = _seal_in(part, inner, f"{field}.{name}" if field else name, seal)
            elif place.each is not None:
                value[name] = _seal_in(part, place.each, field, seal)
    elif isinstance(value, list) and place.each is not None:
        return [_seal_in(part, place.each, field, seal) for part in value]
    return value


def _keep_or_token(value: str, field: str, *, customer: str, cipher: AESGCM) -> str:
    if not value.startswith(SEALED):
        return _token(value, field, customer=customer, cipher=cipher)
    token = _parse(value)
    if (token.customer, token.field) != (customer, field):
        raise SealBroken(f"what is in {field} was sealed for another customer or field; give it anew")
    return value


def _token(value: str, field: str, *, customer: str, cipher: AESGCM) -> str:
    nonce = os.urandom(_NONCE)
    name = field.encode()
    sealed = cipher.encrypt(nonce, value.encode(), _bound_to(customer, field))
    packed = urlsafe_b64encode(b"%c%b%b%b" % (len(name), name, nonce, sealed))
    return f"{_PREFIX}{customer}:{packed.decode().rstrip('=')}"


def _bound_to(customer: str, field: str) -> bytes:
    return f"{customer}\n{field}".encode()


def _parse(token: str) -> _Token:
    try:
        scheme, version, customer, text = token.split(":")
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        length = packed[0]
        field = packed[1 : 1 + length].decode()
    except (ValueError, IndexError):
        raise SealBroken("not a sealed field") from None
    # the decoder skips what is not base64: only the one spelling that sealing writes is taken
    if f"{scheme}:{version}:" != _PREFIX or urlsafe_b64encode(packed).decode().rstrip("=") != text:
        raise SealBroken("not a sealed field")
    rest = packed[1 + length :]
    return _Token(customer=customer, field=field, nonce=rest[:_NONCE], sealed=rest[_NONCE:])


def _open(token: _Token, cipher: Cipher | None) -> str:
    if not isinstance(cipher, AESGCM):
        raise cipher or _destroyed(token.customer)
    try:
        return cipher.decrypt(token.nonce, token.sealed, _bound_to(token.customer, token.field)).decode()
    except (InvalidTag, ValueError):
        raise SealBroken(f"field {token.field!r} of customer {token.customer} was tampered with") from None


def _destroyed(customer: str) -> SealBroken:
    return SealBroken(f"the key of customer {customer} was destroyed")
