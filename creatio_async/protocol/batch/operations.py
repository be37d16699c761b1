"""What a ``$batch`` is made of."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import define, field

__all__ = ["MAX_OPERATIONS", "Format", "Method", "Operation", "check_count"]

MAX_OPERATIONS = 100
"""Operations that Creatio takes in one ``$batch``; those within groups are counted, too.

Source: academy.creatio.com, "Batch request examples".
"""

Method = Literal["GET", "POST", "PATCH", "MERGE", "PUT", "DELETE"]

Format = Literal["json", "multipart"]
"""How a batch travels."""


@define
class Operation:
    """One request within a ``$batch``."""

    method: Method
    path: str
    """Relative to the service, without a leading slash."""
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    group: str | None = None
    """Operations of one group stand side by side, and are carried out all or not at all."""
    link: str | None = None
    """Where a link leads that is written: it is the body then."""
    depends_on: Sequence[int] = ()
    """The places, from 1, of operations of the same group whose rows it speaks of: as ``$1``."""


def check_count(operations: Sequence[object]) -> None:
    """Refuse a batch of none (the server cannot parse it) and of more than it takes.

    Raises:
        ValueError: There are not 1 to 100 operations.
    """
    if not 1 <= len(operations) <= MAX_OPERATIONS:
        raise ValueError(f"a $batch takes 1 to {MAX_OPERATIONS} operations, not {len(operations)}")
