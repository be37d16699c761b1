"""What `create_many` costs for rows of 55 columns, of which ten are empty, answered with the row.

Usage: python benchmarks/bulk_wide.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                      [--json] [--check]
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

HEATS = (
    Heat(
        "Bulk create of contacts, 55 columns",
        "wide",
        (
            Entry("by hand", "create-contacts-by-hand"),
            Entry("await create_many(rows)", "create-contacts-for-report"),
        ),
        ("await create_many(rows)", 1.15),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    return contest(__doc__ or "", HEATS, passes=1, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
