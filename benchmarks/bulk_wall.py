"""How long `create_many` takes where each answer takes 20 ms, beside four batches at once by hand.

Usage: python benchmarks/bulk_wall.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                      [--json] [--check]

The ratio is that of the clock, and not of the processor. The last line finds out by itself how
many at once the server gains by.
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

HEATS = (
    Heat(
        "Bulk create, 20 ms for an answer",
        "full",
        (
            Entry("by hand, 4 at once", "create-by-hand"),
            Entry("create_many(rows, at_once=4)", "create-for-report"),
            Entry("create_many(rows)", "create-adaptive"),
        ),
        ("create_many(rows, at_once=4)", 1.05),
        "wall",
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=2, argv=argv, latency_ms=20.0)


if __name__ == "__main__":
    sys.exit(main())
