"""What `sync` takes where nothing has changed, beside reading the same rows.

Usage: python benchmarks/sync_unchanged.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                           [--json] [--check]

Once by the processor and once by the clock, with 100 ms for each answer: a page of some thousand
rows. The server sends all columns, whatever is asked for, so both sides decode the same bytes.
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

_READ = Entry("async for row", "read-rows")
_SYNC = Entry("sync(rows, key='Id')", "sync-unchanged")

HEATS = (
    Heat(
        "Nothing to synchronize",
        "full",
        (
            _READ,
            Entry("pages()", "read-pages"),
            _SYNC,
            Entry("sync, rows in another order", "sync-shuffled"),
            Entry("sync, outcomes looked at", "sync-outcomes"),
        ),
        (_SYNC.label, 2.0),
    ),
    Heat(
        "Nothing to synchronize, by the clock", "full", (_READ, _SYNC), (_SYNC.label, 2.0), "wall"
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=2, argv=argv, latency_ms=100.0)


if __name__ == "__main__":
    sys.exit(main())
