"""A picture of how a job went. It needs matplotlib, the extra ``plot``."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from creatio_async.bulk.timeline import Moment

__all__ = ["draw", "rates"]

_SUFFIXES = (".png", ".svg")
_STEPS = 60
"""Bars of throughput at most."""
_BLUE, _RED, _GREY = "#2b6cb0", "#c53030", "#4a5568"


def draw(moments: Sequence[Moment], path: Path, *, title: str) -> None:
    """Draw throughput, failures and batches at once, over time.

    Raises:
        ValueError: The name has another suffix than ``.svg`` and ``.png``, or there is nothing yet.
        ModuleNotFoundError: The extra ``plot`` is not installed.
        OSError: The file cannot be written.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"a plot is written as .svg or .png, not as {path.name!r}")
    if not moments or not moments[-1].seconds:
        raise ValueError("the job has not run: there is nothing to plot")
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - large, and an extra
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "a plot needs matplotlib: pip install 'creatio-async[plot]'", name=error.name
        ) from error
    figure: Any = Figure(figsize=(9, 5), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10, color=_GREY)
    speeds, limits = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    edges, done, failed = rates(moments)
    speeds.stairs(done, edges, fill=True, color=_BLUE, alpha=0.8, label="done")
    if any(failed):
        tops = [low + more for low, more in zip(done, failed, strict=True)]
        speeds.stairs(tops, edges, baseline=done, fill=True, color=_RED, label="failed")
        speeds.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    speeds.set_ylabel("rows per second")
    speeds.set_ylim(bottom=0)
    speeds.yaxis.set_major_formatter("{x:,.0f}")
    limits.step(
        [0.0, *(moment.seconds for moment in moments)],
        [moments[0].at_once, *(moment.at_once for moment in moments)],
        where="post",
        color=_GREY,
    )
    limits.set_ylabel("batches\nat once")
    limits.set_ylim(bottom=0)
    limits.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    limits.set_xlabel("seconds")
    limits.set_xlim(0, moments[-1].seconds)
    for axes in (speeds, limits):
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def rates(moments: Sequence[Moment]) -> tuple[list[float], list[float], list[float]]:
    """Return points in time, and the rows per second between them: done, and failed."""
    least = moments[-1].seconds / _STEPS
    kept = [Moment(0.0, 0, 0, 0)]
    for moment in moments:
        if moment.seconds >= kept[-1].seconds + least:
            kept.append(moment)
    if len(kept) > 1:  # the rest at the end is too short for a bar of its own
        kept.pop()
    kept.append(moments[-1])
    pairs = list(pairwise(kept))
    return (
        [moment.seconds for moment in kept],
        [(now.done - then.done) / (now.seconds - then.seconds) for then, now in pairs],
        [(now.failed - then.failed) / (now.seconds - then.seconds) for then, now in pairs],
    )
