"""Bar charts as SVG, for pages in the Prefect UI and files.

They are drawn in a process of their own that lives for a tenth of a second: what the drawing library keeps
in memory would stay in a worker for ever.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast
from urllib.parse import quote

import orjson

_log = logging.getLogger(__name__)
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, ``lying`` or standing: a value for each label in each of the ``series`` by name."""

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    lying: bool = False


def draw(charts: Sequence[Chart]) -> list[str]:
    """Each as the text of an SVG; empty texts where none can be drawn, which is told in the log: figures
    without a chart are better than none."""
    if not charts:
        return []
    told = orjson.dumps([asdict(chart) for chart in charts])
    try:
        drawing = subprocess.run(
            [sys.executable, "-m", "adapters.drawing"],
            input=told,
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
        return cast("list[str]", orjson.loads(drawing.stdout))
    except (OSError, subprocess.SubprocessError, orjson.JSONDecodeError) as error:
        _log.warning("no charts: %s %s", error, getattr(error, "stderr", b"") or b"")
        return [""] * len(charts)


def picture(svg: str, *, alt: str) -> str:
    """As an image in Markdown that needs no other address, which both interfaces of Prefect show; empty for
    an empty text."""
    # Percent signs instead of base64: PostgreSQL compresses it to a fifth.
    return f"![{alt}](data:image/svg+xml,{quote(svg, safe='~*!.=:;,/')})" if svg else ""
