"""Faults on demand: which commands fail, how, and how often.

One per line, ``#`` begins a comment; the pattern is a command name with ``*`` for any part::

    payment.capture: 503 x 3             the next 3 calls are answered 503, nothing happens
    payment.capture: 503 x 3 each        the first 3 calls of every idempotency key
    payment.capture: timeout             no answer for 10 s, nothing happens
    payment.authorize: timeout 30s 5%    in one call of twenty
    payment.*: slow 10s 1%               answered, but 10 s late
    message.send: permanent              rejected for good
    payment.capture: lost-answer x 1     it happens, but the answer is lost on the way

Lines apply from top to bottom: delays add up, the first failure counts. Counts are per process and begin anew
when the text changes.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from zlib import crc32

log = logging.getLogger("sop.world")

_TIMEOUT = 10.0
_LOOK_EVERY = 0.2
_LINE = re.compile(
    r"(?P<pattern>[\w.*?-]+)\s*:\s*(?P<what>[\w-]+)"
    r"(?:\s+(?P<delay>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m))?"
    r"(?:\s+x\s*(?P<times>\d+)(?P<each>\s+each)?)?"
    r"(?:\s+(?P<percent>\d+(?:\.\d+)?)\s*%)?"
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class FaultSyntax(ValueError):
    """A line of a fault text cannot be read; says which, and how it should look."""


class Failure(Enum):
    ANSWERED = "answered"  #: with an HTTP status, before anything happened
    TIMEOUT = "timeout"
    PERMANENT = "permanent"
    LOST_ANSWER = "lost-answer"


@dataclass(frozen=True, slots=True)
class Strike:
    """What befalls one call: first ``delay`` seconds pass, then ``failure``, if any."""

    delay: float = 0.0
    failure: Failure | None = None
    status: int = 0


@dataclass(slots=True)
class _Fault:
    pattern: str
    strike: Strike
    times: int | None = None
    each: bool = False
    chance: float = 1.0
    calls: Counter[str] = field(default_factory=Counter)
    struck: int = 0

    def strikes(self, key: str, *, seed: int) -> bool:
        if self.chance < 1.0:
            self.calls[key] += 1
            text = f"{seed} {self.pattern} {self.strike} {key} {self.calls[key]}"
            if crc32(text.encode()) / 2**32 >= self.chance:
                return False
        if self.times is None:
            return True
        if self.each:
            self.calls[key] += 1
            return self.calls[key] <= self.times
        self.struck += 1
        return self.struck <= self.times


_NO_STRIKE = Strike()


class Faults:
    """The faults in force: those of ``text``, or of ``file``, which is read again whenever it changes."""

    def __init__(self, text: str = "", *, file: Path | None = None) -> None:
        self._faults = _read(text)
        self._by_command: dict[str, list[_Fault]] = {}
        self._file = file
        self._seen: int | None = None
        self._look_again = 0.0
        if file is not None:
            self._look()

    def set(self, text: str) -> None:
        """Replace all faults; raises ``FaultSyntax`` and keeps the old ones if a line cannot be read."""
        self._faults = _read(text)
        self._by_command = {}

    def strike(self, command: str, key: str, *, seed: int) -> Strike:
        """What befalls this call; deterministic by seed and key where chance plays a part."""
        if self._file is not None and time.monotonic() >= self._look_again:
            self._look_quietly()
        if not self._faults:
            return _NO_STRIKE
        faults = self._by_command.get(command)
        if faults is None:
            faults = [fault for fault in self._faults if fnmatchcase(command, fault.pattern)]
            self._by_command[command] = faults
        delay = 0.0
        for fault in faults:
            if fault.strikes(key, seed=seed):
                delay += fault.strike.delay
                if fault.strike.failure is not None:
                    return Strike(delay, fault.strike.failure, fault.strike.status)
        return Strike(delay) if delay else _NO_STRIKE

    def _look_quietly(self) -> None:
        try:
            self._look()
        except FaultSyntax as error:
            log.error("%s; the faults before it stay in force", error)

    def _look(self) -> None:
        self._look_again = time.monotonic() + _LOOK_EVERY
        if self._file is None:
            return
        try:
            changed = self._file.stat().st_mtime_ns
            text = self._file.read_text("utf-8") if changed != self._seen else None
        except OSError:  # no file, no faults
            changed, text = 0, "" if self._seen else None
        self._seen = changed
        if text is not None:
            self.set(text)


def _read(text: str) -> list[_Fault]:
    lines = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return [_parse(line, number) for number, line in lines if line]


def _parse(line: str, number: int) -> _Fault:
    match = _LINE.fullmatch(line)
    if match is None:
        raise FaultSyntax(
            f"line {number}: {line!r} is not a fault; write COMMAND: WHAT [10s] [x 3 [each]] [5%], "
            "such as payment.capture: 503 x 3"
        )
    delay = float(match["delay"]) * _SECONDS[match["unit"]] if match["delay"] else None
    return _Fault(
        pattern=match["pattern"],
        strike=_strike(match["what"], delay, number),
        times=int(match["times"]) if match["times"] else None,
        each=bool(match["each"]),
        chance=float(match["percent"]) / 100 if match["percent"] else 1.0,
    )


def _strike(what: str, delay: float | None, number: int) -> Strike:
    if re.fullmatch(r"429|5\d\d", what):
        return Strike(delay or 0.0, Failure.ANSWERED, int(what))
    if what == "timeout":
        return Strike(_TIMEOUT if delay is None else delay, Failure.TIMEOUT)
    if what == "slow":
        if delay is None:
            raise FaultSyntax(f"line {number}: slow needs a duration, such as slow 10s")
        return Strike(delay)
    if what in (Failure.PERMANENT.value, Failure.LOST_ANSWER.value):
        return Strike(delay or 0.0, Failure(what))
    raise FaultSyntax(
        f"line {number}: {what!r} is not known; take 429, 500 to 599, timeout, slow, permanent or lost-answer"
    )
