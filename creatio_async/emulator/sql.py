"""Pieces of SQL with their parameters, and the rules that a query is held to."""

from typing import Any

from attrs import field, frozen

from creatio_async.emulator.refusals import Refusal, bad_query, odata_error
from creatio_async.emulator.schema import Kind

__all__ = ["Fragment", "Rules", "incompatible", "missing"]


@frozen(kw_only=True)
class Rules:
    """What a profile allows; 0 stands for no limit."""

    row_limit: int
    """Rows in one answer. Source: academy.creatio.com, "OData", limitations."""
    node_limit: int
    """Nodes of a filter. Source: inferred from the library that Creatio ships."""
    expand_depth: int
    """Levels of ``$expand``. Source: the setting ``ODataMaxExpansionDepth``."""
    order_limit: int
    """Items of ``$orderby``. Source: inferred from the library that Creatio ships."""
    lookup_by_path: bool
    """Whether a lookup is filtered by ``Account/Id`` only, not by ``AccountId``."""
    select_covers_filter: bool
    """Whether a column of the filter must be selected too."""
    nulls: bool
    """Whether lookups and dates may be null, instead of Creatio's empty values."""
    etags: bool = False
    """Whether rows have entity tags."""
    honours_return: bool = False
    """Whether ``Prefer: return=`` decides what an answer to a write holds."""
    page_size: int = 0
    """Rows after which an answer ends in a next link; 0 for none."""
    relative_links: bool = False
    """Whether next links are relative to the service root."""
    exact_names: bool = False
    """Whether names of properties are taken in their own case only."""
    system_tables: bool = True
    """Whether the tables of the system are open to OData."""
    plain: bool = False
    """Whether this is OData as the standard has it: what is missing is a 501 that names it."""


@frozen
class Fragment:
    """A piece of SQL; *kind* is None for null, and *navigation* marks a path without a property."""

    text: str
    parameters: tuple[Any, ...]
    kind: Kind | None
    navigation: bool = field(default=False, kw_only=True)

    def beside(self, other: "Fragment", text: str, kind: Kind) -> "Fragment":
        """Return *text*, which holds this piece before *other*, with the parameters of both."""
        return Fragment(text, self.parameters + other.parameters, kind)


def missing(rules: Rules, what: str) -> Refusal:
    """Return the refusal of a part of OData that is not there; *what* begins the sentence.

    A 501 that names it in plain OData; a 400 as from Creatio, whose library refuses the address.
    """
    message = f"{what} is not implemented."
    return odata_error(501, message) if rules.plain else bad_query(message)


def incompatible(operator: str, left: Kind | None, right: Kind | None) -> Refusal:
    """Return the refusal for operands of types that do not fit.

    Source: the text was seen on a live site.
    """
    first, second = (kind.value if kind else "<null>" for kind in (left, right))
    return bad_query(
        "A binary operator with incompatible types was detected. Found operand types "
        f"'{first}' and '{second}' for operator kind '{operator}'."
    )
