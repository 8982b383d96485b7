"""Hands notices to the receivers of an audience, and says which of them did not get it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.errors import AdapterError
from adapters.notices.receivers import Receiver

_SECONDS = 20.0  #: a process that is told to stop waits for it

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


Post = Callable[[Notice], Sequence[str]]
"""Sends a notice; why receivers did not get it. Raises ``NotDelivered`` when none did."""


class Posting:
    """``Post`` through Apprise. An audience without receivers is told nothing, but ``operations`` are told
    where ``oncall`` are then."""

    def __init__(self, receivers: Receivers, *, seconds: float = _SECONDS) -> None:
        self._receivers = receivers
        self._seconds = seconds

    def to(self, audience: Audience) -> Sequence[Receiver]:
        """Who is told what that audience is to know."""
        return self._receivers.get(audience) or self._receivers.get("oncall", ())

    def __call__(self, notice: Notice) -> Sequence[str]:
        to = self.to(notice.audience)
        faults = [f"{one.name}: {fault}" for one, fault in self.send(notice) if fault]
        if to and len(faults) == len(to):
            raise NotDelivered(f"{notice.title!r} reached nobody: {'; '.join(faults)}")
        return faults

    def send(self, notice: Notice) -> list[tuple[Receiver, str | None]]:
        """Each receiver, with what kept the notice from it."""
        to = self.to(notice.audience)
        if not to:
            return []
        told = {"title": notice.title, "body": notice.body, "urls": [one.url for one in to]}
        try:
            faults = self._run(json.dumps(told))
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            late = isinstance(error, subprocess.TimeoutExpired)
            why = f"no answer within {self._seconds:g} s" if late else "the sending process failed"
            faults = [why] * len(to)
        return list(zip(to, faults, strict=True))

    def _run(self, told: str) -> list[str | None]:
        ended = subprocess.run(
            [sys.executable, "-m", "adapters.notices.post"],
            input=told,
            capture_output=True,
            text=True,
            timeout=self._seconds,
            check=True,
        )
        faults: list[str | None] = json.loads(ended.stdout)
        return faults
