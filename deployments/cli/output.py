"""How commands answer: a table for people, one JSON document for programs, one plain sentence for errors."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NoReturn

import orjson
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from adapters.errors import AdapterError
from deployments.errors import InstallationError
from machines.kernel.errors import KernelError

console = Console()
errors = Console(stderr=True, soft_wrap=True)  #: a path or command broken by a line end cannot be copied

_GAP = 2  #: between two columns
_INDENT = 4  #: of what stands under a row
_APART = 3  #: between two values there
_SENTENCE = 24  #: characters; what is longer folds, to lines of that many at least

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


def print_json(value: object) -> None:
    """``value`` as one line of JSON; instants as RFC 3339 in UTC."""
    sys.stdout.write(orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z).decode() + "\n")


def print_table(
    title: str, rows: Sequence[Mapping[str, object]], *, as_json: bool, breaking: Collection[str] = ()
) -> None:
    """``rows`` share their keys, which head the columns; what is empty in all of them is left out. Sentences
    fold, those of the columns ``breaking`` within a word too. What the terminal has no room for, the
    last sentences first, stands under its row, so that no key is broken."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print(f"{title}: none")
        return
    console.print(title, style="italic", markup=False, highlight=False)
    beside, under = [column for column in _columns(rows, breaking) if any(column.cells)], list[_Column]()
    while (widths := _widths(beside)) is None:
        under.insert(0, beside.pop(_least_needed(beside)))
    console.print(_line([column.head for column in beside], widths, style="bold"))
    for number in range(len(rows)):
        console.print(_line([column.cells[number] for column in beside], widths))
        told = [f"{column.head}: {column.cells[number]}" for column in under if column.cells[number]]
        for line in _filled(told, console.width - _INDENT):
            console.print(Padding(Text(line), (0, 0, 0, _INDENT)))


@dataclass(frozen=True, slots=True)
class _Column:
    """``least`` is how narrow it may become; less than ``natural`` only where it holds sentences."""

    head: str
    cells: tuple[str, ...]
    natural: int
    least: int


def _columns(rows: Sequence[Mapping[str, object]], breaking: Collection[str]) -> Iterator[_Column]:
    for name in rows[0]:
        values = [row[name] for row in rows]
        instants = any(isinstance(value, datetime) for value in values)
        head = name.replace("_", " ") + (" (UTC)" if instants else "")
        cells = tuple(map(_cell, values))
        natural = max(len(line) for cell in (head, *cells) for line in cell.splitlines() or [""])
        words = "" if name in breaking else " ".join(cells)
        yield _Column(head, cells, natural, min(natural, max(_SENTENCE, *map(len, words.split()), 0)))


def _widths(columns: Sequence[_Column]) -> list[int] | None:
    """As wide as what is in them, the widest narrowed until all fit; None where they do not."""
    room = console.width - _GAP * (len(columns) - 1)
    widths = [column.natural for column in columns]
    while sum(widths) > room:
        wide = [number for number, column in enumerate(columns) if widths[number] > column.least]
        if not wide:
            return [room] if len(columns) == 1 else None
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _least_needed(columns: Sequence[_Column]) -> int:
    """The last of sentences, or else the last; never the first column, which says what the row is about."""
    sentences = [number for number, column in enumerate(columns) if number and column.natural > column.least]
    return sentences[-1] if sentences else len(columns) - 1


def _filled(parts: Iterable[str], room: int) -> list[str]:
    """As many ``parts`` to a line as fit."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + _APART + len(part) <= room:
            lines[-1] += " " * _APART + part
        else:
            lines.append(part)
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], *, style: str = "") -> Table:
    line = Table.grid(padding=(0, _GAP, 0, 0))
    for width in widths:
        line.add_column(width=width, overflow="fold")
    line.add_row(*map(Text, cells), style=style)
    return line


def fail(message: str, *, code: int = 1) -> NoReturn:
    errors.print(f"sop: {message}", style="red", highlight=False, markup=False)
    raise typer.Exit(code)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What a user can mend becomes one sentence and exit code 2; only our own mistakes show a traceback."""
    try:
        yield
    except (KernelError, AdapterError, InstallationError) as error:
        fail(f"{error} [{error.code}]", code=2)
    except SettingsError as error:
        fail(f"{error}: a setting of several parts is written as JSON in the environment", code=2)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            place = ".".join(str(part) for part in problem["loc"])
            errors.print(
                f"sop: setting {place}: {problem['msg']}", style="red", highlight=False, markup=False
            )
        raise typer.Exit(2) from None


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
