"""What rows cost as objects of a class, beside the same rows as dicts.

Usage: python benchmarks/models.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                   [--json] [--check]
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

_SIZE = 1_000
_OBJECTS = "pages(1_000) of a Model"

HEATS = (
    Heat(
        "Paged read as objects: six guids, two points in time of eleven columns",
        "full",
        (
            Entry("pages(1_000) of dicts", "read-pages", _SIZE),
            Entry(_OBJECTS, "read-models", _SIZE),
            Entry("pages(1_000) of a class with slots", "read-slots", _SIZE),
            Entry("by hand: a constructor, UUID(...)", "read-objects-by-hand", _SIZE),
        ),
        (_OBJECTS, 2.0),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=10, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
