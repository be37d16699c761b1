import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    bulk_create,
    bulk_wall,
    bulk_wide,
    journal,
    memory,
    models,
    paged_read,
    plot,
    single_call,
    sync_unchanged,
    unit_of_work,
)
from benchmarks.canned import Canned
from benchmarks.measured import CONTESTANTS

pytestmark = pytest.mark.timeout(120)

_ROWS = 300
_SMALL = ("--rows", str(_ROWS), "--passes", "2", "--repeats", "1")


def _ran(
    main: Callable[[Sequence[str] | None], int],
    capsys: pytest.CaptureFixture[str],
    *more: str,
) -> dict[str, Any]:
    assert main([*_SMALL, "--json", *more]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_bulk_create_sends_what_is_sent_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    heats = _ran(bulk_create.main, capsys)["heats"]

    assert [heat["records"] for heat in heats] == [2 * _ROWS, 2 * _ROWS]
    full, bare = (heat["entries"] for heat in heats)
    assert len(full) == len(bare) == 4
    for by_hand, *others in (full, bare):
        assert by_hand["ratio"] == 1.0
        assert by_hand["requests"] == 2 * _ROWS // 100
        for line in others:
            assert line["requests"] == by_hand["requests"]
            assert line["bytes_out"] == by_hand["bytes_out"]
            assert line["bytes_in"] == by_hand["bytes_in"]
    assert full[0]["bytes_out"] > 5 * bare[0]["bytes_out"]


def test_paged_read_asks_what_is_asked_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    [heat] = _ran(paged_read.main, capsys, "--latency-ms", "5")["heats"]

    # 300 rows are a short first page, after which nobody asks again.
    assert [line["requests"] for line in heat["entries"]] == [2] * 5
    by_label = {line["label"]: line for line in heat["entries"]}
    assert by_label["pages(1_000)"]["against"] == "by hand, pages of 1,000"
    assert by_label["async for row, one at a time"]["against"] == "by hand, pages of 4,400"
    for line in heat["entries"]:
        assert line["cpu_us_per_record"] > 0
        assert line["records_per_second"] <= _ROWS / 0.005


def test_rows_are_read_as_objects_with_the_requests_of_dicts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [heat] = _ran(models.main, capsys)["heats"]
    assert [line["requests"] for line in heat["entries"]] == [2] * 4
    assert len({line["bytes_out"] for line in heat["entries"]}) == 1


def test_the_table_names_every_contestant(capsys: pytest.CaptureFixture[str]) -> None:
    assert paged_read.main(_SMALL) == 0

    table = capsys.readouterr().out
    assert "Paged read of dicts: 600 records in each run" in table
    for label in ("by hand, pages of 1,000", "pages(1_000)", "pages()", "async for row"):
        assert label in table
    assert "CPU us/record" in table
    assert "pages(1_000): at most 1.15" in table


def test_more_rows_than_there_are_cities_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        bulk_create.main(["--rows", "34007"])

    assert exited.value.code == 2
    assert "there are 34,006 cities" in capsys.readouterr().err


def _body(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    decoded: dict[str, Any] = json.loads(body)
    return decoded


def test_the_canned_server_pages_by_key() -> None:
    canned = Canned(250)
    seen: list[str] = []
    target = b"/full/0/odata/City?$orderby=Id&$top=100"
    while rows := _body(canned.answer(b"GET", target, b""))["value"]:
        seen += [row["Id"] for row in rows]
        last = seen[-1].encode()
        target = b"/full/0/odata/City?$filter=Id%20gt%20" + last + b"&$orderby=Id&$top=100"

    assert len(seen) == len(set(seen)) == 250
    assert seen == sorted(seen)
    assert canned.requests == 4


@pytest.mark.parametrize(("directory", "status"), [(b"full", 201), (b"bare", 204)])
def test_the_canned_server_answers_each_operation(directory: bytes, status: int) -> None:
    body = json.dumps(
        {"requests": [{"id": str(at), "method": "POST"} for at in range(1, 101)]},
        separators=(",", ":"),
    )
    canned = Canned(60)

    answer = _body(canned.answer(b"POST", b"/" + directory + b"/0/odata/$batch", body.encode()))

    responses = answer["responses"]
    assert [each["id"] for each in responses] == [str(at) for at in range(1, 101)]
    assert {each["status"] for each in responses} == {status}
    assert all(("body" in each) == (status == 201) for each in responses)


def test_a_unit_of_work_sends_as_many_requests_as_by_hand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [heat] = _ran(unit_of_work.main, capsys)["heats"]

    assert [line["requests"] for line in heat["entries"]] == [2 * _ROWS // 100] * 3
    assert heat["records"] == 2 * _ROWS


def test_single_calls_ask_what_is_asked_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    [heat] = _ran(single_call.main, capsys)["heats"]

    assert [line["requests"] for line in heat["entries"]] == [2 * _ROWS] * 3
    assert len({line["bytes_out"] for line in heat["entries"]}) == 1
    assert heat["bounded"] == "await query.top(1)"


def test_every_contestant_takes_part() -> None:
    plain = (*bulk_create.HEATS, *paged_read.HEATS, *single_call.HEATS, *unit_of_work.HEATS)
    heats = (
        *plain,
        *bulk_wall.HEATS,
        *bulk_wide.HEATS,
        *models.HEATS,
        *sync_unchanged.HEATS,
    )

    assert {entry.contestant for heat in heats for entry in heat.entries} == set(CONTESTANTS)


def test_a_load_with_a_journal_sends_what_one_without_sends_and_an_ended_one_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert journal.main(["--rows", str(_ROWS), "--rounds", "2", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert [line["batches"] for line in found["loads"]] == [3, 3, 3, 3, 0]


def test_rows_of_55_columns_are_sent_as_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    [heat] = _ran(bulk_wide.main, capsys)["heats"]

    by_hand, line = heat["entries"]
    for name in ("requests", "bytes_in", "bytes_out"):
        assert line[name] == by_hand[name]
    assert by_hand["bytes_in"] > 1_000 * by_hand["requests"] * 100


def test_a_ratio_may_be_one_of_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    found = _ran(bulk_wall.main, capsys, "--latency-ms", "30")

    assert found["latency_ms"] == 30
    assert [line["requests"] for line in found["heats"][0]["entries"]] == [6, 6, 6]


def test_a_sync_of_what_is_unchanged_reads_the_pages_and_writes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cpu, wall = _ran(sync_unchanged.main, capsys, "--latency-ms", "0")["heats"]

    for reading, *others in (cpu["entries"], wall["entries"]):
        for each in others:
            assert each["requests"] == reading["requests"]
            assert each["bytes_in"] == 0


def test_memory_is_told_after_a_short_run_and_a_long_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert memory.main(["--rows", "2000", "--json", "--check"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 2_000
    assert found["more"] < 16


def test_ratios_are_drawn_beside_their_bounds(tmp_path: Path) -> None:
    lines = [
        {"label": label, "ratio": ratio}
        for label, ratio in (("by hand", 1.0), ("by hand, otherwise", 0.9), ("await it", 1.2))
    ]
    heat = {"title": "Heat", "entries": lines, "bounded": "await it", "bound": 1.5}
    figures, drawn = tmp_path / "figures.json", tmp_path / "drawn.svg"
    figures.write_text(json.dumps({"heats": [heat]}), encoding="utf-8")

    assert plot.main([str(drawn), str(figures)]) == 0
    text = drawn.read_text(encoding="utf-8")
    assert "await it" in text
    assert "otherwise" not in text
