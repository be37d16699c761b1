"""The query options of an address (``$select``, ``$filter``, ``$expand``, ...) as a value."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from attrs import evolve, field, frozen

from creatio_async.emulator.filters import parsed
from creatio_async.emulator.refusals import bad_query
from creatio_async.emulator.schema import Column, Navigation, Schema
from creatio_async.emulator.search import terms_of
from creatio_async.emulator.sql import Rules, missing

__all__ = ["Expand", "Order", "Query", "options", "query_of", "split"]

_KNOWN = {"$select", "$filter", "$expand", "$orderby", "$top", "$skip", "$count", "$format"}
_MISSING = {"$apply", "$compute", "$deltatoken", "$index", "$schemaversion"}
"""Options of OData that not even its plain form has here."""
_DIGITS = 10
"""Digits of a number of rows at most: more would be no Int32."""
_NESTED = (_KNOWN - {"$format"}) | {"$levels", "$search"}
_FORMS = {"", "/$ref", "/$count"}
_MAX_LEVELS = 10
"""What ``$levels=max`` means where there is no limit."""
_MOST_LEVELS = 100


@frozen
class Order:
    """One item of ``$orderby``."""

    tree: Any
    descending: bool


@frozen(kw_only=True)
class Query:
    """What is to be read of one entity set; names have been looked up already."""

    schema: Schema
    select: tuple[Column, ...] | None = None
    """None for all columns."""
    expand: tuple["Expand", ...] = ()
    where: Any = None
    """The tree of ``$filter``, or None."""
    search: Any = None
    """The tree of ``$search``, or None."""
    order: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    token: int = 0
    """The rows that earlier pages have given: ``$skiptoken`` of a next link."""

    @property
    def shape(self) -> str:
        """What stands in ``@odata.context`` after the name: ``(Id,Name,Account())``, or nothing."""
        names = [column.name for column in self.select or ()]
        names += [f"{e.navigation.name}{e.query.shape or '()'}" for e in self.expand if not e.form]
        return f"({','.join(names)})" if names else ""


@frozen
class Expand:
    """A navigation property to be read with each row, and what is to be read of it."""

    navigation: Navigation
    query: Query = field()
    form: str = ""
    """``/$ref`` for links in place of rows, ``/$count`` for their number."""


def options(raw: str, rules: Rules) -> dict[str, str]:
    """Return the options of the query text *raw*: names in lower case with their ``$``.

    A plus is a blank, as in forms; options that are not OData's are left out.

    Raises:
        Refusal: 400, an option is unknown or stands there twice; 501, it is not implemented.
    """
    found: dict[str, str] = {}
    for pair in raw.split("&"):
        name, _, value = pair.partition("=")
        name = unquote_plus(name).strip()
        if not name.startswith("$"):
            continue
        lowered = name.lower()
        if rules.plain and lowered in _MISSING:
            raise missing(rules, f"The query option '{lowered}'")
        allowed = (lowered == "$skiptoken" and (rules.page_size or rules.plain)) or (
            lowered == "$search" and rules.plain
        )
        if lowered not in _KNOWN and not allowed:
            raise bad_query(f"The query parameter '{name}' is not supported.")
        if lowered in found:
            raise bad_query(f"Query option '{name}' was specified more than once.")
        found[lowered] = unquote_plus(value)
    return found


def query_of(
    given: Mapping[str, str], schema: Schema, schemas: Mapping[str, Schema], rules: Rules
) -> Query:
    """Return the query that the options *given* make for rows of *schema*.

    Raises:
        Refusal: 400, an option is malformed or names what is not there.
    """
    return _query(given, schema, schemas, rules, depth=0)


def _query(  # noqa: C901 - one case for each option
    given: Mapping[str, str],
    schema: Schema,
    schemas: Mapping[str, Schema],
    rules: Rules,
    depth: int,
) -> Query:
    query = Query(schema=schema)
    for name, value in given.items():
        text = value.strip()
        match name:
            case "$select":
                query = evolve(query, select=_select(text, schema))
            case "$filter":
                query = evolve(query, where=parsed(text, rules))
            case "$orderby":
                query = evolve(query, order=_order(text, rules))
            case "$expand":
                query = evolve(query, expand=_expand(text, schema, schemas, rules, depth + 1))
            case "$search":
                query = evolve(query, search=terms_of(text))
            case "$top":
                query = evolve(query, top=_number(text, name))
            case "$skip":
                query = evolve(query, skip=_number(text, name))
            case "$skiptoken":
                query = evolve(query, token=_number(text, name))
            case "$count":
                query = evolve(query, count=_flag(text))
            case _:
                pass
    return query


def split(text: str, separator: str) -> list[str]:
    """Cut *text* at every *separator* that is in no parentheses and no quotes."""
    parts: list[str] = []
    depth, quoted, start = 0, False, 0
    for place, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == separator and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part.strip() for part in parts]


def _select(text: str, schema: Schema) -> tuple[Column, ...] | None:
    found: dict[str, Column] = {}
    for name in split(text, ","):
        if name == "*":
            return None
        column = schema.column(name)
        if column is not None:
            found[column.name] = column
        elif schema.navigation(name) is None:
            raise bad_query(
                f"Could not find a property named '{name}' on type '{schema.type_name}'."
            )
    return tuple(found.values())


def _order(text: str, rules: Rules) -> tuple[Order, ...]:
    found: list[Order] = []
    for item in split(text, ","):
        words, _, last = item.rpartition(" ")
        direction = last.lower() if words and last.lower() in {"asc", "desc"} else ""
        tree = parsed(words.strip() if direction else item, rules)
        found.append(Order(tree, direction == "desc"))
    if rules.order_limit and len(found) > rules.order_limit:
        raise bad_query(
            f"The number of clauses in $orderby query option exceeded the maximum number allowed "
            f"of '{rules.order_limit}'."
        )
    return tuple(found)


def _expand(
    text: str, schema: Schema, schemas: Mapping[str, Schema], rules: Rules, depth: int
) -> tuple[Expand, ...]:
    _check_depth(depth, rules)
    found: dict[str, Expand] = {}
    everything = False
    for item in split(text, ","):
        path, bracket, rest = item.partition("(")
        name, slash, last = path.strip().partition("/")
        form = slash + last
        if name == "*" and rules.plain and not bracket and form in _FORMS:
            everything = True
            for each in schema.navigations:
                if each.many or form != "/$count":
                    query = Query(schema=schemas[each.target])
                    found.setdefault(each.name, Expand(each, query, form))
            continue
        navigation = schema.navigation(name)
        if navigation is None or (bracket and not rest.endswith(")")):
            raise bad_query(
                f"Could not find a property named '{name}' on type '{schema.type_name}'."
            )
        if form not in (_FORMS if rules.plain else {""}) or (
            form == "/$count" and not navigation.many
        ):
            raise bad_query(f"The path '{path}' is not valid in a $expand expression.")
        nested = _nested(rest[:-1], rules) if bracket else {}
        levels = nested.pop("$levels", "")
        query = _query(nested, schemas[navigation.target], schemas, rules, depth)
        if levels:
            query = _deepened(navigation, query, schema, _levels(levels, depth, rules))
        found[navigation.name] = Expand(navigation, query, form)
    if everything:
        # What is named beside the star has its own options, and the place of the star.
        return tuple(found[n.name] for n in schema.navigations if n.name in found)
    return tuple(found.values())


def _check_depth(depth: int, rules: Rules) -> None:
    if rules.expand_depth and depth > rules.expand_depth:
        raise bad_query(
            f"The request includes a $expand path which is too deep. The maximum depth allowed is "
            f"{rules.expand_depth}."
        )


def _levels(text: str, depth: int, rules: Rules) -> int:
    """The levels that ``$levels`` asks for at *depth*; ``max`` are as many as are allowed."""
    if text.strip().lower() == "max":
        return rules.expand_depth - depth + 1 if rules.expand_depth else _MAX_LEVELS
    levels = _number(text.strip(), "$levels")
    _check_depth(depth + levels - 1, rules)
    if not 0 < levels <= _MOST_LEVELS:
        raise bad_query(f"'{levels}' is not a valid value of $levels.")
    return levels


def _deepened(navigation: Navigation, query: Query, schema: Schema, levels: int) -> Query:
    """The query of an expansion that goes on in itself for that many levels, the first included."""
    if navigation.target != schema.name:
        raise bad_query(
            f"$levels can be used on a property of the type '{schema.type_name}' itself only; "
            f"'{navigation.name}' is none."
        )
    others = tuple(e for e in query.expand if e.navigation.name != navigation.name)
    deeper = query
    for _ in range(levels - 1):
        deeper = evolve(query, expand=(*others, Expand(navigation, deeper)))
    return deeper


def _nested(text: str, rules: Rules) -> dict[str, str]:
    allowed = _NESTED if rules.plain else _NESTED - {"$search"}
    found: dict[str, str] = {}
    for option in split(text, ";"):
        name, equals, value = option.partition("=")
        lowered = name.strip().lower()
        if not equals or lowered not in allowed or lowered in found:
            raise bad_query(f"Term '{option}' is not valid in a $select or $expand expression.")
        found[lowered] = value
    return found


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise bad_query(f"Invalid value '{text}' for $count query option found.")
    return text.lower() == "true"


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise bad_query(
            f"Invalid value '{text}' for {name} query option found. The {name} query option "
            "requires a non-negative integer value."
        )
    return int(text)
