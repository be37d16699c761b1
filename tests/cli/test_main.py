import runpy
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version

import pytest

from creatio_async import CreatioError
from creatio_async.cli import main
from creatio_async.cli.app import app
from tests.cli.conftest import COMMAND


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--no-such-option"],
        ["demo", "--rows", "many"],
        ["demo", "--rows", "0"],
        ["demo", "--rows", "34007"],
        ["demo", "--at-once", "0"],
        ["demo", "surplus"],
        ["emulator", "--port", "65536"],
        ["emulator", "--runtime", "mono"],
        ["emulator", "--latency-ms", "-1"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_a_mistake_in_the_arguments_is_one_line_and_status_2(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("creatio-async: ")
    assert err.endswith("Try --help.\n")
    assert err.count("\n") == 1


def test_help_names_the_commands_and_goes_to_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    out, err = capsys.readouterr()
    assert "demo" in out
    assert "emulator" in out
    assert err == ""


def test_help_of_a_command_tells_every_option_and_where_credentials_come_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--help"]) == 0
    out, _ = capsys.readouterr()
    for word in ("--rows", "--at-once", "--url", "--yes", "CREATIO_USER", "CREATIO_PASSWORD"):
        assert word in out


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Usage" in capsys.readouterr().out


def test_the_version_is_the_one_that_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == version("creatio-async") + "\n"


def test_arguments_are_those_of_the_process_unless_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["creatio-async", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("creatio_async", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == version("creatio-async") + "\n"


def forget_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands be imported anew, and be what they were after the test."""
    for loaded in [name for name in sys.modules if name.startswith("creatio_async.cli.")]:
        package, _, module = loaded.rpartition(".")
        monkeypatch.delattr(sys.modules[package], module, raising=False)
        monkeypatch.delitem(sys.modules, loaded)


@pytest.mark.parametrize(("module", "named"), [("cyclopts", "cyclopts"), ("rich.console", "rich")])
def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    module: str,
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    forget_commands(monkeypatch)
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["--help"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert named in err
    assert "pip install 'creatio-async[cli,emulator]'" in err


def test_another_missing_module_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_commands(monkeypatch)
    monkeypatch.setitem(sys.modules, "creatio_async.data", None)
    with pytest.raises(ModuleNotFoundError):
        main(["--help"])


def test_the_command_runs_in_a_process_of_its_own_without_a_warning() -> None:
    ran = run("--version")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, version("creatio-async") + "\n", "")


def test_a_reader_that_goes_away_early_is_no_traceback() -> None:
    with subprocess.Popen(
        [*COMMAND, "demo", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_after_such_a_reader_the_status_is_1(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise BrokenPipeError

    app.command(fails)
    try:
        assert main(["fails"]) == 1
    finally:
        del app["fails"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CreatioError("The site\nis away."), 1),
        (OSError(98, "address in use"), 1),
        (ValueError("No credentials."), 2),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_line_and_a_status(
    error: BaseException,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails() -> None:
        raise error

    app.command(fails)
    try:
        assert main(["fails"]) == status
    finally:
        del app["fails"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == (0 if status == 130 else 1)
