"""What one call costs beyond the same request written by hand: one row, one call after another.

Usage: python benchmarks/single_call.py [--rows N] [--passes N] [--repeats N] [--latency-ms N]
                                        [--json] [--check]

A row is a call here.
"""

import sys
from collections.abc import Sequence

from benchmarks.contest import Entry, Heat
from benchmarks.contest import main as contest

__all__ = ["HEATS", "main"]

_CALLS = "2000"

HEATS = (
    Heat(
        "Single calls",
        "full",
        (
            Entry("by hand", "call-by-hand"),
            Entry("crm.request", "call-request"),
            Entry("await query.top(1)", "call-query"),
        ),
        ("await query.top(1)", 1.3),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else argv
    return contest(__doc__ or "", HEATS, passes=3, argv=["--rows", _CALLS, *given])


if __name__ == "__main__":
    sys.exit(main())
