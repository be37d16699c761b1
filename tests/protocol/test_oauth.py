from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from creatio_async.errors import (
    AuthenticationError,
    ServerError,
    ThrottledError,
    UnexpectedResponseError,
)
from creatio_async.messages import Headers, Response
from creatio_async.protocol.oauth import identity_root, read_token, token_request

REQUEST = token_request("https://acme-is.creatio.com", "app", "s3&cret")
JSON = {"Content-Type": "application/json"}
PAGE = {"Content-Type": "text/html"}


def answered(body: Any, status: int = 200, headers: Any = JSON) -> Response:
    encoded = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(status=status, headers=Headers(headers), body=encoded)


@pytest.mark.parametrize(
    ("root", "identity"),
    [
        ("https://acme.creatio.com", "https://acme-is.creatio.com"),
        ("https://dev-acme.creatio.com", "https://dev-acme-is.creatio.com"),
        ("https://acme.creatio.com/studio", "https://acme-is.creatio.com"),
    ],
)
def test_a_site_in_the_cloud_has_its_identity_service_beside_it(root: str, identity: str) -> None:
    assert identity_root(root) == identity


@pytest.mark.parametrize(
    "root", ["https://crm.example.com", "http://10.0.0.1:8080", "https://acme-is.creatio.com"]
)
def test_elsewhere_it_has_to_be_said(root: str) -> None:
    with pytest.raises(ValueError, match="pass identity_url="):
        identity_root(root)


@pytest.mark.parametrize("given", ["https://i.example/", "https://i.example/connect/token"])
def test_the_address_of_the_service_is_taken_as_it_is_pasted(given: str) -> None:
    assert str(token_request(given, "a", "b").url) == "https://i.example/connect/token"


def test_a_token_is_asked_for_with_a_form_and_no_scope() -> None:
    assert REQUEST.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(REQUEST.body.decode()) == {
        "client_id": ["app"],
        "client_secret": ["s3&cret"],
        "grant_type": ["client_credentials"],
    }


@pytest.mark.parametrize(
    ("lasts", "seconds"),
    [(3600, 3600.0), ("180", 180.0), (None, None), ("soon", None), (0, None), ("inf", None)],
)
def test_a_token_says_how_long_it_lasts(lasts: Any, seconds: float | None) -> None:
    token = read_token(REQUEST, answered({"access_token": "t0ken", "expires_in": lasts}))
    assert (token.value, token.lasts) == ("t0ken", seconds)
    assert "t0ken" not in repr(token)


@pytest.mark.parametrize(
    "answer",
    [
        answered(b"<!DOCTYPE html><title>Login</title>", headers=PAGE),
        answered(b"\xef\xbb\xbf <html>", headers={}),
        answered(b"<html>", 404, PAGE),
        answered(b"", 404, {}),
    ],
)
def test_a_page_names_the_host_that_is_no_identity_service(answer: Response) -> None:
    with pytest.raises(UnexpectedResponseError, match=r"acme-is\.creatio\.com is hardly") as caught:
        read_token(REQUEST, answer)
    assert "identity_url" in caught.value.detail


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"error": "invalid_client"}, 400, "does not know this client id"),
        ({"error": "invalid_client"}, 401, "does not know this client id"),
        ({"error": "unauthorized_client"}, 400, "may not log in by client credentials"),
        ({"error": "odd", "error_description": "So it is."}, 400, r"\(So it is\.\)"),
        ({}, 401, "refused the client"),
        (b"no json", 403, "refused the client"),
    ],
)
def test_a_client_that_is_refused_is_told_why(body: Any, status: int, says: str) -> None:
    with pytest.raises(AuthenticationError, match=says) as caught:
        read_token(REQUEST, answered(body, status))
    assert "s3" not in repr(caught.value)


@pytest.mark.parametrize(("status", "kind"), [(429, ThrottledError), (500, ServerError)])
def test_a_service_that_fails_is_no_refusal(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read_token(REQUEST, answered({}, status))


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"access_token": "new\nline"},
        {"access_token": ""},
        {"access_token": "t0ken", "token_type": "mac"},
        {"accessToken": "t0ken"},
    ],
)
def test_what_is_no_token_is_not_kept_in_the_error(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        read_token(REQUEST, answered(body))
    assert b"t0ken" not in caught.value.response.body
