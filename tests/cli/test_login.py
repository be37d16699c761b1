import asyncio
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from creatio_async import ClientCredentials, Password
from creatio_async.cli import main
from creatio_async.cli.login import Login
from creatio_async.emulator import Emulator

VARIABLES = ("USER", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET", "IDENTITY_URL")
SITE = "https://acme.creatio.com"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names nobody, and no terminal."""
    for name in VARIABLES:
        monkeypatch.delenv(f"CREATIO_{name}", raising=False)
    monkeypatch.setattr("sys.stdin", StringIO())
    return monkeypatch


@pytest.fixture
def with_clients() -> Iterator[str]:
    """Give the address of a site that has an identity service, in a thread of its own."""
    loop, emulator = asyncio.new_event_loop(), Emulator(clients={"app": "s3cret"})
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    served = emulator.served()
    try:
        yield asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result(10)
        assert (emulator.tokens, emulator.logins) == (1, 0)
    finally:
        leaving = served.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leaving, loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_command_logs_in_as_a_client_whose_secret_no_list_of_processes_shows(
    with_clients: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    arguments = ["--url", with_clients, "--yes", "--rows", "3", "--client-id", "app"]
    identity = ["--identity-url", with_clients, "--secret-file", str(secret)]
    assert main(["demo", *arguments, *identity]) == 0


def test_the_variables_are_those_of_from_env(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CREATIO_CLIENT_ID", "app")
    environment.setenv("CREATIO_CLIENT_SECRET", "s3cret")
    environment.setenv("CREATIO_IDENTITY_URL", "https://login.test")
    assert Login()._auth() == ClientCredentials("app", "s3cret", "https://login.test")
    environment.setenv("CREATIO_USER", "Ann")
    environment.setenv("CREATIO_PASSWORD", "w0rd")
    with pytest.raises(ValueError, match="Both a user and a client"):
        Login()._auth()


def test_an_option_goes_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    for name in ("USER", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET"):
        environment.setenv(f"CREATIO_{name}", f"of {name}")
    assert Login(user="Ann")._auth() == Password("Ann", "of PASSWORD")
    assert Login(user="Ann", password="w0rd")._auth() == Password("Ann", "w0rd")
    assert Login(client_id="app")._auth() == ClientCredentials("app", "of CLIENT_SECRET")


def test_a_secret_may_come_from_a_file_or_from_standard_input(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b" w0rd \r\n")
    login = Login(user="Ann", secret_file=tmp_path / "secret")
    assert login._auth() == Password("Ann", " w0rd ")
    environment.setattr("sys.stdin", StringIO("s3cret\n"))
    piped = Login(client_id="app", secret_file=Path("-"))
    assert piped._auth() == ClientCredentials("app", "s3cret")
    assert "w0rd" not in repr(Login(user="Ann", password="w0rd"))


def test_a_secret_that_was_given_nowhere_is_asked_for_at_a_terminal(
    environment: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def answered(question: str) -> str:
        asked.append(question)
        return "w0rd"

    environment.setattr("sys.stdin.isatty", lambda: True)
    environment.setattr("creatio_async.cli.login.getpass", answered)
    assert Login(user="Ann")._auth() == Password("Ann", "w0rd")
    assert Login(client_id="app")._auth() == ClientCredentials("app", "w0rd")
    assert asked == ["Password of Ann: ", "Secret of app: "]


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (Login(), "CREATIO_CLIENT_ID"),
        (Login(user="Ann", client_id="app"), "Name one of them"),
        (Login(user="Ann"), "No secret. Set CREATIO_PASSWORD"),
        (Login(client_id="app"), "No secret. Set CREATIO_CLIENT_SECRET"),
        (Login(client_id="app", password="w0rd"), "--password is that of a user"),
        (Login(user="Ann", password="w0rd", secret_file=Path("x")), "Both --password and"),
        (Login(user="Ann", secret_file=Path("-")), "holds no secret"),
    ],
)
def test_half_a_login_says_what_is_missing_and_no_secret(login: Login, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        login.opened(SITE)
    assert "w0rd" not in str(refused.value)


def test_a_file_that_is_not_there_is_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    arguments = ["demo", "--url", SITE, "--yes", "--user", "Ann", "--secret-file", missing]
    assert main(arguments) == 1
    assert capsys.readouterr().err.count("\n") == 1
