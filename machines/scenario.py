"""Scenario files: what happens to a case over days or months, and what must have come of it.

A scenario is TOML. Instants are written as time since ``start`` ("3 working days"), counted by the calendar
of the policy; payloads are those of an event's examples, with fields replaced by ``with``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from machines.kernel.errors import ScenarioError
from machines.policy import Length
from machines.shown import SHOWN


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
    names the disposition as well. ``performed`` counts commands of the case by name, ``letters`` the messages
    to customers by template, whichever case sent them; ``cases`` gives final states of others; ``balances``
    are sums of the case's ledger."""

    state: str
    at: tuple[Stand, ...] = ()
    cases: Mapping[str, str] = {}
    journal: tuple[str, ...] = ()
    performed: Mapping[str, int] = {}
    letters: Mapping[str, int] = {}
    balances: Mapping[str, int] = {}


class Scenario(_Closed):
    """``case`` is the one that it is about. Each command ends in the first of its possible outcomes unless
    ``outcomes`` says otherwise. The run ends after ``lasts`` at the latest. ``shows`` are ids of
    ``machines/shown.py``."""

    title: str
    case: str
    start: datetime
    lasts: Length
    events: tuple[Told, ...]
    outcomes: tuple[Outcome, ...] = ()
    shows: tuple[str, ...] = ()
    expect: Expected

    @field_validator("shows")
    @classmethod
    def _known(cls, shows: tuple[str, ...]) -> tuple[str, ...]:
        for id in shows:
            if id not in SHOWN:
                near = get_close_matches(id, SHOWN, n=3, cutoff=0.3)
                raise ValueError(
                    f"{id!r} is not listed in machines/shown.py; did you mean {' or '.join(near or SHOWN)}?"
                )
        return shows


def load(path: Path) -> Scenario:
    """Raises ``ScenarioError`` that names the file and the place."""
    try:
        return Scenario.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path.name}: {error}; the file is TOML, see https://toml.io") from None
    except ValidationError as error:
        places = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ScenarioError(f"{path.name}: " + "; ".join(places)) from None


def load_all(folder: Path) -> dict[str, Scenario]:
    """Every scenario file one folder down, by ``return/never_arrives``; raises ``ScenarioError``."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): load(path)
        for path in sorted(folder.glob("*/*.toml"))
    }
