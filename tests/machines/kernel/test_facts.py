"""What we copy of facts is what pydantic would."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from machines.kernel.event import Facts


class Line(Facts):
    sku: str
    quantity: int = 1


class Basket(Facts):
    lines: tuple[Line, ...] = ()
    note: str = ""


BASKET = Basket(lines=(Line(sku="KETTLE"),))


@pytest.mark.parametrize("update", [None, {}, {"note": "soon"}, {"lines": (), "note": "none"}])
def test_a_copy_is_what_pydantic_would_make(update: dict[str, object] | None) -> None:
    ours, theirs = BASKET.model_copy(update=update), BaseModel.model_copy(BASKET, update=update)
    assert ours == theirs
    assert ours.model_fields_set == theirs.model_fields_set
    assert ours.to_json() == theirs.to_json()
    assert Basket(lines=(Line(sku="KETTLE"),)) == BASKET


def test_a_copy_stays_frozen_and_shares_what_it_holds_unless_it_is_deep() -> None:
    copy = BASKET.model_copy(update={"note": "soon"})
    with pytest.raises(ValidationError, match="frozen"):
        copy.note = "later"  # type: ignore[misc]
    assert copy.lines[0] is BASKET.lines[0]
    assert BASKET.model_copy(deep=True).lines[0] is not BASKET.lines[0]
