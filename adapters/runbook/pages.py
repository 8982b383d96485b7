"""The runbook: one short page for each error code; everything that names a code links here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FOLDER = "docs/runbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a code ``means``, what the ``customer`` sees, what to ``do``, and what a ``replay`` does."""

    code: str
    title: str
    means: str
    customer: str
    do: str
    replay: str

    @property
    def markdown(self) -> str:
        parts = {
            "What it means": self.means,
            "What the customer sees": self.customer,
            "What to do": self.do,
            "What a replay does": self.replay,
        }
        sections = "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
        return f"# {self.title} (`{self.code}`)\n\n{sections}\n"


@cache
def pages() -> Mapping[str, Page]:
    """By code."""
    source = files("adapters.runbook").joinpath("pages.toml").read_text("utf-8")
    return {code: Page(code=code, **texts) for code, texts in tomllib.loads(source).items()}


def link(code: str | None) -> str:
    """Where the page of ``code`` lies in the documentation; empty where there is none."""
    return f"{FOLDER}/{code}.md" if code in pages() else ""


def address(code: str) -> str:
    """Where the web process shows it."""
    return f"/runbook/{code}"


def on_replay(code: str | None) -> str:
    """What a replay of a step with that code does, in a sentence."""
    known = pages()
    return (known.get(code or "") or known["command-failed"]).replay


def written() -> Mapping[str, str]:
    """File name -> Markdown: the pages and their index."""
    rows = [f"| [`{page.code}`]({page.code}.md) | {page.title} |" for page in pages().values()]
    index = "\n".join(
        (
            "# Runbook",
            "",
            "One page for each error code, as it stands in `sop steps --failed`, in Prefect, in answers over "
            "HTTP and in `sop doctor`. [On call](../howto/on-call.md) says how to use them.",
            "",
            "| Code | What happened |",
            "|---|---|",
            *sorted(rows),
            "",
        )
    )
    return {"README.md": index, **{f"{page.code}.md": page.markdown for page in pages().values()}}
