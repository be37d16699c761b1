"""Sessions that outlive the process."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from creatio_async import AuthenticationError, ClientCredentials, Creatio, Password
from creatio_async.emulator import Client, Emulator, Fail
from creatio_async.protocol.site import parse_site
from creatio_async.runtime.channels import InProcess
from creatio_async.runtime.cookies import Jar
from creatio_async.runtime.keeping import Keeper, Kept, cookies_of
from creatio_async.runtime.session import Session
from tests.api.canned import AUTH, SITE, client, lost
from tests.api.scripted import Scripted

KEPT = Kept(runtime="net", headers={"Authorization": "Bearer t"}, ends=None, cookies=())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "session.json"


def keeper(path: Path) -> Keeper:
    return Keeper(path, SITE, "creatio_async.auth.Password Supervisor")


async def names(crm: Creatio) -> list[Any]:
    return [row["Name"] for row in await crm.odata["Contact"].select("Name").top(1)]


async def used(site: Any, path: Path, **options: Any) -> None:
    """Open a client, read something, and close it."""
    async with client(site, cookies=path, **options) as crm:
        assert await names(crm) == ["Supervisor"]


def logouts(emulator: Emulator) -> int:
    return sum("Logout" in each.url.path for each in emulator.requests)


async def test_a_session_is_used_again_and_nobody_logs_out(emulator: Emulator, path: Path) -> None:
    for _ in range(3):
        await used(emulator, path)
    assert emulator.logins == 1
    assert logouts(emulator) == 0


async def test_it_is_used_again_over_a_socket_and_for_writes(
    emulator: Emulator, path: Path
) -> None:
    async with emulator.served() as url:
        for number in range(2):
            async with Creatio(url, AUTH, cookies=path) as crm:
                await crm.odata["City"].create({"Name": f"City {number}"})
                assert crm.runtime == "framework"
    assert (emulator.logins, len(emulator.rows("City"))) == (1, 2)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
async def test_the_file_is_for_the_eyes_of_its_user_only(emulator: Emulator, path: Path) -> None:
    await used(emulator, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    await used(emulator, path)
    assert emulator.logins == 2, "what others may have read is not taken"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_password_is_not_in_the_file(path: Path) -> None:
    with Emulator(users={"Ann": "s3cret"}) as emulator:
        await used(emulator, path, auth=Password("Ann", "s3cret"))
    assert b"s3cret" not in path.read_bytes()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"format":1}',
        b'{"format":1,"cookies":5}',
        b'{"format":99}',
        b"x" * 2_000_000,
    ],
)
async def test_a_broken_file_leads_to_a_login(
    content: bytes, emulator: Emulator, path: Path
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o600)
    await used(emulator, path)
    await used(emulator, path)
    assert emulator.logins == 1


@pytest.mark.parametrize(
    "change",
    [
        {"cookies": 5},
        {"cookies": [5]},
        {"cookies": [], "headers": {}},
        {"cookies": None},
        {"headers": {"A": 5}},
        {"runtime": "java"},
        {"runtime": ["net"]},
        {"runtime": {}},
        {"headers": {"Authorization": "Bearer t\r\nA: b"}},
        {"headers": {"A\nb": "c"}},
        {"ends": "soon"},
        {"cookies": ["\n;;=", "A"], "headers": {}},
        {"site": "http://other.test"},
        {"who": "creatio_async.auth.Password Ann"},
    ],
)
async def test_a_file_of_another_shape_or_for_others_leads_to_a_login(
    change: dict[str, Any], emulator: Emulator, path: Path
) -> None:
    await used(emulator, path)
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **change}))
    await used(emulator, path)
    await used(emulator, path)
    assert emulator.logins == 2


async def test_a_stale_session_leads_to_a_login(emulator: Emulator, path: Path) -> None:
    await used(emulator, path)
    emulator.expire()
    await used(emulator, path)
    await used(emulator, path)
    assert emulator.logins == 2


async def test_where_the_site_does_not_tell_whether_it_lives_somebody_logs_in(
    emulator: Emulator, path: Path
) -> None:
    await used(emulator, path)
    emulator.troubles.add(Fail(), path="/odata/")
    await used(emulator, path)
    assert emulator.logins == 2


async def test_another_user_and_another_way_to_log_in_have_sessions_of_their_own(
    path: Path,
) -> None:
    with Emulator(users={"Ann": "a", "Bob": "b"}, clients={"Ann": "a"}) as emulator:
        await used(emulator, path, auth=Password("Ann", "a"))
        await used(emulator, path, auth=Password("Bob", "b"))
        await used(emulator, path, auth=ClientCredentials("Ann", "a", SITE))
        assert (emulator.logins, emulator.tokens) == (2, 1)


async def test_a_file_that_cannot_be_written_is_told_when_the_client_opens(
    emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):  # noqa: PT011 - the system's own
        await used(emulator, tmp_path / "file" / "session.json")
    with pytest.raises(OSError):  # noqa: PT011
        await used(emulator, tmp_path)
    assert logouts(emulator) == 0
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file"]


async def test_a_file_that_cannot_be_written_later_is_no_harm(
    emulator: Emulator, path: Path
) -> None:
    async with client(emulator, cookies=path) as crm:
        path.unlink()
        path.parent.rmdir()
        path.parent.touch()
        emulator.expire()
        assert await names(crm) == ["Supervisor"]
        await crm.login()
    assert emulator.logins == 3


async def test_a_session_that_was_renewed_is_the_one_that_is_kept(
    emulator: Emulator, path: Path
) -> None:
    async with client(emulator, cookies=path) as crm:
        emulator.expire()
        await names(crm)
    await used(emulator, path)
    assert emulator.logins == 2


async def test_logging_out_forgets_it(emulator: Emulator, path: Path) -> None:
    async with client(emulator, cookies=path) as crm:
        await crm.logout()
        assert not path.exists()
        await crm.logout()
    assert logouts(emulator) == 2


async def test_a_refused_login_keeps_nothing(path: Path) -> None:
    with Emulator() as emulator, pytest.raises(AuthenticationError):
        await used(emulator, path, auth=Password("Supervisor", "wrong"))
    assert not path.exists()


# Several processes


async def test_what_another_process_has_renewed_is_taken_over(
    emulator: Emulator, path: Path
) -> None:
    async with client(emulator, cookies=path) as one, client(emulator, cookies=path) as other:
        assert emulator.logins == 1
        emulator.expire()
        assert await names(one) == ["Supervisor"]
        assert await names(other) == ["Supervisor"]
        assert emulator.logins == 2
        emulator.expire()
        await asyncio.gather(*(names(other) for _ in range(50)))
        await asyncio.gather(*(names(one) for _ in range(50)))
        assert emulator.logins == 3


async def test_whoever_closes_leaves_what_another_has_renewed(
    emulator: Emulator, path: Path
) -> None:
    async with client(emulator, cookies=path) as other:
        async with client(emulator, cookies=path):
            emulator.expire()
            await names(other)
            kept = path.read_bytes()
        assert path.read_bytes() == kept
    await used(emulator, path)
    assert emulator.logins == 2


async def test_a_file_is_whole_at_any_moment(path: Path) -> None:
    one, other = keeper(path), keeper(path)
    many = Kept(runtime="net", headers={"A": "x" * 50_000}, ends=None, cookies=())

    async def write(kept: Kept) -> None:
        for _ in range(50):
            await one.save(kept)

    async def read() -> None:
        for _ in range(100):
            assert await other.load() in (KEPT, many)

    await one.save(KEPT)
    await asyncio.gather(write(KEPT), write(many), read())


async def test_processes_share_it(emulator: Emulator, path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from creatio_async import Creatio, Password\n"
        "async def main():\n"
        "    auth = Password('Supervisor', 'Supervisor')\n"
        "    async with Creatio(sys.argv[1], auth, cookies=Path(sys.argv[2])) as crm:\n"
        "        await crm.odata['City'].create({'Name': 'x'})\n"
        "asyncio.run(main())\n"
    )
    async with emulator.served() as url:
        for together in (1, 2):
            commands = [
                asyncio.create_subprocess_exec(
                    sys.executable, "-c", script, url, str(path), stderr=subprocess.PIPE
                )
                for _ in range(together)
            ]
            for process in await asyncio.gather(*commands):
                _, said = await process.communicate()
                assert (process.returncode, said) == (0, b"")
    assert (emulator.logins, len(emulator.rows("City"))) == (1, 3)


# Tokens


async def test_a_token_is_kept_until_it_ends(path: Path) -> None:
    app = ClientCredentials("app", "s3cret", SITE)
    now = [0.0]
    with Emulator(clients={"app": Client("s3cret", lasts=100)}, clock=lambda: now[0]) as emulator:
        for moment, tokens in [(0, 1), (50, 1), (101, 2)]:
            now[0] = moment
            kept = Keeper(path, SITE, "app", lambda: 1_000_000 + now[0])
            channel = InProcess(emulator)
            session = Session(parse_site(SITE), app, channel, lambda: now[0], keeper=kept)
            await session.open()
            assert emulator.tokens == tokens
            assert session._ends_at == (moment // 101) * 101 + 100
            await session.close()
    assert b"s3cret" not in path.read_bytes()


# What it is made of


async def test_cookies_come_back_as_they_were() -> None:
    jar, url = Jar(), parse_site("http://10.0.0.1/studio").url
    jar.update_cookies_from_headers(
        [
            "BPMCSRF=Zx/q9.Lm2|K; path=/",
            ".ASPXAUTH=t; path=/studio; HttpOnly",
            "U=1; expires=Fri, 01 Jan 2100 00:00:00 GMT; path=/; Secure",
        ],
        url,
    )
    kept = Kept(runtime=None, headers={}, ends=None, cookies=cookies_of(jar, url.host))
    other = Jar()
    kept.put_into(other, url)
    assert cookies_of(other, url.host) == cookies_of(jar, url.host)
    secure = url.with_scheme("https")
    assert {k: m.value for k, m in other.filter_cookies(secure).items()} == {
        "BPMCSRF": "Zx/q9.Lm2|K",
        ".ASPXAUTH": "t",
        "U": "1",
    }


async def test_a_cookie_of_a_wider_domain_keeps_it() -> None:
    jar, url = Jar(), parse_site("https://acme.creatio.com").url
    jar.update_cookies_from_headers(["visid=1; domain=.creatio.com; path=/"], url)
    (text,) = cookies_of(jar, url.host)
    assert "domain=creatio.com" in text


def test_nothing_kept_shows() -> None:
    shown = repr(Kept(runtime=None, headers={"A": "s3cret"}, ends=None, cookies=("A=s3cret",)))
    assert "s3cret" not in shown


async def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    assert await keeper(tmp_path).load() is None
    os.mkfifo(tmp_path / "pipe")
    async with asyncio.timeout(3):
        assert await keeper(tmp_path / "pipe").load() is None


async def test_where_nobody_answers_a_kept_session_is_no_help(
    emulator: Emulator, path: Path
) -> None:
    await used(emulator, path)
    kept = path.read_bytes()
    with pytest.raises(Exception, match="dropped"):
        await used(Scripted(lost(), login=lost()), path)
    assert path.read_bytes() == kept
