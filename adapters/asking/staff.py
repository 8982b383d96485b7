"""A form as staff fill it in in Prefect: its JSON schema, and what was filled in as the payload of the event.

Nothing personal is asked, because Prefect keeps clear text; money is asked in main units, such as 12.50; and
who answers gives a name, which is also the event's own ``by``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from adapters.asking import sums
from adapters.asking.form import CUSTOMER, NO, YES, is_money
from adapters.personal import places
from machines.kernel.event import Event
from machines.kernel.money import Money

BY = "by"  #: the field of an event that says which colleague it is from


def schema(
    form: type[Event], *, currency: str, said: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The JSON schema of ``form`` as Prefect reads it, filled in with what was ``said`` before.

    Optional fields are plain ones that are not required, because a choice between a text and nothing is a
    riddle to who fills it in.
    """
    full = form.model_json_schema(ref_template="#/definitions/{model}")
    definitions = full.pop("$defs", {})
    asked = {
        name: _field(name, full["properties"][name], definitions, currency if is_money(info) else "")
        for name, info in form.model_fields.items()
        if name in _asked(form)
    }
    for name, value in (said or {}).items():
        if name in asked:
            asked[name]["default"] = value
    return {
        "title": full["title"],
        "type": "object",
        "properties": asked,
        "required": [name for name in full.get("required", []) if name in asked],
        "additionalProperties": False,
        "definitions": {
            name: _model(part, definitions) for name, part in definitions.items() if "properties" in part
        },
    }


def payload(form: type[Event], values: Mapping[str, object], *, currency: str, who: str) -> dict[str, object]:
    """``values`` as the event has them. Raises ``InvalidEvents`` for what is no sum of money."""
    named = {BY: who} if BY in form.model_fields and who else {}
    return named | {
        name: sums.minor(name, value, currency=currency)
        if currency and name in form.model_fields and is_money(form.model_fields[name])
        else value
        for name, value in values.items()
    }


def in_short(form: type[Event], values: Mapping[str, object], *, currency: str) -> str:
    """What was chosen, counted and promised: ``remedy: voucher, amount: 15.00 EUR``. Texts are for the
    journal alone."""
    told = {
        name: _told(form.model_fields[name], values[name], currency) for name in _asked(form) & values.keys()
    }
    return ", ".join(f"{name.replace('_', ' ')}: {told[name]}" for name in values if told.get(name))


def needs_personal(form: type[Event]) -> bool:
    """Whether no answer can do without a personal field, so that Prefect cannot take it."""
    return any(form.model_fields[name].is_required() for name in places(form).fields)


def _asked(form: type[Event]) -> set[str]:
    """The fields that are put to staff."""
    return set(form.model_fields) - {*places(form).fields, *form.settled, CUSTOMER, BY}


def _model(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    fields = part["properties"].items()
    return {**part, "properties": {name: _field(name, one, definitions, "") for name, one in fields}}


def _field(
    name: str, part: Mapping[str, Any], definitions: Mapping[str, Any], currency: str
) -> dict[str, Any]:
    """One field in Prefect's terms, with a title as people write it."""
    some = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    if len(some) == 1:
        part = {**some[0], **{key: value for key, value in part.items() if key not in ("anyOf", "default")}}
    chosen = definitions.get(str(part.get("$ref", "")).removeprefix("#/definitions/"), {})
    if "enum" in chosen:
        # Prefect shows no description beside a reference.
        part = {"type": "string", "enum": chosen["enum"], **{k: v for k, v in part.items() if k != "$ref"}}
    usual = name.replace("_", " ").capitalize()
    if part.get("title", name.replace("_", " ").title()).casefold() == usual.casefold():
        part = {**part, "title": usual}
    if part.get("type") == "boolean":
        return _yes_or_no(part)
    return _sum(part, currency) if currency else dict(part)


def _yes_or_no(part: Mapping[str, Any]) -> dict[str, Any]:
    """A switch that nobody has touched looks like a no and is none."""
    usual = {"default": YES if part["default"] else NO} if "default" in part else {}
    return {**part, "type": "string", "enum": [YES, NO], **usual}


def _sum(part: Mapping[str, Any], currency: str) -> dict[str, Any]:
    told = {"type": "number", "minimum": 0, "description": f"I{sums.how(currency)[1:]}."}
    return {"title": part["title"], **told, **({"default": 0} if part.get("default") == 0 else {})}


def _told(info: FieldInfo, value: object, currency: str) -> str:
    try:
        read = TypeAdapter[Any](info.annotation or str).validate_python(value)
    except ValidationError:
        return ""
    if isinstance(read, bool):
        return YES if read else NO
    if isinstance(read, int):
        return str(Money(amount=read, currency=currency)) if is_money(info) else str(read)
    if isinstance(read, tuple):
        return "; ".join(str(getattr(one, "explained", "")) for one in read) or "nothing"
    return str(read.value) if isinstance(read, Enum) else ""
