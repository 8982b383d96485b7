"""Where staff are told: Apprise URLs by audience. They hold secrets, so only schemes are shown of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = re.compile(r"^([a-z][a-z0-9+.-]{0,20})://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Receiver:
    """The ``number``-th receiver of an audience, counted from one."""

    audience: str
    number: int
    url: str

    def __repr__(self) -> str:
        return f"Receiver({self.name})"

    @property
    def name(self) -> str:
        """For people: without the address and its secrets."""
        scheme = _SHOWN.match(self.url)
        return f"{self.audience} {self.number} ({scheme[1].lower() if scheme else 'not a URL'})"


def receivers(audience: str, urls: Sequence[str]) -> tuple[Receiver, ...]:
    return tuple(Receiver(audience, number, url.strip()) for number, url in enumerate(urls, 1))


def unusable(found: Sequence[Receiver]) -> list[Receiver]:
    """Those whose URL Apprise cannot make sense of; its import costs 45 MB (measured)."""
    # The worker never comes here.
    from apprise import Apprise

    from adapters.notices.muting import muted

    with muted():
        return [one for one in found if not Apprise().add(one.url)]
