from typing import Any

import pytest

from creatio_async.protocol.batch.heads import MultipartError
from creatio_async.protocol.batch.httpparts import field_lines, read_answer, request_line

JSON = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"


def body_of(data: bytes, *, whole: bool = True) -> Any:
    answer = read_answer(data, whole=whole)
    assert answer is not None
    return answer["body"]


def test_an_answer_is_its_status_its_headers_and_its_body() -> None:
    data = b'HTTP/1.1 201 Created\r\nLocation: a:b\r\nCONTENT-ID: 7\r\n\r\n{"Id": 1}'
    assert read_answer(data) == {
        "id": "7",
        "status": 201,
        "headers": {"location": "a:b", "content-id": "7"},
        "body": {"Id": 1},
    }


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 204\r\n",
        b"HTTP/1.1 204 No Content\n\n",
        b"\r\nHTTP/1.0 204  \r\n\r\n",
        b"HTTP/2 204 \n\n\n",
        b"HTTP/1.1 204 No Content\r\n\r\nnot to be there",
    ],
)
def test_an_answer_may_be_a_status_line_alone(data: bytes) -> None:
    assert read_answer(data) == {"id": "", "status": 204, "headers": {}, "body": None}


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (b"application/json; odata.metadata=minimal", b'\xef\xbb\xbf{"a": 1}\r\n', {"a": 1}),
        (b"Application/Problem+JSON", b"[1]", [1]),
        (b"application/json", b"<html>", "<html>"),
        (b"text/plain", b"\xef\xbb\xbf5", "5"),
        (b"text/plain", b"\xd0\xaf", "Я"),
        (b"text/plain", b" \r\n", None),
        (b"application/json", b" \r\n", None),
        (b"application/json", b"null", None),
    ],
)
def test_a_body_is_decoded_by_its_type(kind: bytes, body: bytes, expected: object) -> None:
    assert body_of(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n" + body) == expected


def test_a_body_without_a_type_is_decoded_if_it_is_json() -> None:
    assert body_of(b'HTTP/1.1 200 OK\r\n\r\n{"a": 1}') == {"a": 1}
    assert body_of(b"HTTP/1.1 200 OK\r\n\r\nNo.") == "No."


@pytest.mark.parametrize(
    ("length", "expected"),
    [(b"3", "abc"), (b"5", "abc\r\n"), (b"2", "abc\r\n"), (b"9", "abc\r\n"), (b"x", "abc\r\n")],
)
def test_a_length_counts_where_only_line_ends_follow(length: bytes, expected: str) -> None:
    head = b"HTTP/1.1 500 Error\r\nContent-Type: text/plain\r\nContent-Length: "
    assert body_of(head + length + b"\r\n\r\nabc\r\n") == expected


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no status line"),
        (b"<html>", "no status line"),
        (b"GET City HTTP/1.1\r\n\r\n", "no status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "no status line"),
        (b"HTTP/1.1 020 OK\r\n\r\n", "no status line"),
        (b"HTTP/1.1 200OK\r\n\r\n", "no status line"),
        (b"HTTP/1.1 200 OK\r\n{}\r\n\r\n", "no header field"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"1" * 20_000 + b"\r\n\r\n", "more than 16,384 bytes"),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(MultipartError, match=said):
        read_answer(data)


@pytest.mark.parametrize(
    "data",
    [
        JSON + b'\r\n{"a": {"b": 1}}',
        JSON + b'\r\n{"a": {"b": 1}}\r\n--bat',
        JSON + b'Content-Length: 15\r\n\r\n{"a": {"b": 1}}\r\n--',
    ],
)
def test_an_answer_that_tells_its_end_is_whole_where_the_bytes_are_cut(data: bytes) -> None:
    assert body_of(data, whole=False) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 304 Not Modified\r\nA: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_has_no_body_is_whole_where_the_bytes_are_cut(data: bytes) -> None:
    assert body_of(data, whole=False) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTT",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n",
        JSON + b"\r\n",
        JSON + b'\r\n{"a": {"b": 1}',
        JSON + b"\r\n12",
        JSON + b'Content-Length: 16\r\n\r\n{"a": {"b": 1}}',
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n[1]",
    ],
)
def test_an_answer_that_may_lack_its_end_is_none(data: bytes) -> None:
    assert read_answer(data, whole=False) is None


def test_a_request_line_and_fields_are_written_as_they_are() -> None:
    assert request_line("GET", "City?$top=1") == b"GET City?$top=1 HTTP/1.1\r\n"
    assert field_lines({"A": "1", "B": "x y"}) == b"A: 1\r\nB: x y\r\n"


@pytest.mark.parametrize("bad", ["\r", "\n", "\x00", "\x7f", "\t", " ", "\u0421", "\x85", "\u2028"])
def test_nothing_is_written_that_could_write_lines_of_its_own(bad: str) -> None:
    with pytest.raises(ValueError, match="address"):
        request_line("GET", f"City{bad}HTTP/1.1")
    with pytest.raises(ValueError, match="token"):
        request_line(f"GET{bad}", "City")
    with pytest.raises(ValueError, match="token"):
        field_lines({f"A{bad}": "1"})
    if bad != " ":
        with pytest.raises(ValueError, match="header A"):
            field_lines({"A": f"1{bad}"})


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(ValueError, match="address"):
        request_line("GET", "")
