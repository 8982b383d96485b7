"""The one policy file: when we are at work, which deadlines and which limits of money differ from what the
procedures state.

``load`` reads it; a ``Policy`` says when a deadline of a case is due and how high a limit is. Everything
wrong with the file is a ``PolicyError`` that names the place, the value and the remedy.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from machines.kernel.calendar import Calendar
from machines.kernel.definition import Due
from machines.kernel.duration import Duration, Unit
from machines.kernel.errors import DefinitionError, PolicyError
from machines.kernel.event import Facts
from machines.kernel.limit import Limit, LimitOf, as_stated
from machines.kernel.money import CURRENCIES, Money, exponent
from machines.kernel.procedure import Procedure
from machines.kernel.state import Deadline

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


def parse_sum(text: object) -> Money:
    """``"450.50 EUR"``; raises ``ValueError`` that shows how a sum is written."""
    if isinstance(text, Money):
        return text
    found = re.fullmatch(r"(\d+(?:\.\d+)?) +([A-Z]{3})", text.strip()) if isinstance(text, str) else None
    if found is None or found[2] not in CURRENCIES:
        raise ValueError(f"{text!r} is no sum; write a figure and an ISO 4217 code, such as 500 EUR")
    minor = Decimal(found[1]).scaleb(exponent(found[2]))
    if minor != int(minor):
        raise ValueError(f"{text!r}: {found[2]} has {exponent(found[2])} decimal places")
    return Money(amount=int(minor), currency=found[2])


Sum = Annotated[Money, BeforeValidator(parse_sum)]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Special(_Closed):
    """Another duration for the cases that meet every condition given; at least one is."""

    deadline: str
    duration: Length
    channel: str | None = None
    priority: str | None = None
    country: str | None = None

    def model_post_init(self, _: Any) -> None:
        if not self.conditions:
            raise ValueError(
                f"{self.deadline} has no condition; give {' or '.join(CONDITIONS)}, or list it in [deadlines]"
            )

    @property
    def conditions(self) -> Mapping[str, str]:
        return {name: value for name in CONDITIONS if (value := getattr(self, name)) is not None}

    def fits(self, facts: Mapping[str, str | None]) -> bool:
        return all(facts.get(name) == value for name, value in self.conditions.items())


class Policy(_Closed):
    """``deadlines`` and ``exceptions`` name a deadline as ``procedure.deadline``, ``limits`` a limit of money
    as ``procedure.limit``, with one sum for each currency that differs from what the procedure states."""

    calendar: Calendar
    deadlines: Mapping[str, Length] = {}
    limits: Mapping[str, tuple[Sum, ...]] = {}
    exceptions: tuple[Special, ...] = ()

    def duration(self, sop: str, deadline: Deadline, data: Facts) -> Duration:
        """How long ``deadline`` is for a case with ``data``: the narrowest exception, else the general rule,
        else what the procedure states."""
        name = f"{sop}.{deadline.name}"
        facts = {condition: _fact(data, condition) for condition in CONDITIONS}
        fitting = [one for one in self.exceptions if one.deadline == name and one.fits(facts)]
        if fitting:
            return max(fitting, key=lambda one: len(one.conditions)).duration
        stated = self.deadlines.get(name, deadline.after)
        if stated is None:
            raise DefinitionError(
                f"{name} has neither a duration nor an instant; give it after=... or until=..."
            )
        return stated

    def due(self, sop: str) -> Due:
        """What ``Definition`` takes: when a deadline of ``sop`` is due."""

        def due(deadline: Deadline, data: Facts, set_at: datetime) -> datetime:
            return self.calendar.due(set_at, self.duration(sop, deadline, data))

        return due

    def limit_of(self, sop: str) -> LimitOf:
        """What ``Definition`` takes: how high a limit of ``sop`` is in a currency."""
        prefix = f"{sop}."
        sums = {
            (name.removeprefix(prefix), one.currency): one.amount
            for name, stated in self.limits.items()
            if name.startswith(prefix)
            for one in stated
        }

        def limit_of(limit: Limit, currency: str) -> int:
            known = sums.get((limit.name, currency))
            return as_stated(limit, currency) if known is None else known

        return limit_of

    def verify(self, procedures: Iterable[Procedure]) -> None:
        """Raise ``PolicyError`` for a deadline or limit that no procedure has, for a deadline whose instant
        each case names, and for a limit with two sums in one currency."""
        procedures = tuple(procedures)
        self._verify_limits(procedures)
        known = {
            f"{procedure.name}.{name}": deadline
            for procedure in procedures
            for name, deadline in procedure.deadlines.items()
        }
        for place, name in self._named():
            if name not in known:
                raise PolicyError(f"{place}: there is no deadline {name!r}; {_nearest(name, known)}")
            if known[name].after is None:
                raise PolicyError(f"{place}: {name!r} is due at an instant that each case names; remove it")

    def _verify_limits(self, procedures: Iterable[Procedure]) -> None:
        known = [f"{procedure.name}.{name}" for procedure in procedures for name in procedure.limits]
        for name, sums in self.limits.items():
            if name not in known:
                raise PolicyError(f"limits: there is no limit {name!r}; {_nearest(name, known)}")
            if len({one.currency for one in sums}) < len(sums):
                raise PolicyError(f"limits: {name!r} has two sums in one currency; remove one")

    def _named(self) -> Iterable[tuple[str, str]]:
        yield from (("deadlines", name) for name in self.deadlines)
        yield from ((f"exceptions[{number}]", one.deadline) for number, one in enumerate(self.exceptions))


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


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.3)
    return f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(names)}"


def _fact(data: Facts, name: str) -> str | None:
    """What the case's data say about a condition; not every kind of case has every one."""
    ask: Callable[[object, str, None], object] = getattr
    value = ask(data, name, None)
    return None if value is None else str(value)
