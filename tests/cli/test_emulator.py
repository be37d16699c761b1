import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from yarl import URL

from creatio_async import ClientCredentials, Creatio, Password, RetryPolicy, ServerError, State
from creatio_async.cli import main
from tests.cli.conftest import Start

SUPERVISOR = Password("Supervisor", "Supervisor")


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


async def test_the_first_line_is_an_address_that_answers(site: str) -> None:
    async with Creatio(site, SUPERVISOR) as crm:
        assert await crm.odata["Contact"].count() > 0


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_ends_it_quietly_and_frees_the_port(
    number: signal.Signals, status: int, start: Start
) -> None:
    process = start("emulator", "--port", "0")
    url = URL(first_line(process))
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == status
    assert out == ""
    assert "User Supervisor, password Supervisor. Ctrl-C stops it.\n" in err
    assert "Traceback" not in err
    assert "Warning" not in err
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((url.host, url.port))


def test_ctrl_c_is_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("creatio_async.cli.emulator.note", interrupt)
    assert main(["emulator", "--port", "0"]) == 130
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


async def test_rows_outlive_it_in_a_database_file(start: Start, tmp_path: Path) -> None:
    database = tmp_path / "crm.sqlite"
    process = start("emulator", "--port", "0", "--database", str(database))
    async with Creatio(first_line(process), SUPERVISOR) as crm:
        city = await crm.odata["City"].create({"Name": "Burbank"})
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    with closing(sqlite3.connect(database)) as kept:
        assert kept.execute("select 1").fetchone() == (1,)
    process = start("emulator", "--port", "0", "--database", str(database))
    async with Creatio(first_line(process), SUPERVISOR) as crm:
        assert await crm.odata["City"].get(city["Id"], select=["Name"]) == {"Name": "Burbank"}


async def test_clients_of_oauth_get_tokens(start: Start) -> None:
    process = start("emulator", "--port", "0", "--client", "app:s3:cret", "--client", "other:x")
    url = first_line(process)
    async with Creatio(url, ClientCredentials("app", "s3:cret", url)) as crm:
        assert await crm.odata["Contact"].count() > 0


@pytest.mark.parametrize("text", ["app", "app:", ":s3cret"])
def test_a_client_without_an_id_or_a_secret_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emulator", "--port", "0", "--client", text]) == 2
    told = capsys.readouterr().err
    assert "an id and a secret with a colon" in told
    assert "s3cret" not in told


async def test_it_poses_as_either_runtime(start: Start) -> None:
    process = start("emulator", "--port", "0", "--runtime", "net", "--profile", "standard")
    async with Creatio(first_line(process), SUPERVISOR, runtime="net") as crm:
        assert await crm.odata["Contact"].count() > 0


def test_a_port_that_is_taken_is_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert main(["emulator", "--port", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert str(port) in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["missing/crm.sqlite", "notes.txt"])
def test_a_database_that_cannot_be_used_is_one_line_and_status_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("These are notes, and no database. " * 100)
    assert main(["emulator", "--port", "0", "--database", str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert name in err
    assert err.count("\n") == 1


async def test_faults_and_a_load_are_options(start: Start) -> None:
    process = start(
        *("emulator", "--port", "0", "--workers", "2", "--service-ms", "1", "--serial-sessions"),
        *("--service-sigma", "0.5", "--seed", "7", "--honours-return"),
        *("--fault", "refuse status=503 retry-after=0 path=City method=GET times=2"),
        *("--fault", "omit after=no times=1"),
        *("--fault", "fail message='Not today.' path=Account skip=1 every=2"),
    )
    async with Creatio(first_line(process), SUPERVISOR, retry=RetryPolicy(attempts=1)) as crm:
        for status in (503, 503, 0):
            found = await asyncio.gather(crm.odata["City"].count(), return_exceptions=True)
            assert getattr(found[0], "status", 0) == status
        batch = crm.odata.batch()
        lost, told = batch.create("City", {"Name": "A"}), batch.create("City", {"Name": "B"})
        await batch.send()
        assert (lost.state, told.state) == (State.UNKNOWN, State.DONE)
        headers = {"Prefer": "return=minimal"}
        answer = await crm.request("POST", "odata/City", json={"Name": "C"}, headers=headers)
        assert answer.status == 204
        await crm.odata["Account"].count()
        await crm.odata["Account"].count()
        with pytest.raises(ServerError, match="Not today"):
            await crm.odata["Account"].count()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("", "must begin with one of latency, refuse"),
        ("refuse 'status=5", "must begin with"),
        ("refuse status=x", "'status=x' is no number"),
        ("refuse status=9", "status"),
        ("refuse pth=City", "'pth=City' is none of its options, status"),
        ("omit after=maybe", "'after=maybe' is neither true nor false"),
        ("latency", "seconds is missing"),
        ("cut inner=true", "inside a $batch"),
        ("cut chance=2", "chance is from 0 to 1"),
    ],
)
def test_a_fault_that_is_none_is_one_line_and_status_2(
    fault: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emulator", "--port", "0", "--fault", fault]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1
