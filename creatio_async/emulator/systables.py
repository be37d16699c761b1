"""The tables of the system, which a site closes to OData by default.

Source: ``Feature-DisableODataSystemTablesAccess``, which is on in the settings of a demo site.
Which tables it closes and what it answers is not told anywhere: that it is a 403 is inferred.
"""

import re
from typing import Final
from urllib.parse import unquote_plus

from creatio_async.emulator.operations import Operation
from creatio_async.emulator.refusals import odata_error

__all__ = ["check_open"]

_NAMED: Final = re.compile(r"(?<!\w)(?:Vw)?SysProcess\w*", re.IGNORECASE)
_TEXT: Final = re.compile(r"'[^']*'")


def check_open(operation: Operation) -> None:
    """Refuse an operation whose address names a table of the system, or leads to one.

    Raises:
        Refusal: 403.
    """
    address = f"{operation.path}?{operation.query}"
    named = _NAMED.search(_TEXT.sub("", unquote_plus(address)))
    if named is not None:
        raise odata_error(403, f"Access to the system table '{named[0]}' is denied.")
