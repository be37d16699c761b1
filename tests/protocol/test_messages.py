import pickle

import pytest
from yarl import URL

from creatio_async.messages import Headers, Request, Response

COOKIES = Headers([("Set-Cookie", "a=1"), ("Content-Type", "text/plain"), ("set-cookie", "b=2")])


def test_names_of_headers_disregard_case_and_repeats_are_kept() -> None:
    assert COOKIES["SET-COOKIE"] == "a=1"
    assert COOKIES.get_all("Set-cookie") == ["a=1", "b=2"]
    assert "content-TYPE" in COOKIES
    assert 5 not in COOKIES  # type: ignore[comparison-overlap]
    assert list(COOKIES) == ["set-cookie", "content-type"]
    assert len(COOKIES) == 2


def test_headers_made_of_headers_keep_the_repeats() -> None:
    assert Headers(COOKIES) == COOKIES
    assert Headers({"X": "1"}).merged(COOKIES).get_all("set-cookie") == ["a=1", "b=2"]


def test_merging_replaces_every_header_of_a_name() -> None:
    merged = COOKIES.merged({"SET-COOKIE": "c=3"})
    assert merged.pairs == (("Content-Type", "text/plain"), ("SET-COOKIE", "c=3"))


def test_headers_are_equal_and_hashed_without_regard_to_case() -> None:
    same = Headers([(name.upper(), value) for name, value in COOKIES.pairs])
    assert same == COOKIES
    assert hash(same) == hash(COOKIES)
    assert COOKIES != {"set-cookie": "a=1"}


@pytest.mark.parametrize(
    "name", ["Cookie", "set-cookie", "BPMCSRF", "Authorization", "Proxy-Authorization"]
)
def test_credentials_do_not_show(name: str) -> None:
    headers = Headers({name: "s3cret", "Accept": "text/plain"})
    request = Request(method="GET", url=URL("http://crm.test"), headers=headers, body=b"s3cret")
    response = Response(status=200, headers=headers, body=b"s3cret")
    shown = [repr(headers), repr(request), repr(response), repr(request.redacted())]
    assert not any("s3cret" in each for each in shown)
    assert all("text/plain" in each for each in shown)


def test_what_may_be_shown_of_a_request_holds_no_body() -> None:
    request = Request(method="POST", url=URL("http://crm.test"), body=b"s3cret")
    assert request.redacted().body == b""


def test_a_byte_order_mark_is_no_part_of_an_answer() -> None:
    body = b'\xef\xbb\xbf{"a":1}'
    response = Response(status=200, body=body, headers=Headers({"content-type": "A/b ; x=1"}))
    assert response.json() == {"a": 1}
    assert response.text() == '{"a":1}'
    assert response.content_type == "a/b"
    assert Response(status=204).content_type == ""


def test_messages_can_be_sent_to_another_process() -> None:
    request = Request(method="GET", url=URL("http://crm.test/?a=%2B", encoded=True))
    copy = pickle.loads(pickle.dumps((request, COOKIES)))  # noqa: S301 - our own
    assert copy == (request, COOKIES)
    assert str(copy[0].url) == "http://crm.test/?a=%2B"
