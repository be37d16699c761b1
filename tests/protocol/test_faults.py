import pickle
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from creatio_async import errors
from creatio_async.errors import ResponseError
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.faults import is_passing, read_detail, refusal

REQUEST = Request(
    method="POST",
    url=URL("http://crm.test/0/odata/Contact"),
    headers=Headers({"BPMCSRF": "s3cret"}),
    body=b'{"Notes":"s3cret"}',
)


def refused(status: int, body: Any = b"", headers: dict[str, str] | None = None) -> ResponseError:
    encoded = body if isinstance(body, bytes) else orjson.dumps(body)
    response = Response(status=status, headers=Headers(headers or {}), body=encoded)
    error = refusal(REQUEST, response)
    assert error is not None
    return error


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_is_no_error(status: int) -> None:
    assert refusal(REQUEST, Response(status=status)) is None


@pytest.mark.parametrize(
    ("column", "condition", "notes"),
    [
        ("AccountId", "AccountId eq null", ["F.Account.Id instead of F.AccountId"]),
        ("A.B.OwnerId", "A/B/OwnerId eq null", ["F.A.B.Owner.Id instead of F.A.B.OwnerId"]),
        ("AccountId", "Name eq 'x'", []),
        ("UId", "UId eq null", []),
        ("TypeUId", "TypeUId eq null", []),
        ("Id", "Id eq null", []),
        ("Nothing", "Nothing eq null", []),
    ],
)
def test_a_lookup_that_is_not_found_in_a_filter_is_noted_as_it_should_be(
    column: str, condition: str, notes: list[str]
) -> None:
    said = f"Column by path {column} not found in schema Contact"
    request = evolve(
        REQUEST, method="GET", url=URL("http://crm.test/Contact").with_query({"$filter": condition})
    )
    body = orjson.dumps({"error": {"code": "", "message": said}})
    error = refusal(request, Response(status=500, body=body))
    told: list[str] = getattr(pickle.loads(pickle.dumps(error)), "__notes__", [])  # noqa: S301 - our own
    assert told == [f"if it is a lookup, compare {note}" for note in notes]


@pytest.mark.parametrize("prefix", ["m:", ""])
def test_an_error_of_odata_3_says_its_innermost_message_in_both_forms(prefix: str) -> None:
    space = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
    xml = (
        f'\ufeff<?xml version="1.0"?>\n<m:error xmlns:m="{space}"><m:code>7</m:code>'
        '<m:message xml:lang="en-US">An error has occurred.</m:message><m:innererror>'
        "<m:message>Column by path X not found</m:message><m:type>T</m:type>"
        "<m:stacktrace></m:stacktrace></m:innererror></m:error>"
    )
    if not prefix:
        xml = xml.replace("xmlns:m=", "xmlns=").replace("m:", "")
    light = {"odata.error": {"code": "7", "message": {"value": "Column by path X not found"}}}
    json = {
        "error": {
            "code": "7",
            "message": {"lang": "en-US", "value": "An error has occurred."},
            "innererror": {"message": "Column by path X not found", "type": "T"},
        }
    }
    for body in (xml.encode(), xml.encode("utf-16-be"), xml[1:].encode("utf-16"), json, light):
        error = refused(500, body)
        assert (error.code, error.detail) == ("7", "Column by path X not found")
        if not isinstance(body, bytes) or not body.startswith((b"\xff\xfe", b"\xfe\xff")):
            assert not is_passing(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, errors.UnexpectedResponseError),
        (304, errors.UnexpectedResponseError),
        (400, errors.BadRequestError),
        (401, errors.SessionExpiredError),
        (402, errors.BadRequestError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (405, errors.MethodNotAllowedError),
        (406, errors.NotAcceptableError),
        (409, errors.ConflictError),
        (410, errors.GoneError),
        (412, errors.PreconditionFailedError),
        (413, errors.TooLargeError),
        (414, errors.TooLargeError),
        (415, errors.UnsupportedMediaTypeError),
        (418, errors.BadRequestError),
        (424, errors.FailedDependencyError),
        (428, errors.PreconditionFailedError),
        (429, errors.ThrottledError),
        (500, errors.ServerError),
        (501, errors.NotImplementedByServerError),
        (502, errors.ServerError),
        (503, errors.UnavailableError),
        (504, errors.ServerError),
        (599, errors.ServerError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[ResponseError]) -> None:
    error = refused(status)
    assert type(error) is kind
    assert error.status == status


DEEP = {
    "error": {
        "code": "",
        "message": "An error has occurred.",
        "innererror": {
            "message": "Outer.",
            "type": "System.Exception",
            "internalexception": {
                "message": "it reached the RAM consumption limit of 2000 MB",
                "internalexception": {"message": "", "type": "", "stacktrace": ""},
            },
        },
    }
}
SHAPES = [
    (DEEP, "", "it reached the RAM consumption limit of 2000 MB"),
    ({"error": {"code": "X", "message": "No."}}, "X", "No."),
    ({"error": {"code": "", "message": {"lang": "", "value": "No."}}}, "", "No."),
    ({"Message": "An error.", "ExceptionMessage": "Why.", "ExceptionType": "T"}, "", "Why."),
    (
        {"Message": "An error.", "InnerException": {"Message": "m", "ExceptionMessage": "Deep."}},
        "",
        "Deep.",
    ),
    ({"Message": "No HTTP resource", "MessageDetail": "No type"}, "", "No type"),
    ({"Message": "Authentication failed.", "StackTrace": None}, "", "Authentication failed."),
    ({"error": "invalid_client"}, "invalid_client", ""),
    ({"error": "invalid_client", "error_description": "No."}, "invalid_client", "No."),
    ({"error": None}, "", ""),
    ({}, "", ""),
    ({"error": {"message": 5, "code": 7, "innererror": []}}, "", ""),
]


@pytest.mark.parametrize(("body", "code", "detail"), SHAPES)
def test_the_innermost_message_is_found_in_every_shape(
    body: dict[str, Any], code: str, detail: str
) -> None:
    error = refused(500, body)
    assert (error.code, error.detail) == (code, detail)
    marked = Response(status=500, body=b"\xef\xbb\xbf \r\n" + orjson.dumps(body))
    assert read_detail(marked) == (code, detail)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"<html><head><title>\n IIS 10.0 </title></head></html>", "a page titled 'IIS 10.0'"),
        (b"<html>No title</html>", ""),
        (b"<html><title>A page</title><error </html>", "a page titled 'A page'"),
        (b"", ""),
        (b"{half", ""),
        (b"[1]", ""),
        (b"plain words", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_body_of_no_known_shape_is_no_harm(body: bytes, detail: str) -> None:
    error = refused(502, body)
    assert error.detail == detail
    assert (body.decode(errors="replace")[:5] in str(error)) or detail in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b"The antiforgery cookie token and request token do not match.", errors.CsrfError),
        (403, b"BPMCSRF token is invalid", errors.CsrfError),
        (500, b'duplicate key value violates unique constraint "PK"', errors.ConflictError),
        (500, b"Violation of PRIMARY KEY constraint 'PK'", errors.ConflictError),
        (500, b"Violation of UNIQUE KEY constraint 'U'", errors.ConflictError),
        (500, b"UNIQUE constraint failed: City.Id", errors.ConflictError),
        (500, b"ORA-00001: unique constraint violated", errors.ConflictError),
        (500, b"violates foreign key constraint on table", errors.ServerError),
        (500, b"Terrasoft.InvalidObjectStateException", errors.RowLimitError),
        (404, b"duplicate key", errors.NotFoundError),
    ],
)
def test_words_tell_where_the_status_does_not(
    status: int, body: bytes, kind: type[ResponseError]
) -> None:
    assert type(refused(status, body)) is kind


def test_a_redirect_says_where_to() -> None:
    error = refused(301, headers={"Location": "https://crm.test/"})
    assert "redirected to https://crm.test/" in str(error)


def test_a_method_that_is_not_allowed_says_which_are() -> None:
    error = refused(405, headers={"Allow": "GET, POST,"})
    assert isinstance(error, errors.MethodNotAllowedError)
    assert error.allow == ("GET", "POST")
    assert refused(405).allow == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (refused(429), True),
        (refused(503), True),
        (refused(500), True),
        (refused(504), True),
        (refused(501), False),
        (refused(500, b"MaxEntityRowCount"), False),
        (refused(400), False),
        (refused(500, b"Unable to find property"), False),
    ],
    ids=str,
)
def test_what_passes_is_told_from_what_stays(
    error: ResponseError,
    passing: bool,  # noqa: FBT001
) -> None:
    assert is_passing(error) is passing


@given(
    st.integers(300, 599),
    st.recursive(
        st.none() | st.integers(0, 9) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "innererror", "message", "Message", "code", "value"]),
                inner,
                max_size=4,
            )
        ),
    )
    | st.binary(max_size=40),
)
def test_every_answer_that_is_no_success_is_an_error_that_can_be_shown_and_pickled(
    status: int, body: Any
) -> None:
    encoded = body if isinstance(body, bytes) else orjson.dumps(body)
    error = refused(status, encoded)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(copy), str(copy)) == (type(error), str(error))
    assert "s3cret" not in str(error) + repr(error)


def test_messages_are_short_whatever_the_server_says() -> None:
    long = "x" * 1_000_000
    request = Request(method="GET", url=URL(f"http://crm.test/{long}", encoded=True))
    answer = Response(status=500, body=long.encode())
    shown = [
        errors.ServerError(request, answer),
        errors.ServerError(request, answer, long, long),
        errors.BatchError(request, answer, long),
        errors.MultipleRowsError(request),
        errors.TransportError(request, long),
        errors.ProcessError("UsrX", long),
    ]
    assert all(len(str(error)) < 1000 for error in shown)


def test_an_error_of_an_empty_answer_names_the_request_and_the_status() -> None:
    assert str(refused(500)) == "POST http://crm.test/0/odata/Contact -> 500"
    unsent = errors.TransportError(REQUEST, "refused", sent=False)
    assert str(unsent).endswith("refused (nothing was sent)")
