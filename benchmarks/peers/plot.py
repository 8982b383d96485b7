"""Draw cases per second by engine, on a logarithmic scale: JSON comes in, an SVG file is named."""

from __future__ import annotations

import json
import sys

import matplotlib

from benchmarks.peers.page import figure

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "sop", "font.family": "sans-serif"}

import matplotlib.pyplot as plt  # noqa: E402 (the backend has to be chosen before)

OURS, THEIRS = "#2563eb", "#9ca3af"


def main() -> None:
    engines = json.load(sys.stdin)["engines"]
    drawing, axes = plt.subplots(figsize=(8, 0.45 * len(engines) + 1.1), layout="constrained")
    colours = [OURS if one["engine"].startswith("ours-") else THEIRS for one in engines]
    bars = axes.barh(
        [one["title"] for one in engines], [one["cases_per_s"] for one in engines], color=colours
    )
    axes.bar_label(bars, [figure(one["cases_per_s"]) for one in engines], padding=4)
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.set_xlabel("orders per second, placement to delivery (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    drawing.savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()
