"""Entity tags: ``If-Match`` and ``If-None-Match``, which Creatio does not have.

Source: RFC 9110, 13.1; OASIS OData 4.0, Part 1, 8.2.4. Tags are weak and made of ``ModifiedOn``.
"""

from collections.abc import Mapping

from creatio_async.emulator.refusals import Answer, odata_error

__all__ = ["etag_header", "not_modified"]


def not_modified(method: str, headers: Mapping[str, str], etag: str | None) -> Answer | None:
    """Hold the conditions of a request against the *etag* of the row; None if there is no row.

    Returns None if the request goes on, and a 304 for a read of what has not changed.

    Raises:
        Refusal: 412, a condition does not hold.
    """
    wanted = headers.get("if-match")
    if wanted is not None and not _meets(wanted, etag):
        raise odata_error(412, "The row is not the one of If-Match: its etag is another one.")
    unwanted = headers.get("if-none-match")
    if unwanted is None or not _meets(unwanted, etag):
        return None
    if method == "GET":
        return Answer(304, etag_header(etag))
    raise odata_error(412, "The row is the one of If-None-Match.")


def etag_header(etag: str | None) -> tuple[tuple[str, str], ...]:
    """Return the header that tells *etag*, or none."""
    return () if etag is None else (("ETag", etag),)


def _meets(header: str, etag: str | None) -> bool:
    if etag is None:
        return False
    tags = [tag.strip() for tag in header.split(",")]
    return "*" in tags or etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}
