"""Streams: bytes that a row holds beside its fields.

Source: academy.creatio.com, "Stream data type request examples".
"""

from typing import Final

from attrs import frozen

from creatio_async.emulator.answering import not_allowed
from creatio_async.emulator.operations import Operation, media_type
from creatio_async.emulator.refusals import ODATA_VERSION, Answer, not_found, odata_error
from creatio_async.emulator.schema import Column, Schema
from creatio_async.emulator.store import Store

__all__ = ["OCTETS", "Streams"]

OCTETS: Final = "application/octet-stream"
"""The media type of a stream that was sent without one."""


@frozen
class Streams:
    """Reads and writes the streams in *store*."""

    store: Store
    max_size: int
    """Bytes of one stream; 0 for no limit. Source: the system setting ``MaxFileSize``."""

    def answer(self, operation: Operation, schema: Schema, key: str, column: Column) -> Answer:
        """Answer GET, PUT or DELETE of the stream *column* of one row.

        A stream that was never written, or was deleted, is null: 204. One that was written with
        nothing in it is a 200 without a body. Source: OASIS OData 4.0, Part 1, 11.2.

        Raises:
            Refusal: 404, there is no such row; 405; 413, the stream is too large (that it is this
                status is inferred: the documents speak of an error only).
        """
        match operation.method:
            case "GET":
                return self._read(schema, key, column)
            case "PUT":
                self._write(schema, key, column, operation)
                return Answer(200)
            case "DELETE":
                if not self.store.write_stream(schema, key, column, b"", None):
                    raise not_found()
                return Answer(204, (ODATA_VERSION,))
            case _:
                raise not_allowed("GET, PUT, DELETE")

    def _read(self, schema: Schema, key: str, column: Column) -> Answer:
        found = self.store.stream(schema, key, column)
        if found is None:
            raise not_found()
        data, kind = found
        if kind is None and not data:
            return Answer(204, (ODATA_VERSION,))
        return Answer(200, (("Content-Type", kind or OCTETS),), data)

    def _write(self, schema: Schema, key: str, column: Column, operation: Operation) -> None:
        data = operation.data()
        if self.max_size and len(data) > self.max_size:
            raise odata_error(
                413,
                f"The size of the file is {len(data)} bytes; the system setting MaxFileSize "
                f"allows {self.max_size}.",
            )
        kind = _kind(operation.headers.get("content-type", ""))
        if not self.store.write_stream(schema, key, column, data, kind):
            raise not_found()


def _kind(header: str) -> str:
    """The media type as it was sent, without the parameter that is OData's own."""
    name, *parameters = (part.strip() for part in header.split(";"))
    kept = [one for one in parameters if not one.lower().startswith("ieee754compatible")]
    return "; ".join([name, *kept]) if media_type(header) else OCTETS
