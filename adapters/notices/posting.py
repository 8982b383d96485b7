"""Hands notices to the receivers of an audience, each on its own, and says which of them did not get it. What
some of them did not get is kept for them in memory, and nobody else is told it again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

from adapters.errors import AdapterError
from adapters.notices.owing import Owing
from adapters.notices.receivers import Receiver

_SECONDS = 20.0  #: a process that is told to stop waits for it
_AT_ONCE = 4  #: processes of 45 MB
_PAUSE = 120.0
_LONGEST = 3_600.0

Audience = Literal["oncall", "operations"]
Receivers = Mapping[Audience, Sequence[Receiver]]


class NotDelivered(AdapterError):
    """No receiver of a notice got it."""

    code = "not-delivered"


@dataclass(frozen=True, slots=True)
class Notice:
    """What an audience is told; keys only, nothing personal and no secret."""

    audience: Audience
    title: str
    body: str


class Post(Protocol):
    """Sends notices."""

    def __call__(self, notice: Notice) -> Sequence[str]:
        """Send it; why receivers did not get it that others got. Raises ``NotDelivered`` when none did."""
        ...

    def again(self) -> None:
        """Send those receivers what they did not get, whose turn it is."""
        ...


class Posting:
    """``Post`` through Apprise. An audience without receivers is told nothing, but ``operations`` are told
    where ``oncall`` are then. A receiver is given up after so many ``seconds``, and tried again after a
    ``pause`` where others were told."""

    def __init__(self, receivers: Receivers, *, seconds: float = _SECONDS, pause: float = _PAUSE) -> None:
        self._receivers = receivers
        self._seconds = seconds
        self._owing: Owing[Notice] = Owing(pause=pause, longest=_LONGEST)

    def to(self, audience: Audience) -> Sequence[Receiver]:
        """Who is told what that audience is to know."""
        return self._receivers.get(audience) or self._receivers.get("oncall", ())

    def __call__(self, notice: Notice) -> Sequence[str]:
        sent = self.send(notice)
        failed = [(one, fault) for one, fault in sent if fault]
        faults = [f"{one.name}: {fault}" for one, fault in failed]
        if sent and len(failed) == len(sent):
            raise NotDelivered(f"{notice.title!r} reached nobody: {'; '.join(faults)}")
        for one, _ in failed:
            self._owing.add(one, notice)
        return faults

    def again(self) -> None:
        due = self._owing.due()
        for (one, notice), fault in zip(due, self._each(due), strict=True):
            if fault is None:
                self._owing.settle(one, notice)

    def send(self, notice: Notice) -> list[tuple[Receiver, str | None]]:
        """Each receiver, with what kept the notice from it."""
        to = self.to(notice.audience)
        return list(zip(to, self._each([(one, notice) for one in to]), strict=True))

    def _each(self, letters: Sequence[tuple[Receiver, Notice]]) -> list[str | None]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(lambda letter: self._fault(*letter), letters))

    def _fault(self, to: Receiver, notice: Notice) -> str | None:
        try:
            return self._run(json.dumps({"title": notice.title, "body": notice.body, "url": to.url}))
        except subprocess.TimeoutExpired:
            return f"no answer within {self._seconds:g} s"
        except (subprocess.SubprocessError, OSError, ValueError):
            return "the sending process failed"

    def _run(self, letter: str) -> str | None:
        ended = subprocess.run(
            [sys.executable, "-m", "adapters.notices.post"],
            input=letter,
            capture_output=True,
            text=True,
            timeout=self._seconds,
            check=True,
        )
        fault: str | None = json.loads(ended.stdout)
        return fault
