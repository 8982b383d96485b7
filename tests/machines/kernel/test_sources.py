"""What an approval of a procedure is about."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from machines.kernel import sources
from machines.kernel.sources import content_hash, sources_of

REFUND = "machines.refund"


def names(package: str) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in sources_of(package)}


def test_a_procedure_is_its_package_and_what_it_shares_but_neither_engine_nor_other_procedures() -> None:
    found = names(REFUND)
    assert {"refund/procedure.py", "refund/guards.py", "machines/between.py", "machines/messages.py"} <= found
    assert {name.partition("/")[0] for name in found} == {"refund", "machines"}
    assert "machines/surveying.py" in names("machines.order")


@pytest.mark.parametrize("file", ["refund/guards.py", "machines/between.py"])
@pytest.mark.parametrize(("change", "counts"), [("\nNEW = 1\n", True), ("\n# a comment\n\n", False)])
def test_a_change_of_what_it_says_counts_and_a_comment_does_not(
    file: str, change: str, monkeypatch: pytest.MonkeyPatch, *, counts: bool
) -> None:
    before = content_hash(REFUND)
    (changed,) = (path for path in sources_of(REFUND) if path.as_posix().endswith(file))
    read = Path.read_text

    def read_changed(path: Path, encoding: str = "utf-8") -> str:
        return read(path, encoding) + (change if path == changed else "")

    sources._read.cache_clear()
    monkeypatch.setattr(Path, "read_text", read_changed)
    try:
        assert (content_hash(REFUND) != before) is counts
    finally:
        sources._read.cache_clear()


def test_threads_that_parse_at_once_do_not_fail_it(monkeypatch: pytest.MonkeyPatch) -> None:
    parse, failures = ast.parse, iter([SystemError("depth"), SystemError("depth")])

    def fail_twice(text: str) -> ast.Module:
        if (error := next(failures, None)) is not None:
            raise error
        return parse(text)

    monkeypatch.setattr(ast, "parse", fail_twice)
    assert ast.unparse(sources._parsed("x = 1")) == "x = 1"
