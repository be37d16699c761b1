"""Draws the ratios that benchmarks print with --json, beside their bounds.

Usage: python -m benchmarks.plot OUTPUT.svg FIGURES.json...
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from matplotlib.figure import Figure

__all__ = ["main"]

_BLUE, _GREY = "#2b6cb0", "#4a5568"


def main(argv: Sequence[str] | None = None) -> int:
    """Draw one bar for each contestant that is no floor."""
    output, *files = sys.argv[1:] if argv is None else argv
    heats = [heat for file in files for heat in orjson.loads(Path(file).read_bytes())["heats"]]
    bars = [
        (f"{heat['title']}\n{line['label']}", line["ratio"], heat)
        for heat in heats
        for line in heat["entries"][1:]
        if not line["label"].startswith("by hand")
    ]
    bars.reverse()
    figure: Any = Figure(figsize=(9, 0.6 + 0.5 * len(bars)), layout="constrained")
    axes = figure.subplots()
    places = range(len(bars))
    axes.barh(places, [ratio for _, ratio, _ in bars], color=_BLUE, height=0.55)
    for place, (label, ratio, heat) in zip(places, bars, strict=True):
        inside = {"color": "white", "ha": "right", "va": "center", "fontsize": 8}
        axes.text(ratio - 0.02, place, f"{ratio:.2f}", **inside)
        if label.endswith(f"\n{heat['bounded']}"):
            axes.plot([heat["bound"]] * 2, [place - 0.4, place + 0.4], color="#c53030", lw=2)
    axes.axvline(1.0, color=_GREY, lw=1)
    axes.set_yticks(places, [label for label, _, _ in bars], fontsize=7)
    axes.set_xlabel("times the same by hand (1.0); the red mark is the bound", fontsize=8)
    axes.set_xlim(0, max(max(ratio, heat["bound"]) for _, ratio, heat in bars) + 0.1)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
