"""Draws charts in a process of its own: reads charts as JSON from standard input, writes SVG texts as JSON.

Run by `adapters.charts`; nothing else imports it, so that the drawing library never comes into a worker.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import cast
from xml.etree.ElementTree import Element

import orjson
import pygal
from pygal.style import Style

_STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    foreground="#334155",
    foreground_strong="#0f172a",
    foreground_subtle="#94a3b8",
    opacity="1",
    colors=("#60a5fa", "#34d399", "#fbbf24", "#f87171", "#a78bfa"),
    guide_stroke_color="#e2e8f0",
    major_guide_stroke_color="#cbd5e1",
    guide_stroke_dasharray="1,0",
    major_guide_stroke_dasharray="1,0",
    font_family="Inter, Helvetica, Arial, sans-serif",
    value_colors=("#0f172a",) * 5,
    label_font_size=11,
    major_label_font_size=11,
    value_font_size=11,
    legend_font_size=12,
    title_font_size=14,
)
_WIDTH = 860
_BAR = 26  #: pixels of height for each bar that lies
_AROUND = 90


def _svg(chart: Mapping[str, object]) -> str:
    labels = cast("list[str]", chart["labels"])
    series = cast("dict[str, list[float | None]]", chart["series"])
    lying = bool(chart["lying"])
    kind = pygal.HorizontalBar if lying else pygal.Bar
    drawn = kind(
        title=chart["title"],
        style=_STYLE,
        width=_WIDTH,
        height=_AROUND + _BAR * len(labels) * len(series) if lying else 260,
        explicit_size=True,
        js=[],
        no_prefix=True,
        disable_xml_declaration=True,
        pretty_print=False,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        print_values=lying,
        print_zeroes=False,
        range=(0, max([value or 0 for values in series.values() for value in values], default=0) or 1),
        x_label_rotation=0,
        truncate_label=40,
    )
    # The first label of lying bars is drawn at the bottom.
    drawn.x_labels = labels[::-1] if lying else labels
    for name, values in series.items():
        drawn.add(name, values[::-1] if lying else values)
    drawn.add_xml_filter(_still)
    return cast("str", drawn.render(is_unicode=True))


def _still(root: Element) -> Element:
    """Without what only a script would look at, and without that."""
    for parent in list(root.iter()):
        for child in [one for one in parent if one.tag in ("script", "desc")]:
            parent.remove(child)
    return root


def main() -> None:
    charts = orjson.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps([_svg(chart) for chart in charts]))


if __name__ == "__main__":
    main()
