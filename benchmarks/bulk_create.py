"""What `create_many` costs beyond the same traffic written by hand.

Usage: python benchmarks/bulk_create.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                        [--json] [--check]
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

_ENTRIES = (
    Entry("by hand", "create-by-hand"),
    Entry("by hand, ids as the library's", "create-by-hand-fast-ids"),
    Entry("await create_many(rows)", "create-for-report"),
    Entry("async for outcome", "create-for-outcomes"),
)
_BOUND = ("await create_many(rows)", 1.4)

HEATS = (
    Heat("Bulk create, answers with the row", "full", _ENTRIES, _BOUND),
    Heat("Bulk create, answers without a body", "bare", _ENTRIES, ("await create_many(rows)", 1.8)),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=3, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
