"""Answers that come later: what a 202 leads to.

Creatio may accept a change and carry it out afterwards: 202 with ``Location`` and ``Retry-After``,
then 303 with the address of the result. OData 4 gives the result at the first address, as it is,
with its status in ``AsyncResult``, or as a whole answer (application/http).
Source: academy.creatio.com, status codes of the OData services; OData 4.0 part 1, section 11.6.
"""

from typing import Final

from attrs import evolve
from yarl import URL

from creatio_async.messages import Request, Response
from creatio_async.protocol.batch.httpparts import read_answer
from creatio_async.protocol.batch.jsonbatch import as_response
from creatio_async.protocol.names import quote_uri

__all__ = ["ON_THE_WAY", "final", "next_address"]

ON_THE_WAY: Final = frozenset({202, 303})
"""Statuses of an answer that is still to come."""


def next_address(request: Request, response: Response) -> str | None:
    """Return where the answer will be, or None where there is nothing to follow."""
    location = response.headers.get("location", "")
    if response.status not in ON_THE_WAY or not location:
        return None
    return str(request.url.join(URL(quote_uri(location), encoded=True)))


def final(response: Response) -> Response:
    """Return the answer that *response*, from the address of a 202, stands for.

    Raises:
        ValueError: It says that it is a whole answer, and is none.
    """
    if response.content_type == "application/http":
        item = read_answer(response.body)
        if item is None:
            raise ValueError("no answer in application/http")
        return as_response(item)
    status = response.headers.get("asyncresult", "")
    return evolve(response, status=int(status)) if status.isdecimal() else response
