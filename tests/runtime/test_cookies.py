from collections.abc import Callable
from http.cookies import Morsel
from typing import Any

import aiohttp
import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from creatio_async.emulator import Emulator
from creatio_async.messages import Headers, Request
from creatio_async.runtime.aiohttp_transport import AiohttpTransport
from creatio_async.runtime.cookies import Jar
from creatio_async.runtime.limits import Timeouts

PATHS = ["/", "/app", "/app/", "/app/0", "/other", "/a%20b", "/a b", ""]
NAMES = ["BPMCSRF", "UserName", ".ASPXAUTH"]
ADDRESSES = [
    f"{origin}{path}"
    for origin in ("http://crm.test", "https://crm.test", "http://crm.test:8080", "http://10.0.0.1")
    for path in ("/", "/app", "/app/0/odata/City", "/application", "/other/x", "/a%20b/c", "/?a=/")
]
addresses = st.sampled_from(ADDRESSES)
set_cookies = st.builds(
    "{}={}; path={}{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from(["Zx/q9.Lm", "83|117|112", "", '"quoted"', "a b"]),
    st.sampled_from(PATHS),
    st.sampled_from(["", "; domain=crm.test", "; domain=.test"]),
    st.sampled_from(["", "; secure", "; Max-Age=0", "; Max-Age=100", "; expires=never"]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("set"), addresses, st.lists(set_cookies, max_size=3)),
        st.tuples(st.just("ask"), addresses),
        st.tuples(st.just("clear")),
        st.tuples(st.just("drop"), st.sampled_from(NAMES)),
    ),
    max_size=12,
)


@define
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def is_named(name: str) -> Callable[[Morsel[str]], bool]:
    return lambda morsel: morsel.key == name


def as_aiohttp_sends(jar: aiohttp.CookieJar, url: URL) -> dict[str, str]:
    return {name: morsel.coded_value for name, morsel in jar.filter_cookies(url).items()}


def read(header: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in header.split("; ")) if header else {}


@settings(max_examples=300)
@given(steps)
async def test_what_is_remembered_is_what_the_jar_would_give(done: Any) -> None:
    jar, plain = Jar(Clock()), aiohttp.CookieJar(unsafe=True, quote_cookie=False)
    for step in done:
        match step:
            case "set", address, cookies:
                for each in (jar, plain):
                    each.update_cookies_from_headers(cookies, URL(address, encoded=True))
            case "clear", *_:
                jar.clear()
                plain.clear()
            case "drop", name:
                jar.clear(is_named(name))
                plain.clear(is_named(name))
            case _:
                for _ in range(2):
                    url = URL(step[1], encoded=True)
                    assert read(jar.header(url)) == as_aiohttp_sends(plain, url)
        for name in NAMES:
            first = next((morsel.value for morsel in plain if morsel.key == name), None)
            assert jar.value(name) == first


async def test_a_header_is_remembered_until_a_cookie_changes_or_for_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[URL] = []
    look = aiohttp.CookieJar.filter_cookies

    def counted(jar: aiohttp.CookieJar, url: URL) -> Any:
        looks.append(url)
        return look(jar, url)

    monkeypatch.setattr(aiohttp.CookieJar, "filter_cookies", counted)
    clock, root = Clock(), URL("https://crm.test/app/")
    jar = Jar(clock)
    jar.update_cookies_from_headers(["A=1; path=/app", "B=2; path=/"], root)
    for _ in range(3):
        assert jar.header(root / "0/odata/City") == "A=1; B=2"
    assert len(looks) == 1
    assert jar.header(URL("https://crm.test/other/")) == "B=2"
    assert jar.header(URL("https://elsewhere.test/app/x")) == ""
    assert jar.header(root / "0/odata/City") == "A=1; B=2"
    jar.update_cookies_from_headers(["B=3; path=/"], root)
    assert jar.header(root / "x") == "A=1; B=3"
    seen = len(looks)
    clock.now += 1
    assert jar.header(root / "x") == "A=1; B=3"
    assert len(looks) == seen + 1


async def test_each_port_and_scheme_has_cookies_of_its_own() -> None:
    site, other = URL("http://10.0.0.1:8080/"), URL("http://10.0.0.1:8090/")
    jar = Jar(Clock())
    jar.home = site
    jar.update_cookies_from_headers(["A=site; path=/"], site)
    jar.update_cookies_from_headers(["A=other; path=/"], other)
    for _ in range(2):
        assert [jar.header(each / "x") for each in (site, other)] == ["A=site", "A=other"]
        assert jar.header(URL("https://10.0.0.1:8080/x")) == ""
    assert jar.value("A") == "site"


async def test_over_a_socket_a_site_gets_its_own_cookies_and_each_new_one_at_once() -> None:
    with Emulator(virtual_directory="/app") as emulator:
        async with emulator.served() as url:
            transport = AiohttpTransport.open(Timeouts())
            login = Request(
                method="POST",
                url=URL(f"{url}/app/ServiceModel/AuthService.svc/Login"),
                body=b'{"UserName":"Supervisor","UserPassword":"Supervisor"}',
            )
            asked = Request(
                method="GET",
                url=URL(f"{url}/app/0/odata/City"),
                headers=Headers({"ForceUseSession": "true"}),
            )
            assert (await transport.send(login)).status == 200
            token = transport.jar.value("BPMCSRF")
            for _ in range(2):
                assert (await transport.send(asked)).status == 200
            sent = emulator.requests[-1].headers.get_all("cookie")
            assert len(sent) == 1
            assert f"BPMCSRF={token}" in sent[0]
            assert "BPMSESSIONID=" in sent[0]  # the first answer of the workspace brought it
            emulator.rotate_csrf()
            await transport.send(asked)
            assert transport.jar.value("BPMCSRF") not in {None, token}
            await transport.send(asked)
            changed = emulator.requests[-1].headers["cookie"]
            assert f"BPMCSRF={transport.jar.value('BPMCSRF')}" in changed
            elsewhere = Request(method="GET", url=URL(f"{url}/other/x"))
            await transport.send(elsewhere)
            cookies = emulator.requests[-1].headers.get("cookie", "")
            assert ".ASPXAUTH" not in cookies
            await transport.aclose()
