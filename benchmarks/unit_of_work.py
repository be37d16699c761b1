"""What a unit of work costs beyond the same traffic written by hand.

The floor keeps no rows; a unit of work follows each, looks at each of its values, and finds what
leads where. Answers have no body: those of the server here are of other rows, which a unit of work
refuses.

Usage: python benchmarks/unit_of_work.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                         [--json] [--check]
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

_ENTRIES = (
    Entry("by hand", "create-by-hand"),
    Entry("batch.atomic()", "create-in-batches"),
    Entry("await work.save(atomic=False)", "create-in-a-unit-of-work"),
)

HEATS = (
    Heat(
        "New rows, 100 in a change set, answers without a body",
        "bare",
        _ENTRIES,
        (_ENTRIES[2].label, 9.0),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=3, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
