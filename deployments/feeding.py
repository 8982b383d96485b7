"""Sends a file of CloudEvents, one per line, to the intake over HTTP, in the rhythm of their times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import orjson

from adapters.errors import StoreUnavailable

Known = Callable[[str, str], bool]


@dataclass(slots=True)
class Fed:
    """How many lines were sent, how many the intake took, how many of those it had known before, and what it
    said of the others."""

    sent: int = 0
    accepted: int = 0
    known: int = 0
    refused: int = 0
    refusals: list[str] | None = None


def feed(path: Path, *, url: str, seconds: float, known: Known) -> Iterator[Fed]:
    """Send every line of ``path``; the span of their times is compressed to ``seconds`` (0: no waiting).

    ``known`` says of a source and an id whether they have come in before: the intake answers the same then.
    A line that the intake refuses is counted with its answer, and the rest goes on. Yields after each line.
    """
    fed = Fed(refusals=[])
    lines = _lines(path)
    moments = _moments(lines, seconds)
    started = time.monotonic()
    with httpx.Client(base_url=url, timeout=30) as client:
        for line, moment in zip(lines, moments, strict=True):
            wait = started + moment - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            before = _is_known(line, known)
            answer = client.post("/events", content=line, headers=_STRUCTURED)
            fed.sent += 1
            if answer.status_code == 202:
                fed.accepted += 1
                fed.known += before
            else:
                fed.refused += 1
                assert fed.refusals is not None
                fed.refusals.append(_words(answer))
            yield fed


def is_over(path: Path, *, known: Known) -> bool:
    """Whether the last line of ``path`` has come in before."""
    lines = _lines(path)
    return bool(lines) and _is_known(lines[-1], known)


_STRUCTURED = {"content-type": "application/cloudevents+json"}


def _lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines() if line.strip()]


def _moments(lines: list[bytes], seconds: float) -> list[float]:
    """When to send each line, in seconds from the start; one without a readable time goes with the last."""
    stamps: list[float] = []
    for line in lines:
        try:
            stamp = datetime.fromisoformat(orjson.loads(line)["time"]).timestamp()
        except (ValueError, KeyError, TypeError):
            stamp = stamps[-1] if stamps else 0.0
        stamps.append(stamp)
    first, last = (min(stamps), max(stamps)) if stamps else (0.0, 0.0)
    scale = seconds / (last - first) if last > first else 0.0
    return [(stamp - first) * scale for stamp in stamps]


def _is_known(line: bytes, known: Known) -> bool:
    try:
        event = orjson.loads(line)
        return known(str(event["source"]), str(event["id"]))
    except (ValueError, KeyError, TypeError, StoreUnavailable):
        return False


def _words(answer: httpx.Response) -> str:
    try:
        problem = orjson.loads(answer.content)
        return f"{answer.status_code} {problem.get('title', '')}: {problem.get('detail', '')}"
    except orjson.JSONDecodeError:
        return f"{answer.status_code} {answer.reason_phrase}"
