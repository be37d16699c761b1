import pytest
from yarl import URL

from creatio_async.errors import SessionExpiredError, UnexpectedResponseError
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.session import Loss, disguised, loss

SAYS_SO = b'{"Message":"Authentication failed.","StackTrace":null}'
PAGE = b'\xef\xbb\xbf<html><form action="/Login/NuiLogin.aspx"></form></html>'


def request(method: str = "GET", accept: str = "application/json") -> Request:
    url = URL("http://crm.test/0/odata/Contact")
    return Request(method=method, url=url, headers=Headers({"Accept": accept}))


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=Headers(named), body=body)


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (response(401), Loss.LIKELY),
        (response(401, SAYS_SO), Loss.CERTAIN),
        (response(200, SAYS_SO), Loss.CERTAIN),
        (response(302, location="/Login/NuiLogin.aspx?ReturnUrl=%2f"), Loss.CERTAIN),
        (response(302, location="/login/Login.html"), Loss.CERTAIN),
        (response(302, location="https://elsewhere.example/"), None),
        (response(200, PAGE), Loss.CERTAIN),
        (response(200, b'<script>"bootstrap.login"</script>'), Loss.CERTAIN),
        (response(200, b"<html></html>", content_type="text/html; charset=utf-8"), Loss.LIKELY),
        (response(200, b"<string>1</string>", content_type="application/xml"), None),
        (response(200, b'{"Name":"/Login/"}'), None),
        (response(200, b'["Authentication failed."]'), None),
        (response(200, b"Authentication failed."), None),
        (response(200, b'{"Message":"Authentication failed. Not quite."}'), None),
        (response(403), None),
        (response(404), None),
        (response(500, PAGE), None),
    ],
)
def test_a_lost_session_is_seen_behind_each_of_its_disguises(
    answer: Response, how: Loss | None
) -> None:
    assert loss(request(), answer) is how


def test_a_write_that_is_forbidden_may_lack_the_token() -> None:
    assert loss(request("POST"), response(403)) is Loss.TOKEN
    assert loss(request("DELETE"), response(403)) is Loss.TOKEN


def test_a_page_is_no_loss_where_no_data_was_asked_for() -> None:
    page = response(200, b"<html></html>", content_type="text/html")
    assert loss(request(accept="*/*"), page) is None


def test_a_success_in_disguise_is_an_error() -> None:
    assert type(disguised(request(), response(200, PAGE))) is SessionExpiredError
    assert disguised(request(), response(401, SAYS_SO)) is None
    page = response(200, b"<html></html>", content_type="text/html")
    assert type(disguised(request(), page)) is UnexpectedResponseError
    assert disguised(request(), response(200, b"{}")) is None
