"""``sop runbook`` tells what an error code means and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.runbook.pages import pages, written
from deployments.cli.output import console, fail, print_table


def runbook(
    code: Annotated[str | None, typer.Argument(help="An error code, such as rejected.")] = None,
    *,
    write: Annotated[Path | None, typer.Option(help="Write all pages to this folder.")] = None,
) -> None:
    """Show the page of an error code; without one, list all codes."""
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        for name, text in written().items():
            (write / name).write_text(text, "utf-8")
        console.print(f"{write}: {len(written())} pages", highlight=False)
        return
    if code is None:
        rows = [{"code": page.code, "title": page.title} for page in pages().values()]
        print_table("Runbook", rows, as_json=False)
        return
    if code not in pages():
        fail(f"no error has the code {code!r}; 'sop runbook' lists them", code=2)
    from rich.markdown import Markdown

    console.print(Markdown(pages()[code].markdown))
