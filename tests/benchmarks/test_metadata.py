import subprocess
import sys

import pytest

from benchmarks import metadata


def test_the_document_is_the_same_in_every_run_and_tells_its_types() -> None:
    whole = metadata.document(20)
    assert whole == metadata.document(20)
    schema = metadata.read(metadata.parts(whole))
    assert len(schema.entity_types) == len(schema.entity_sets) == 20
    some = schema["UsrSection4Object"]
    assert some.properties["CreatedById"].navigation == "CreatedBy"
    assert some.navigations["CreatedBy"].column == "CreatedById"


def test_it_prints_seconds_and_the_ratio_to_bare_expat(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "BOUND", 3600.0)
    assert metadata.main(30, runs=1) == 0
    printed = capsys.readouterr().out
    assert "30 entity types" in printed
    assert "times that" in printed


def test_it_fails_beyond_its_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "BOUND", 0.0)
    assert metadata.main(5, runs=1) == 1
    assert "slower than" in capsys.readouterr().out


def test_it_runs_as_a_program() -> None:
    run = subprocess.run(
        [sys.executable, metadata.__file__, "50"],
        capture_output=True,
        text=True,
        check=False,  # a busy machine may take it beyond the bound
    )
    assert "50 entity types" in run.stdout
    assert run.stderr == ""
