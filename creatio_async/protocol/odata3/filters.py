"""Conditions as the text of ``$filter`` in OData 3.

Source: OData 3.0, URL conventions, 10.2.3; academy.creatio.com, "EntityDataService.svc web service
(OData 3)". ``contains`` is ``substringof`` there, with its arguments turned round; what the version
has no word for is refused.
"""

from collections.abc import Sequence
from typing import Any, Final

from creatio_async.protocol.odata.filters import Filters
from creatio_async.protocol.odata.nodes import EnumMember, TypeName, Value
from creatio_async.protocol.odata3.literals import literal, quoted

__all__ = ["Filters3"]

_FUNCTIONS: Final = frozenset({
    *("startswith", "endswith", "length", "indexof", "substring", "tolower", "toupper", "trim"),
    *("concat", "year", "month", "day", "hour", "minute", "second"),
    *("round", "floor", "ceiling", "cast", "isof"),
})
_OPERATORS: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


class Filters3(Filters):
    """Writes conditions and values in the words of OData 3."""

    def literal(self, value: Any) -> str:
        """Return a value of the caller's as text.

        Raises:
            ValueError: It is a member of an enum type.
        """
        if isinstance(value, EnumMember):
            raise ValueError(f"OData 3 has no enum types, and so no {value.type}'{value.members}'")
        return literal(value)

    def call(self, function: str, arguments: Sequence[Value | TypeName]) -> str:
        """Return a function of the protocol with its arguments.

        Raises:
            ValueError: Only OData 4 has it.
        """
        if function == "contains":
            function, arguments = "substringof", arguments[::-1]
        elif function not in _FUNCTIONS:
            raise ValueError(f"OData 3 has no function {function}(); crm.odata has it")
        return f"{function}({','.join(map(self.argument, arguments))})"

    def argument(self, value: Value | TypeName) -> str:
        """Return an argument of a function: the name of a type stands in quotes."""
        return quoted(value.name) if isinstance(value, TypeName) else super().argument(value)

    def operand(self, value: Value, beside: Value) -> str:  # noqa: ARG002 - of no consequence here
        """Return one side of a comparison."""
        return self.value(value)

    def operator(self, name: str) -> str:
        """Return the operator of a comparison.

        Raises:
            ValueError: Only OData 4 has it.
        """
        if name not in _OPERATORS:
            raise ValueError(f"OData 3 has no operator '{name}'; crm.odata has it")
        return name
