from pathlib import Path

import pytest

from creatio_async.cli import main
from creatio_async.emulator.metadata import metadata
from creatio_async.emulator.tables import creatio_tables
from creatio_async.models.source import MADE_BY


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "metadata.xml"
    path.write_bytes(metadata(creatio_tables()))
    return path


@pytest.fixture(autouse=True)
def no_site(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CREATIO_URL", "CREATIO_USER", "CREATIO_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_a_saved_document_and_a_site_tell_the_same(
    document: Path,
    site: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models", "Contact", "City", "--metadata", str(document)]) == 0
    saved = capsys.readouterr().out
    monkeypatch.setenv("CREATIO_URL", f"{site}/0/odata")
    monkeypatch.setenv("CREATIO_USER", "Supervisor")
    monkeypatch.setenv("CREATIO_PASSWORD", "Supervisor")
    assert main(["models", "City", "Contact"]) == 0
    asked = capsys.readouterr().out
    assert saved.splitlines()[0] == f"{MADE_BY} from the $metadata in metadata.xml."
    assert asked.splitlines()[0] == f"{MADE_BY} from the $metadata of {site}."
    assert saved.splitlines()[1:] == asked.splitlines()[1:]


def test_a_second_run_leaves_the_file_untouched(
    document: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "models.py"
    command = ["models", "--all", "--metadata", str(document), "--output", str(output)]
    assert main(command) == 0
    before = output.stat()
    assert main(command) == 0
    assert (output.stat().st_mtime_ns, output.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    out, err = capsys.readouterr()
    assert out == ""
    assert "is written" in err
    assert "is as it was" in err
    assert main(["models", "City", *command[2:]]) == 0
    assert output.stat().st_ino != before.st_ino
    assert sorted(tmp_path.iterdir()) == [document, output]


def test_a_file_of_somebody_else_is_left_alone_unless_forced(
    document: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "models.py"
    output.write_text("mine = 1\n")
    command = ["models", "City", "--metadata", str(document), "--output", str(output)]
    assert main(command) == 2
    assert output.read_text() == "mine = 1\n"
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    assert output.read_text("utf-8").startswith(MADE_BY)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metadata", "FILE"], "--all"),
        (["--all", "City", "--metadata", "FILE"], "--all"),
        (["Contakt", "--metadata", "FILE"], "did you mean 'Contact'"),
        (["City"], "CREATIO_URL"),
        (["City", "--url", "http://127.0.0.1:1"], "CREATIO_USER"),
        (["City", "--metadata", __file__], "is no $metadata"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    arguments: list[str], said: str, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(document) if each == "FILE" else each for each in arguments]
    assert main(["models", *given]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_a_document_that_is_not_there_is_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "--all", "--metadata", str(tmp_path / "none.xml")]) == 1
    assert "none.xml" in capsys.readouterr().err
