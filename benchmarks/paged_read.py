"""What reading page by page costs beyond the same requests written by hand.

Usage: python benchmarks/paged_read.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                       [--json] [--check]
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

_SIZE = 1_000
_LARGE = "by hand, pages of 4,400"
"""Of the size that the library chooses for rows such as these."""

HEATS = (
    Heat(
        "Paged read of dicts",
        "full",
        (
            Entry("by hand, pages of 1,000", "read-by-hand", _SIZE),
            Entry("pages(1_000)", "read-pages", _SIZE),
            Entry(_LARGE, "read-by-hand", 4_400),
            Entry("pages(), which choose their size", "read-pages", against=_LARGE),
            Entry("async for row, one at a time", "read-rows", against=_LARGE),
        ),
        ("pages(1_000)", 1.15),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=10, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
