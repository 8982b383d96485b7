"""Lets time pass in data: every instant in it moves into the past by the same span.

The check keeps one symbolic instant for "now". When a deadline that names its own instant passes, now has to
become that instant; the data grow older instead, so that what is set afterwards differs from what was before.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from machines.check.situation import NOW, PAST

Thing = TypeVar("Thing")


def age(thing: Thing, by: timedelta) -> Thing:
    """``thing`` with each datetime in it earlier by ``by``; all of the past counts as one instant."""
    aged: Any = thing
    if isinstance(thing, datetime):
        aged = thing - by if thing - by >= NOW else PAST
    elif isinstance(thing, BaseModel):
        update = {name: age(value, by) for name, value in thing}
        changed = {name: value for name, value in update.items() if value is not getattr(thing, name)}
        aged = thing.model_copy(update=changed) if changed else thing
    elif isinstance(thing, tuple):
        parts = tuple(age(part, by) for part in thing)
        aged = parts if any(new is not old for new, old in zip(parts, thing, strict=True)) else thing
    elif isinstance(thing, dict):
        aged = {key: age(value, by) for key, value in thing.items()}
    return cast(Thing, aged)
