"""How long `sync` takes where nothing has changed, beside reading the same rows page by page.

Usage: python benchmarks/sync_unchanged.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                           [--json] [--check]

The ratio is that of the clock, with 100 ms for each answer: a page of some thousand rows. The
server sends all columns, whatever is asked for, so both sides decode the same bytes.
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

HEATS = (
    Heat(
        "Nothing to synchronize, 100 ms for an answer",
        "full",
        (Entry("pages()", "read-pages"), Entry("sync(rows, key='Id')", "sync-unchanged")),
        ("sync(rows, key='Id')", 2.0),
        "wall",
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=2, argv=argv, latency_ms=100.0)


if __name__ == "__main__":
    sys.exit(main())
