"""HTTP as values: what is asked, and what is answered.

Client, emulator, errors and tests all speak these three classes, so that a function from
`Request` to `Response` is a server, and anything that sends one and returns the other is a
transport. Nothing here does I/O; everything can be pickled.
"""

import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, Self, TypeVar, cast, overload

import orjson
from attrs import define, evolve, field, frozen
from yarl import URL

__all__ = ["Headers", "Request", "Response", "Upload"]

_SECRET_HEADERS = re.compile(
    r"authorization|cookie|csrf|passw|secret|token|credential|(api|access|subscription)-?key"
    r"|(^|-)auth(-|$)",
    re.IGNORECASE,
)
"""Names of those that Creatio takes, and of what a gateway before it may want."""

_HIDDEN = "***"

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Header fields: names without regard to case, in order, repeats kept.

    As a mapping it gives the first value of a name; `get_all` gives every one. Values never
    show in the ``repr`` where they are credentials.
    """

    __slots__ = ("_index", "_items")

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        self._items: tuple[tuple[str, str], ...] = tuple(_pairs(items))
        self._index: dict[str, str] | None = None

    def __getitem__(self, name: str, /) -> str:
        return self._by_name()[name.lower()]

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: T, /) -> str | T: ...
    def get(self, name: str, default: object = None, /) -> object:
        """Return the first value of *name*, or *default*."""
        return self._by_name().get(name.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __contains__(self, name: object, /) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._lowered() == other._lowered()

    def __hash__(self) -> int:
        return hash(self._lowered())

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[tuple[str, str], ...]]]:
        return type(self), (self._items,)

    def __repr__(self) -> str:
        return f"Headers({list(self.redacted().pairs)!r})"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every field as it was given, repeats included."""
        return self._items

    def get_all(self, name: str) -> list[str]:
        """Return every value of *name*, in order; an empty list where there is none."""
        wanted = name.lower()
        return [value for key, value in self._items if key.lower() == wanted]

    def merged(self, other: Mapping[str, str]) -> "Headers":
        """Return these fields with those of *other* in place of the ones of the same name."""
        taken = {name.lower() for name in other}
        kept = [pair for pair in self._items if pair[0].lower() not in taken]
        return Headers([*kept, *_pairs(other)])

    def redacted(self, secrets: Collection[str] = ()) -> "Headers":
        """Return a copy in which credentials are stars: cookies, tokens, keys.

        Args:
            secrets: Names of further ones, in lower case.
        """
        return Headers(
            (name, _HIDDEN if _SECRET_HEADERS.search(name) or name.lower() in secrets else value)
            for name, value in self._items
        )

    def _by_name(self) -> dict[str, str]:
        """The first value of each name; made when it is first asked for: many never are."""
        index = self._index
        if index is None:
            index = self._index = {}
            for name, value in self._items:
                index.setdefault(name.lower(), value)
        return index

    def _lowered(self) -> tuple[tuple[str, str], ...]:
        return tuple((name.lower(), value) for name, value in self._items)


def _pairs(items: Mapping[str, str] | Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    if type(items) is dict:  # what it mostly is; the look at the abstract class is dear
        return cast("dict[str, str]", items).items()
    if isinstance(items, Headers):
        return items.pairs  # as a mapping it gives the first value of a name only
    return cast("Mapping[str, str]", items).items() if isinstance(items, Mapping) else items


@define(eq=False, kw_only=True)
class Upload:
    """A body that is produced while it is sent."""

    source: Callable[[], AsyncIterator[bytes]]
    """Begins to produce it; called once for each send."""
    length: int | None = None
    """Its bytes, where their number is known: without it the body goes out chunked."""
    is_repeatable: bool = True
    """Whether it can be produced a second time."""
    begun: int = 0
    """How often it was begun."""
    error: Exception | None = None
    """What the source raised; it is the caller's, and no failure of the way."""

    @property
    def is_spent(self) -> bool:
        """It was begun, and cannot be produced again."""
        return self.begun > 0 and not self.is_repeatable

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Produce the body.

        Raises:
            ValueError: The source gives more or fewer bytes than it promised.
            Exception: What the source raised.
        """
        self.begun += 1
        given = 0
        try:
            async for chunk in self.source():
                given += len(chunk)
                if self.length is not None and given > self.length:
                    break
                yield chunk
            self._check(given)
        except Exception as error:
            self.error = error
            raise

    def _check(self, given: int) -> None:
        if self.length is not None and given != self.length:
            more = "more" if given > self.length else "fewer"
            raise ValueError(f"the source gives {more} bytes than the {self.length:,} promised")


@frozen(kw_only=True)
class Request:
    """One HTTP request, ready to be sent: nothing is added to it but what HTTP itself adds."""

    method: str
    url: URL
    """Sent byte for byte: built with ``URL(..., encoded=True)``."""
    headers: Headers = field(factory=Headers)
    body: bytes = field(default=b"", repr=False)
    upload: Upload | None = field(default=None, repr=False, eq=False)
    """A body that is produced while it is sent, instead of `body`."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False, eq=False)
    """Names in lower case of headers that are credentials, though their names do not say so."""

    def redacted(self) -> "Request":
        """Return a copy that may be shown: no credentials in the headers, no body."""
        headers = self.headers.redacted(self.secrets)
        return evolve(self, headers=headers, body=b"", upload=None)


@frozen(kw_only=True)
class Response:
    """One HTTP answer, read to its end."""

    status: int
    headers: Headers = field(factory=Headers)
    body: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty where none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body)

    def json(self) -> Any:
        """Return the body decoded from JSON; a byte order mark before it is no harm.

        Raises:
            ValueError: The body is not JSON.
        """
        return orjson.loads(self.body.removeprefix(b"\xef\xbb\xbf"))

    def text(self) -> str:
        """Return the body as text: UTF-8, with or without a byte order mark."""
        return self.body.decode("utf-8-sig", errors="replace")

    def redacted(self) -> "Response":
        """Return a copy that may be shown: no cookies in the headers."""
        return evolve(self, headers=self.headers.redacted())
