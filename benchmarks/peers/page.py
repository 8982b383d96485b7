"""The figures of a run as a table of ``docs/performance.md``, between two marks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

START, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Row:
    """What one engine did with ``n`` orders: cases per second in each round, their median, and how many times
    as many ours did on the same kind of database (None: ours did not run)."""

    engine: str
    title: str
    version: str
    n: int
    cases_per_s: float
    rounds: Sequence[float]
    times: float | None

    @property
    def ours(self) -> bool:
        return self.engine.startswith("ours-")


def table(rows: Sequence[Row], *, machine: Mapping[str, object], day: str) -> str:
    """Markdown: a line for each engine, in the order given, and one that says where and when."""
    lines = ["| engine | version | orders | cases/s | each round | ours does |", "|---|---|---|---|---|---|"]
    for row in rows:
        title = f"**{row.title}**" if row.ours else row.title
        times = "" if row.ours or row.times is None else f"{figure(row.times)} times as many"
        each = ", ".join(figure(one) for one in row.rounds)
        lines.append(
            f"| {title} | {row.version} | {row.n:,} | {figure(row.cases_per_s)} | {each} | {times} |"
        )
    where = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())
    return "\n".join([*lines, "", f"Measured on {day}: {where}."])


def with_figures(page: str, figures: str) -> str:
    """The page with what stands between the marks replaced; ``ValueError`` when it has no marks."""
    place = re.compile(f"{re.escape(START)}.*{re.escape(END)}", re.DOTALL)
    if not place.search(page):
        raise ValueError(f"the page has no place for figures: add {START} and {END}")
    return place.sub(lambda _: f"{START}\n\n{figures}\n\n{END}", page)


def figure(value: float) -> str:
    """Three digits at most: no run repeats the fourth."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
