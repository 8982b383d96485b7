"""What staff do with subscriptions: make and remove them, pause and resume, send again, change the secret.

A secret is told once, when it is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import httpx

from adapters.bulletins.happening import TYPES
from adapters.bulletins.secrets import Secrets, make_secret, spelled
from adapters.errors import AdapterError
from adapters.store.bulletins import Bulletins, Change, Subscription, SubscriptionStatus, Waiting

OVERLAP = timedelta(hours=24)
"""How long events are signed with the former secret too, after it was changed."""

MOST = 100
"""Subscriptions at once: each is sent to by itself, so their number bounds the requests on their way."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NUMBERED = 5_000
_SHOWN = 100  #: characters of a URL that is refused


class InvalidSubscription(AdapterError):
    """A subscription cannot be like this; names the field, its value and the remedy."""

    code = "invalid-subscription"


class NoSuchSubscription(AdapterError):
    """No subscription has that name."""

    code = "no-such-subscription"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription and its secret as Standard Webhooks write it, told this once."""

    subscription: Subscription
    secret: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A subscription as it stands; ``lost`` positions before what it is told next are kept no longer."""

    subscription: Subscription
    waiting: Waiting
    lost: int = 0


class Subscribing:
    """``plain`` lets events go to other machines over HTTP without TLS. Without ``secrets`` none can be made.

    Methods raise ``InvalidSubscription``, ``NoSuchSubscription`` and ``StoreUnavailable``.
    """

    def __init__(
        self,
        bulletins: Bulletins,
        *,
        sops: Collection[str],
        clock: Callable[[], datetime],
        plain: bool = False,
        secrets: Secrets | None = None,
    ) -> None:
        self._bulletins = bulletins
        self._sops = sops
        self._clock = clock
        self._plain = plain
        self._secrets = secrets

    def subscribe(
        self, url: str, *, sops: Sequence[str] = (), types: Sequence[str] = (), name: str | None = None
    ) -> Subscribed:
        """Tell ``url`` what happens from now on, in the procedures and of the types given, or in all."""
        address = self._checked(url)
        for field, values, known in (("sop", sops, self._sops), ("type", types, TYPES)):
            for value in values:
                if value not in known:
                    raise InvalidSubscription(f"{field} {value!r} is not known; write {_either(known)}")
        taken = {one.name for one in self._bulletins.subscriptions()}
        if len(taken) >= MOST:
            raise InvalidSubscription(f"there are {MOST} subscriptions already; remove one of them first")
        name = _free(address.hostname or "", taken) if name is None else name
        if not _NAME.fullmatch(name):
            raise InvalidSubscription(
                f"name {name!r} cannot be one; write up to 64 of a-z, 0-9, dot, dash and underscore"
            )
        secret, now = make_secret(), self._clock()
        subscription = Subscription(
            name=name,
            url=url,
            secret=self._sealed(secret, name),
            created=now,
            sops=tuple(dict.fromkeys(sops)),
            types=tuple(dict.fromkeys(types)),
        )
        if not self._bulletins.subscribe(subscription):
            raise InvalidSubscription(f"name {name!r} is taken; choose another one with --name")
        return Subscribed(self.find(name), spelled(secret))

    def all(self) -> list[Moved]:
        return [Moved(one, self._bulletins.waiting(one)) for one in self._bulletins.subscriptions()]

    def find(self, name: str) -> Subscription:
        known = {one.name: one for one in self._bulletins.subscriptions()}
        if name not in known:
            there = f"there is {_either(known)}" if known else "there is none; see 'sop subscribe'"
            raise NoSuchSubscription(f"no subscription is called {name!r}; {there}")
        return known[name]

    def pause(self, name: str) -> Moved:
        """Tell it nothing until it is resumed; what happens meanwhile is kept for it."""
        return self._moved(self._change(name, lambda known: replace(known, status=SubscriptionStatus.PAUSED)))

    def resume(self, name: str) -> Moved:
        """Tell it what happened since, at once, whether it was paused, disabled or waits for its next try."""
        return self._moved(
            self._change(name, lambda known: replace(known.afresh(), status=SubscriptionStatus.ACTIVE))
        )

    def remove(self, name: str) -> None:
        if not self._bulletins.unsubscribe(name):
            self.find(name)

    def replay(self, name: str, *, since: str) -> Moved:
        """Tell it again, or skip: the next thing it is told is the one at position ``since``, or the first
        that happened at that time (RFC 3339) or later."""
        self.find(name)
        while self._bulletins.number(limit=_NUMBERED):
            """What has just happened has its position too."""
        position = self._position(since)
        return self._moved(self._change(name, lambda known: replace(known.afresh(), position=position - 1)))

    def rotate(self, name: str) -> Subscribed:
        """Give it a new secret; events are signed with the former one, too, for a day."""
        secret = make_secret()
        sealed, until = self._sealed(secret, name), self._clock() + OVERLAP
        changed = self._change(
            name,
            lambda known: replace(known, secret=sealed, former=known.secret, former_until=until),
        )
        return Subscribed(changed, spelled(secret))

    def _change(self, name: str, apply: Change) -> Subscription:
        changed = self._bulletins.change(name, apply)
        return self.find(name) if changed is None else changed

    def _moved(self, subscription: Subscription) -> Moved:
        first, _ = self._bulletins.span()
        lost = max(0, first - 1 - subscription.position)
        return Moved(subscription, self._bulletins.waiting(subscription), lost)

    def _position(self, since: str) -> int:
        first, last = self._bulletins.span()
        if since.isascii() and since.isdigit():
            position = int(since[:19])
            if not max(first, 1) <= position <= last + 1:
                kept = f"positions {first} to {last} are kept" if last else "nothing has happened yet"
                raise InvalidSubscription(
                    f"from {since}: {kept}; write one of them, or {last + 1} for what comes"
                )
            return position
        try:
            at = datetime.fromisoformat(since)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise InvalidSubscription(
                f"from {since!r} is neither: write a position such as 42, or a time such as "
                "2026-12-03T10:20:00Z"
            )
        return self._bulletins.position_at(at) or last + 1

    def _sealed(self, secret: bytes, name: str) -> bytes:
        assert self._secrets is not None
        return self._secrets.seal(secret, name=name)

    def _checked(self, url: str) -> SplitResult:
        address = _parsed(url)
        if address is None or address.scheme not in ("http", "https"):
            # Before the last @ may be a password.
            shown = url.rpartition("@")[2][:_SHOWN]
            raise InvalidSubscription(
                f"url {shown!r} is no address; write one such as https://erp.example/cases"
            )
        if address.username is not None or address.password is not None:
            raise InvalidSubscription("url has a user or password in it; leave them out: events are signed")
        if address.fragment:
            raise InvalidSubscription(f"url ends in #{address.fragment}, which is never sent; leave it out")
        host = address.hostname or ""
        if address.scheme == "http" and not (self._plain or _is_loopback(host)):
            raise InvalidSubscription(
                f"url is http://{host}, which others can read and change on the way; write https://, or set "
                "plain_subscribers = true"
            )
        return address


def _parsed(url: str) -> SplitResult | None:
    """None for what the client that posts, or the resolver after it, cannot take."""
    try:
        address, posted = urlsplit(url), httpx.URL(url)
        posted.raw_host.decode("ascii").encode("idna")
        usable = posted.host and address.port != 0 and url.isprintable() and " " not in url
    except (ValueError, httpx.InvalidURL):
        return None
    return address if usable else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _free(host: str, taken: Collection[str]) -> str:
    """A name after the host of the receiver that none has yet."""
    base = re.sub(r"[^a-z0-9._-]", "-", host.lower()).strip("._-")[:60] or "receiver"
    names = [base, *(f"{base}-{number}" for number in range(2, MOST + 2))]
    return next(name for name in names if name not in taken)


def _either(names: Collection[str]) -> str:
    return " or ".join(sorted(names))
