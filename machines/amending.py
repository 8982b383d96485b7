"""What staff may make of a step: change its arguments, or give it an outcome, within what was checked.

``sop check`` has explored a command with all its outcomes, so whatever is changed must leave these as they
are: what the command is about, the money in it, and what its outcomes post. All else staff may change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from machines.kernel.command import CommandType
from machines.kernel.errors import Unfit
from machines.kernel.event import SEALED, Event, Facts
from machines.stake import stake

M = TypeVar("M", bound=BaseModel)

ABOUT = frozenset(
    {
        *("about", "customer", "order", "refund", "rma", "redress", "complaint", "task", "survey"),
        *(
            "parcel",
            "parcels",
            "payment",
            "charge",
            "items",
            "lines",
            "pieces",
            "amount",
            "total",
            "currency",
        ),
    }
)
"""What a command or an outcome is about. It follows from the case, and is nobody's to change."""


def parse(text: str) -> object:
    """The value that staff typed: JSON where it is some, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def amended(kind: CommandType, before: Facts, changes: Mapping[str, object]) -> Facts:
    """The arguments with ``changes`` (dotted field -> value). Raises ``Unfit`` naming field and remedy."""
    if not changes:
        raise Unfit("nothing is changed; write field=value, or replay the step as it is")
    told = before.model_dump(mode="json")
    for field, value in changes.items():
        _set(kind, told, field, value)
    after = _validated(kind.takes, told, what=kind.name)
    if after == before:
        raise Unfit(f"{kind.name} has these arguments already; replay it")
    if stake(told) != stake(before.model_dump(mode="json")) or _ends(kind, after) != _ends(kind, before):
        raise Unfit(f"{kind.name} would end otherwise than its case was checked for; skip it with an outcome")
    return after


def presumed(kind: CommandType, arguments: Facts, *, outcome: str, data: Mapping[str, object]) -> Event:
    """The outcome that staff say the command has had; ``data`` need only hold what differs from what the
    command can end in. Raises ``Unfit`` naming field, value and remedy."""
    model = next((one for one in kind.outcomes if one.type == outcome), None)
    if model is None:
        known = ", ".join(one.type for one in kind.outcomes)
        raise Unfit(f"{kind.name} cannot end in {outcome!r}; it ends in {known}")
    alike = [event for event in kind.possible(arguments) if event.type == outcome]
    told: dict[str, Any] = {} if not alike else alike[0].model_dump(mode="json")
    event = _validated(model, told | dict(data), what=outcome)
    fits = {json.dumps(_about(one), sort_keys=True) for one in alike}
    if alike and json.dumps(_about(event), sort_keys=True) not in fits:
        text = ", ".join(f"{name}={value}" for name, value in _about(alike[0]).items())
        raise Unfit(
            f"{outcome} is about something that {kind.name} was not asked for; it was asked for {text}"
        )
    return event


def _set(kind: CommandType, told: dict[str, Any], field: str, value: object) -> None:
    *path, last = field.split(".")
    place: Any = told
    for name in path:
        place = place.get(name) if isinstance(place, dict) else None
    if not isinstance(place, dict) or last not in place:
        raise Unfit(f"{kind.name} has no argument {field!r}; it has {', '.join(told)}")
    if ABOUT & {*path, last}:
        raise Unfit(f"{field} of {kind.name} follows from the case and is not changed by hand; {_OTHERWISE}")
    if _sealed(place[last]):
        raise Unfit(
            f"{field} of {kind.name} is personal and sealed; send the event that corrects it in the case"
        )
    place[last] = deepcopy(value)


_OTHERWISE = "skip the step with an outcome, or send the case back"


def _sealed(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_sealed, value.values()))
    if isinstance(value, list):
        return any(map(_sealed, value))
    return isinstance(value, str) and value.startswith(SEALED)


def _validated(model: type[M], told: Mapping[str, object], *, what: str) -> M:
    try:
        return model.model_validate_json(json.dumps(told))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise Unfit(f"{what}: {'; '.join(faults)}") from None


def _ends(kind: CommandType, arguments: Facts) -> list[tuple[str, bytes]]:
    return [(event.type, event.to_json()) for event in kind.possible(arguments)]


def _about(event: Event) -> dict[str, object]:
    return {**dict(_named(event)), **event.postings()}


def _named(event: BaseModel) -> Iterable[tuple[str, object]]:
    told = event.model_dump(mode="json")
    return ((name, value) for name, value in told.items() if name in ABOUT)
