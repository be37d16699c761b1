import subprocess
import sys

import pytest

from benchmarks import atom


def test_every_reader_gives_the_rows_that_were_written() -> None:
    rows = atom.rows(3)
    assert rows == atom.rows(3)
    assert atom.atom_by_lxml(atom.atom(rows)) == rows
    assert atom.verbose_by_hand(atom.verbose(rows)) == rows
    assert [len(row) for row in rows] == [52] * 3
    assert {type(row[name]) for row in rows for name in row} == {str, bool, int, float}


def test_it_prints_the_ratio_to_the_floor_of_each_form(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atom, "BOUNDS", {"Atom": 1e9, "verbose JSON": 1e9})
    assert atom.main(5, runs=2) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "5 entries of 52 properties and 16 links"
    assert [line.partition(",")[0] for line in printed[1:]] == ["Atom", "verbose JSON"]
    assert all(", ratio " in line for line in printed[1:])


def test_it_fails_beyond_its_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atom, "BOUNDS", {"Atom": 1e9, "verbose JSON": 0})
    assert atom.main(2, runs=1) == 1
    assert "slower than 0 times the floor" in capsys.readouterr().out


def test_it_runs_as_a_program() -> None:
    run = subprocess.run(
        [sys.executable, atom.__file__, "5"],
        capture_output=True,
        text=True,
        check=False,  # a busy machine may take it beyond the bound
    )
    assert "5 entries" in run.stdout
    assert run.stderr == ""
