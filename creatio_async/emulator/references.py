"""``$1`` at the start of an address: the row that operation 1 of the same batch creates.

Source: OASIS OData 4.0, Part 1, 11.7.3.1, and OData JSON Format 4.01, 19.1; which ids may be meant
where is read in Microsoft.OData.Core 7.10, which Creatio ships, and which looks before anything
runs. What such an address leads to is found when its turn has come.
"""

import re
from collections.abc import Collection
from typing import Final, TypeGuard

from creatio_async.emulator.batches import Group, Item
from creatio_async.emulator.refusals import bad_request

__all__ = ["check_references"]

_ALIAS: Final = re.compile(r"/*\$(?P<id>[^/?]+)")


def check_references(parts: list[Item | Group], root: str, *, told: bool) -> None:
    """Refuse a batch in which an address begins with ``$`` and no id that may be meant there.

    Args:
        parts: The batch.
        root: The address of the service, with a slash at its end.
        told: An operation names what it depends on, as in JSON, and may mean nothing else; in
            multipart, it may mean those before it in its change set, or before it in none.

    Raises:
        Refusal: 400.
    """
    names = {part.name: [item.id for item in part.items] for part in parts if _is_named(part)}
    outside: list[str] = []
    for part in parts:
        before = outside if isinstance(part, Item) else list[str]()
        for item in part.items if isinstance(part, Group) else [part]:
            if told:
                meant = [own for name in item.depends_on for own in names.get(name, [name])]
            else:
                meant = before
            _check(item, root, meant)
            before.append(item.id)


def _is_named(part: Item | Group) -> TypeGuard[Group]:
    return isinstance(part, Group) and bool(part.name)


def _check(item: Item, root: str, meant: Collection[str]) -> None:
    match = _ALIAS.match(item.url.removeprefix(root))
    if match and match["id"] not in meant:
        raise bad_request(
            f"Request Id reference [{match['id']}] in Uri [{item.url}] is not found in effective "
            f"depends-on-Ids [{','.join(meant)}] of the request."
        )
