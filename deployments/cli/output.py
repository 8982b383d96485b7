"""How commands answer: a table for people, one JSON document for programs, one plain sentence for errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, NoReturn

import orjson
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.table import Table

from adapters.errors import AdapterError
from deployments.errors import InstallationError
from machines.kernel.errors import KernelError

console = Console()
errors = Console(stderr=True, soft_wrap=True)  #: a path or command broken by a line end cannot be copied

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


def print_json(value: object) -> None:
    """``value`` as one line of JSON; instants as RFC 3339 in UTC."""
    sys.stdout.write(orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z).decode() + "\n")


def print_table(title: str, rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """``rows`` share their keys, which head the columns."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print(f"{title}: none")
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    if console.measure(table, options=console.options.update(width=10_000)).maximum <= console.width:
        console.print(table)
        return
    console.print(title, style="italic")
    for row in rows:
        console.print(_card(row))


def _card(row: Mapping[str, object]) -> Table:
    """One row for a terminal too narrow for the table: a line for each value, so that no key is broken."""
    card = Table.grid(padding=(0, 1))
    card.add_column(style="bold", no_wrap=True)
    card.add_column(overflow="fold")
    for name, value in row.items():
        if _cell(value):
            card.add_row(name.replace("_", " "), _cell(value))
    card.add_row()
    return card


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
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
