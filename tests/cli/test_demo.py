import asyncio
import os
import pty
import signal
import subprocess
from typing import Any

import pytest

from creatio_async import Creatio, Password
from creatio_async.cli import main
from creatio_async.cli.trial import city_id
from creatio_async.data import cities
from tests.cli.conftest import COMMAND, Start

SUPERVISOR = Password("Supervisor", "Supervisor")


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREATIO_USER", "Supervisor")
    monkeypatch.setenv("CREATIO_PASSWORD", "Supervisor")


def rows_on(site: str) -> tuple[int, int]:
    async def counted() -> tuple[int, int]:
        async with Creatio(site, SUPERVISOR) as crm:
            return await crm.odata["City"].count(), await crm.odata["Contact"].count()

    return asyncio.run(counted())


async def create(site: str, row: dict[str, Any]) -> dict[str, Any]:
    async with Creatio(site, SUPERVISOR) as crm:
        return await crm.odata["City"].create(row)


async def name_of(site: str, row_id: str) -> Any:
    async with Creatio(site, SUPERVISOR) as crm:
        return (await crm.odata["City"].get(row_id, select=["Name"]))["Name"]


def test_the_demo_needs_nothing_but_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--rows", "300"]) == 0
    out, err = capsys.readouterr()
    assert "300 in" in out
    assert "the same rows" in out
    assert "3 rows sent, 297 left alone" in out
    assert "75 of 75 rows, the last" in out
    assert "375 rows, each of them once" in out
    assert "a contact added by one, found by the other" in out
    assert "FAILED" not in out
    assert "An emulator listens at http://127.0.0.1:" in err


def test_results_go_to_standard_output_and_progress_to_standard_error(start: Start) -> None:
    out, err = start("demo", "--rows", "300").communicate(timeout=60)
    assert out.count("\n") == 8
    assert "records/s" in err
    assert "records/s" not in out
    assert "Traceback" not in err


def test_the_variable_with_an_address_does_not_send_the_demo_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CREATIO_URL", "http://127.0.0.1:9")
    assert main(["demo", "--rows", "1"]) == 0


def test_a_site_is_left_as_it_was(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows_on(site)
    assert main(["demo", "--rows", "250", "--url", site, "--yes"]) == 0
    out, _ = capsys.readouterr()
    assert "the same rows" in out
    assert "251" in out
    assert rows_on(site) == before


def test_rows_of_other_people_are_neither_compared_nor_removed(site: str) -> None:
    burbank = asyncio.run(create(site, {"Name": "Burbank"}))
    assert main(["demo", "--rows", "10", "--url", site, "--yes"]) == 0
    assert asyncio.run(name_of(site, burbank["Id"])) == "Burbank"


def test_what_an_earlier_demo_left_makes_this_one_fail_and_the_next_one_pass(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rows_on(site)
    asyncio.run(create(site, {"Id": str(city_id(next(cities()))), "Name": "left"}))
    assert main(["demo", "--rows", "10", "--url", site, "--yes"]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert rows_on(site) == before
    assert main(["demo", "--rows", "10", "--url", site, "--yes"]) == 0


def test_a_site_is_not_written_to_unasked(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--url", site]) == 2
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
def test_on_a_terminal_it_asks_first(answer: str, status: int, site: str) -> None:
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [*COMMAND, "demo", "--rows", "20", "--url", site],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            os.write(ours, f"{answer}\n".encode())
            out, err = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == status, err
    assert b"Write 20 cities to " in err
    assert bool(out) == (status == 0)


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_the_answer_decides(
    answer: str, status: int, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: answer)
    assert main(["demo", "--rows", "5", "--url", site]) == status


def test_without_credentials_it_says_which_variables_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CREATIO_PASSWORD")
    assert main(["demo", "--url", "http://127.0.0.1:9", "--yes"]) == 2
    assert "CREATIO_PASSWORD" in capsys.readouterr().err


def test_a_refused_login_is_one_line_and_shows_no_password(
    site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREATIO_PASSWORD", "wr0ng")
    assert main(["demo", "--url", site, "--yes"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "wr0ng" not in err


def test_ctrl_c_half_way_removes_what_was_written(start: Start) -> None:
    server = start("emulator", "--port", "0", "--latency-ms", "20")
    assert server.stdout is not None
    site = server.stdout.readline().strip()
    before = rows_on(site)
    process = start("demo", "--url", site, "--yes")
    while rows_on(site)[0] <= before[0]:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=50)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert rows_on(site) == before


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_ends_the_demo_on_the_emulator_too(
    number: signal.Signals, status: int, start: Start
) -> None:
    process = start("demo")
    assert process.stderr is not None
    assert "An emulator listens" in process.stderr.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert out == ""
    assert "Traceback" not in err
