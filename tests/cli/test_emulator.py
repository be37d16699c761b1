import os
import signal
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest
from yarl import URL

from creatio_async import Creatio, Password
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
    assert sqlite3.connect(database).execute("select 1").fetchone() == (1,)
    process = start("emulator", "--port", "0", "--database", str(database))
    async with Creatio(first_line(process), SUPERVISOR) as crm:
        assert await crm.odata["City"].get(city["Id"], select=["Name"]) == {"Name": "Burbank"}


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
