"""The one policy file: when we are at work, and where deadlines, clocks and terms differ from what procedures
state.

``load`` reads it; a ``Policy`` says when a deadline of a case is due, what budget a clock has and on which
terms a case is opened. Everything wrong with the file is a ``PolicyError`` that names the place, the value
and the remedy.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from machines.kernel.calendar import Calendar
from machines.kernel.clock import Clock
from machines.kernel.definition import Due
from machines.kernel.duration import Duration, Unit
from machines.kernel.errors import DefinitionError, PolicyError
from machines.kernel.event import Facts
from machines.kernel.procedure import Procedure
from machines.kernel.state import Deadline
from machines.kernel.timekeeping import Timing
from machines.kernel.timekeeping import stated as stated_budget

DEFAULT = Path(__file__).with_suffix(".toml")
CONDITIONS = ("channel", "priority", "country")

_UNITS = {unit.value.removesuffix("s"): unit for unit in Unit}


def parse_duration(text: object) -> Duration:
    """``"4 working hours"``; raises ``ValueError`` that shows how a duration is written."""
    if isinstance(text, Duration):
        return text
    found = re.fullmatch(r"(\d+) +([a-z ]+?)s?", text.strip()) if isinstance(text, str) else None
    unit = _UNITS.get(" ".join(found[2].split())) if found else None
    if found is None or unit is None:
        known = ", ".join(unit.value for unit in Unit)
        raise ValueError(f"{text!r} is not a duration; write a whole number and one of: {known}")
    if found[1].strip("0") == "":
        raise ValueError(f"{text!r} lasts no time at all; use at least 1")
    return Duration(int(found[1]), unit)


Length = Annotated[Duration, BeforeValidator(parse_duration)]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Special(_Closed):
    """Another duration for the cases that meet every condition given; at least one is. It is for a deadline
    or for a clock."""

    deadline: str | None = None
    clock: str | None = None
    duration: Length
    channel: str | None = None
    priority: str | None = None
    country: str | None = None

    def model_post_init(self, _: Any) -> None:
        if (self.deadline is None) is (self.clock is None):
            raise ValueError("what is it for? give either deadline = ... or clock = ...")
        if not self.conditions:
            table = "clocks" if self.clock else "deadlines"
            raise ValueError(
                f"{self.name} has no condition; give {' or '.join(CONDITIONS)}, or list it in [{table}]"
            )

    def __str__(self) -> str:
        conditions = " and ".join(f"{name} {value}" for name, value in self.conditions.items())
        return f"as the policy says for {conditions}"

    @property
    def name(self) -> str:
        return str(self.deadline or self.clock)

    @property
    def conditions(self) -> Mapping[str, str]:
        return {name: value for name in CONDITIONS if (value := getattr(self, name)) is not None}

    def fits(self, facts: Mapping[str, str | None]) -> bool:
        return all(facts.get(name) == value for name, value in self.conditions.items())


class House(_Closed):
    """Who we are to customers: how messages are signed, and where a person answers. ``people`` are the names
    under which customers may know colleagues, by their key; of others they read the team."""

    name: str = "Your shop"
    phone: str = "+49 30 5550199"
    hours: str = "9:00-17:00"
    people: Mapping[str, str] = {}


class Policy(_Closed):
    """A deadline or a clock is named with its procedure, as ``procedure.deadline``."""

    calendar: Calendar
    deadlines: Mapping[str, Length] = {}
    clocks: Mapping[str, Length] = {}
    exceptions: tuple[Special, ...] = ()
    terms: Mapping[str, Mapping[str, Any]] = {}
    house: House = House()

    def duration(self, sop: str, deadline: Deadline, data: Facts) -> tuple[Duration, str]:
        """How long ``deadline`` is for a case with ``data``, and who says so: the narrowest exception, else
        the general rule, else the procedure."""
        name = f"{sop}.{deadline.name}"
        special = _narrowest([one for one in self.exceptions if one.deadline == name], data)
        return (special.duration, str(special)) if special else self.usual(sop, deadline)

    def usual(self, sop: str, deadline: Deadline) -> tuple[Duration, str]:
        """How long ``deadline`` is for cases without an exception, and who says so."""
        name = f"{sop}.{deadline.name}"
        if name in self.deadlines:
            return self.deadlines[name], "as [deadlines] in the policy says"
        if deadline.after is None:
            raise DefinitionError(
                f"{name} has neither a duration nor an instant; give it after=... or until=..."
            )
        return deadline.after, "as the procedure states"

    def timing(self, sop: str) -> Timing:
        """What ``Definition`` takes: the budgets of the clocks of ``sop``, found as durations are, and how
        long its deadlines are."""
        general, special = dict[str, tuple[Duration, str]](), dict[str, list[Special]]()
        for name, duration in self.clocks.items():
            if name.startswith(f"{sop}."):
                general[name.removeprefix(f"{sop}.")] = duration, "as [clocks] in the policy says"
        for one in self.exceptions:
            if one.clock is not None and one.clock.startswith(f"{sop}."):
                special.setdefault(one.clock.removeprefix(f"{sop}."), []).append(one)

        def budget(clock: Clock, data: Facts) -> tuple[Duration, str]:
            found = _narrowest(special[clock.name], data) if clock.name in special else None
            if found is not None:
                return found.duration, str(found)
            return general.get(clock.name) or stated_budget(clock, data)

        def length(deadline: Deadline, data: Facts) -> Duration | None:
            return None if deadline.until else self.duration(sop, deadline, data)[0]

        return Timing(self.calendar, budget, self.fingerprint, length)

    @property
    def fingerprint(self) -> str:
        """Changes when a clock may be due at another time: by this file or by another table of holidays."""
        written = self.model_dump(mode="json", exclude={"deadlines"})
        written["calendar"]["closed"].sort()
        digest = hashlib.sha256(json.dumps([written, version("holidays")], sort_keys=True).encode())
        return digest.hexdigest()[:16]

    def due(self, sop: str) -> Due:
        """What ``Definition`` takes: when a deadline of ``sop`` is due."""

        def due(deadline: Deadline, data: Facts, set_at: datetime) -> datetime:
            return self.calendar.due(set_at, self.duration(sop, deadline, data)[0])

        return due

    def terms_of(self, procedure: Procedure) -> Facts | None:
        """The terms of new cases: what the procedure says, but for what the house has set. Raises
        ``PolicyError``."""
        given = self.terms.get(procedure.name, {})
        if procedure.terms is None:
            return None
        try:
            return procedure.terms.model_validate(given)
        except ValidationError as error:
            place = ("terms", procedure.name)
            mistakes = ({**one, "loc": (*place, *one["loc"])} for one in error.errors())
            raise PolicyError("\n".join(_explain("policy", one) for one in mistakes)) from None

    def verify(self, procedures: Sequence[Procedure]) -> None:
        """Raise ``PolicyError`` for terms, a deadline or a clock that no procedure has, or a deadline whose
        instant each case names."""
        with_terms = [procedure.name for procedure in procedures if procedure.terms]
        for name in self.terms:
            if name not in with_terms:
                listed = ", ".join(with_terms) or "none"
                raise PolicyError(
                    f"terms.{name}: no procedure of that name has terms; those that do: {listed}"
                )
        known: dict[str, dict[str, Deadline | Clock]] = {"deadline": {}, "clock": {}}
        for procedure in procedures:
            for state in procedure.states:
                known["deadline"] |= {f"{procedure.name}.{one.name}": one for one in state.deadlines}
            known["clock"] |= {f"{procedure.name}.{one.name}": one for one in procedure.clocks}
        for place, kind, name in self._named():
            if name not in known[kind]:
                raise PolicyError(f"{place}: there is no {kind} {name!r}; {_remedy(name, known[kind])}")
            found = known[kind][name]
            if isinstance(found, Deadline) and found.after is None:
                raise PolicyError(f"{place}: {name!r} is due at an instant that each case names; remove it")

    def _named(self) -> Iterable[tuple[str, str, str]]:
        """(place, deadline or clock, name)."""
        yield from (("deadlines", "deadline", name) for name in self.deadlines)
        yield from (("clocks", "clock", name) for name in self.clocks)
        for number, one in enumerate(self.exceptions):
            yield f"exceptions[{number}]", "clock" if one.clock else "deadline", one.name


def load(path: Path = DEFAULT) -> Policy:
    """The policy in ``path``, a TOML file."""
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise PolicyError(f"{path}: there is no such file; copy {DEFAULT.name} and change it") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path}: {error}; the file is TOML, see https://toml.io") from None
    return parse(written, where=path.name)


def parse(written: Mapping[str, Any], *, where: str = "policy") -> Policy:
    try:
        return Policy.model_validate(written)
    except ValidationError as error:
        raise PolicyError("\n".join(_explain(where, one) for one in error.errors())) from None


def _explain(where: str, error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    value = error["input"]
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    match error["type"]:
        case "extra_forbidden":
            message = "nobody reads this; remove it or correct its name"
        case "missing":
            message = "is missing; the default file shows how to write it"
            shown = ""
        case _:
            message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {place}{shown}: {message}"


def _remedy(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.3)
    return f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known)) or 'none'}"


def _narrowest(exceptions: Iterable[Special], data: Facts) -> Special | None:
    """The one with the most conditions of those that fit; none is no news."""
    fitting = [one for one in exceptions if one.fits({name: _fact(data, name) for name in CONDITIONS})]
    return max(fitting, key=lambda one: len(one.conditions), default=None)


def _fact(data: Facts, name: str) -> str | None:
    """What the case's data say about a condition; not every kind of case has every one."""
    ask: Callable[[object, str, None], object] = getattr
    value = ask(data, name, None)
    return None if value is None else str(value)
