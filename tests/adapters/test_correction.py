from __future__ import annotations

from adapters.correction import merge


def test_a_patch_is_merged_as_the_standard_says() -> None:
    was = {"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}
    assert merge(was, {"b": {"c": None, "x": {"y": None}}, "e": [2], "f": {"g": 1}}) == {
        "a": 1,
        "b": {"d": 3, "x": {}},
        "e": [2],
        "f": {"g": 1},
    }
