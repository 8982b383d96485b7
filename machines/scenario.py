"""Scenario files: what happens to a case over days or months, and what must have come of it.

A scenario is TOML. Instants are written as time since ``start`` ("3 working days"), counted by the calendar
of the policy; payloads are those of an event's examples, with fields replaced by ``with``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from machines.kernel.errors import ScenarioError
from machines.policy import Length


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(_Closed):
    """An event from outside to ``case`` (``order/SO-1001``), ``after`` so much time or at the start.
    ``example`` numbers the examples of its type from 1; none is needed if ``with`` says everything."""

    type: str
    case: str | None = None
    after: Length | None = None
    example: int = 1
    fields: Mapping[str, Any] = Field(default_factory=dict, alias="with")


class Outcome(_Closed):
    """How ``command`` ends: ``becomes`` is the type of one of its possible outcomes, ``choice`` numbers those
    of that type from 1. ``occurrence`` is the n-th such command of the case, else every one not named.
    ``takes`` is how long the answer is on its way."""

    command: str
    becomes: str | None = None
    choice: int = 1
    occurrence: int | None = None
    case: str | None = None
    takes: Length | None = None
    fields: Mapping[str, Any] = Field(default_factory=dict, alias="with")


class Stand(_Closed):
    """In which state a case is so long after the start."""

    after: Length
    state: str
    case: str | None = None


class Expected(_Closed):
    """``journal`` lists events of the case in their order, others may lie between; "carrier.scan ignored"
    names the disposition as well. ``performed`` counts commands of the case by name; ``cases`` gives final
    states of others; ``balances`` are sums of the case's ledger."""

    state: str
    at: tuple[Stand, ...] = ()
    cases: Mapping[str, str] = {}
    journal: tuple[str, ...] = ()
    performed: Mapping[str, int] = {}
    balances: Mapping[str, int] = {}


class Scenario(_Closed):
    """``case`` is the one that it is about. Each command ends in the first of its possible outcomes unless
    ``outcomes`` says otherwise. The run ends after ``lasts`` at the latest."""

    title: str
    case: str
    start: datetime
    lasts: Length
    events: tuple[Told, ...]
    outcomes: tuple[Outcome, ...] = ()
    expect: Expected


def load(path: Path) -> Scenario:
    """Raises ``ScenarioError`` that names the file and the place."""
    try:
        return Scenario.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path.name}: {error}; the file is TOML, see https://toml.io") from None
    except ValidationError as error:
        places = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ScenarioError(f"{path.name}: " + "; ".join(places)) from None
