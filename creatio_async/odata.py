"""The OData service of a site: entity sets by name, batches, any address, and what there is."""

import os
from pathlib import Path
from typing import get_args

from attrs import define

from creatio_async.batch import Batch, Format
from creatio_async.entities import EntitySet
from creatio_async.metadata import read_metadata
from creatio_async.protocol.names import check_name
from creatio_async.protocol.odata.schema import Schema
from creatio_async.service import Service
from creatio_async.uris import UriQuery

__all__ = ["OData"]


@define(eq=False)
class OData:
    """OData 4: ``crm.odata``."""

    _service: Service

    def __getitem__(self, name: str) -> EntitySet:
        """Return the entity set of the schema *name*; nothing is sent.

        Raises:
            ValueError: *name* is no identifier.
            TypeError: *name* is no string.
        """
        if not isinstance(name, str):
            raise TypeError(f"an entity set is found by its name, not by {name!r:.80}")
        return EntitySet(self._service, check_name(name, "entity set"))

    def batch(
        self,
        *,
        continue_on_error: bool = True,
        format: Format = "json",  # noqa: A002
    ) -> Batch:
        """Return an empty batch; fill it, then ``await batch.send()``.

        Args:
            continue_on_error: Go on after an operation that fails. Without it the operations
                after the first failure are not run.
            format: How it travels: ``"json"``, or ``"multipart"`` (multipart/mixed).

        Raises:
            ValueError: There is no such format.
        """
        if format not in get_args(Format):
            raise ValueError(f"a batch travels as 'json' or 'multipart', not as {format!r}")
        return Batch(self._service, continue_on_error=continue_on_error, format=format)

    def read(self, uri: str) -> UriQuery:
        """Return a query for the rows at *uri*; nothing is sent.

        Args:
            uri: Relative to the service, such as ``Contact?$top=5``; or absolute, within it.

        Raises:
            ValueError: It leads out of the service; raised when the query is run.
        """
        return UriQuery(self._service, uri)

    async def metadata(self, *, cache: str | os.PathLike[str] | None = None) -> Schema:
        """Return the schema of the service: types, columns, lookups, entity sets.

        Nothing else here needs it. A large site has a few megabytes of it.

        Args:
            cache: A file that keeps the document. It is read instead of the site as long as the
                site's own hash of its configuration stays the same; a site that tells none is
                asked each time.

        Raises:
            UnexpectedResponseError: The answer is no ``$metadata``.
            OSError: The file cannot be written.
        """
        return await read_metadata(self._service.sender, None if cache is None else Path(cache))

    async def entity_sets(self) -> list[str]:
        """Return the names of the entity sets, in the order of the service."""
        return await self._service.entity_sets()
