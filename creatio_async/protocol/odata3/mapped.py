"""Values of an entry that are elsewhere than among its properties, as its type says.

Source: OData 3.0, Atom Format, "customizable feeds"; where they are: `odata.feeds`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import define, field

from creatio_async.protocol.odata.feeds import FeedMapping
from creatio_async.protocol.odata3.answers import FormatError, Row
from creatio_async.protocol.odata3.vocabulary import ATOM, full_names
from creatio_async.protocol.xmlreader import XmlFeed

__all__ = ["MappedReader", "Targets", "put", "targets_of"]

Targets = Mapping[tuple[str, ...], str]
"""Columns, or paths to them, by the elements in which their values are, named as expat does."""

_PERSON: Final = ("Email", "Name", "Uri")
_SYNDICATION: Final = {
    **{f"SyndicationAuthor{each}": f"author/{each.lower()}" for each in _PERSON},
    **{f"SyndicationContributor{each}": f"contributor/{each.lower()}" for each in _PERSON},
    **{f"Syndication{each}": each.lower() for each in ("Published", "Rights", "Summary")},
    **{f"Syndication{each}": each.lower() for each in ("Title", "Updated")},
}
_NULL: Final = frozenset(full_names("m:null"))
_MAX_DEPTH: Final = 32


def targets_of(mappings: Iterable[FeedMapping]) -> Targets:
    """Return where values are that *mappings* tell; a target that is not known is left out."""
    found: dict[tuple[str, ...], str] = {}
    for each in mappings:
        path, namespace = _SYNDICATION.get(each.target, each.target), each.namespace
        if each.target in _SYNDICATION:
            namespace = ATOM
        elif each.target.startswith("Syndication") or not path:
            continue
        steps = path.split("/")
        found[tuple(_name(step, namespace) for step in steps)] = each.path
    return found


def _name(step: str, namespace: str) -> str:
    return step if step.startswith("@") or not namespace else f"{namespace} {step}"


def put(row: Row, path: str, value: Any) -> None:
    """Put a *value* into *row*, or into a value within it, unless there is one."""
    *outer, name = path.split("/")
    for each in outer:
        row = row.setdefault(each, {})
        if not isinstance(row, dict):
            return
    row.setdefault(name, value)


@define(eq=False)
class MappedReader:
    """Takes over the handlers of *xml* for one element of an entry; gives them back at its end."""

    xml: XmlFeed
    done: Callable[[], Any]
    """Is called at the end of the element."""
    _targets: Targets = field(init=False, factory=dict[tuple[str, ...], str])
    _found: dict[str, str | None] = field(init=False, factory=dict[str, str | None])
    _path: list[str] = field(init=False, factory=list[str])
    _texts: list[str] = field(init=False, factory=list[str])
    _is_null: bool = field(init=False, default=False)

    def read_into(
        self, found: dict[str, str | None], targets: Targets, name: str, attributes: list[str]
    ) -> None:
        """Read an element that has just begun; its texts go into *found*, by their columns."""
        self._found, self._targets = found, targets
        self.xml.handle(self._start, self._end, self._texts.append)
        self._start(name, attributes)

    def release(self) -> None:
        """Let go of what is called, which may hold this reader: no circle."""
        self.done = _nothing

    def _start(self, name: str, attributes: list[str]) -> None:
        self._path.append(name)
        if len(self._path) > _MAX_DEPTH:
            raise FormatError(f"more than {_MAX_DEPTH} elements in one another")
        path = tuple(self._path)
        for at in range(0, len(attributes), 2):
            column = self._targets.get((*path, f"@{attributes[at].rpartition(' ')[2]}"))
            if column is not None:
                self._found[column] = attributes[at + 1]
        if path in self._targets:
            self._texts.clear()
            given = dict(zip(attributes[::2], attributes[1::2], strict=True))
            self._is_null = any(given.get(each) in {"true", "1"} for each in _NULL)

    def _end(self, _: str) -> None:
        column = self._targets.get(tuple(self._path))
        if column is not None:
            self._found[column] = None if self._is_null else "".join(self._texts)
        self._path.pop()
        if not self._path:
            self.done()


def _nothing() -> None:
    """Do nothing."""
