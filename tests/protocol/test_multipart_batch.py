import datetime as dt
import random
from collections.abc import Sequence
from itertools import product

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.errors import BatchError
from creatio_async.messages import Headers, Response
from creatio_async.protocol.batch import jsonbatch
from creatio_async.protocol.batch.heads import boundary_of
from creatio_async.protocol.batch.multipart import Reader
from creatio_async.protocol.batch.multipartbatch import (
    MINIMAL,
    Answers,
    Form,
    decode,
    decode_by_type,
    encode,
)
from creatio_async.protocol.batch.operations import Operation
from tests.fuzz.wires import OUTER, REQUEST, Said, Ways, response, some_groups, some_said, wire

READ = Operation("GET", "City?$top=1")
WRITE = Operation("POST", "City", {"Name": "Зеленоград"})


def place(at: int) -> str:
    return f"row {at}"


def ids(answers: Answers) -> list[str | None]:
    return [None if item is None else item["id"] for item in answers]


def statuses(answers: Answers) -> list[int | None]:
    return [None if item is None else item["status"] for item in answers]


def written(said: Sequence[Said], groups: Sequence[str | None], ways: Ways) -> Answers:
    """Return what is read from an answer that says *said*."""
    return decode(len(groups), REQUEST, response(wire(said, groups, ways)), groups=groups)


def by_hand(*parts: str, groups: Sequence[str | None], end: str = "--") -> Answers:
    """Return what is read from *parts*, each an HTTP answer with or without fields before it."""
    body = "".join(f"--{OUTER}\r\n{part}\r\n" for part in parts) + f"--{OUTER}{end}"
    return decode(len(groups), REQUEST, response(body.encode()), groups=groups)


def test_a_batch_is_written_byte_for_byte() -> None:
    delete = Operation("DELETE", "City(1)", group="g")
    patch = Operation("PATCH", "City(2)", {"Name": "Texas"}, group="g")
    body, content_type = encode([READ, patch, delete, WRITE], place)
    assert content_type == "multipart/mixed; boundary=creatio0_batch"
    assert body.decode() == (
        "--creatio0_batch\r\n"
        "Content-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n"
        "Content-ID: 1\r\n"
        "\r\n"
        "GET City?$top=1 HTTP/1.1\r\n"
        "Accept: application/json\r\n"
        "\r\n"
        "\r\n"
        "--creatio0_batch\r\n"
        "Content-Type: multipart/mixed; boundary=creatio0_set001\r\n"
        "\r\n"
        "--creatio0_set001\r\n"
        "Content-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n"
        "Content-ID: 2\r\n"
        "\r\n"
        "PATCH City(2) HTTP/1.1\r\n"
        "Accept: application/json\r\n"
        "Content-Type: application/json\r\n"
        "\r\n"
        '{"Name":"Texas"}\r\n'
        "--creatio0_set001\r\n"
        "Content-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n"
        "Content-ID: 3\r\n"
        "\r\n"
        "DELETE City(1) HTTP/1.1\r\n"
        "Accept: application/json\r\n"
        "\r\n"
        "\r\n"
        "--creatio0_set001--\r\n"
        "--creatio0_batch\r\n"
        "Content-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n"
        "Content-ID: 4\r\n"
        "\r\n"
        "POST City HTTP/1.1\r\n"
        "Accept: application/json\r\n"
        "Content-Type: application/json\r\n"
        "\r\n"
        '{"Name":"Зеленоград"}\r\n'
        "--creatio0_batch--\r\n"
    )
    assert encode([READ, patch, delete, WRITE], place) == (body, content_type)


def test_each_write_may_have_a_change_set_of_its_own() -> None:
    body, _ = encode([WRITE, READ, WRITE], place, Form(own_sets=True))
    assert body.count(b"boundary=creatio0_set001\r\n") == 1
    assert body.count(b"boundary=creatio0_set002\r\n") == 1
    assert body.count(b"multipart/mixed") == 2
    assert body.index(b"--creatio0_set001--") < body.index(b"GET City") < body.index(b"_set002")


def test_of_all_operations_those_that_add_a_row_ask_for_no_row_where_it_is_not_wanted() -> None:
    delete, patch = Operation("DELETE", "City(1)"), Operation("PATCH", "City(2)", {"Name": "Texas"})
    link = Operation("POST", "City(2)/Rows/$ref", link="City(3)")
    body, _ = encode([READ, WRITE, patch, delete, link], place, MINIMAL)
    parts = body.split(b"--creatio0_batch")
    assert [b"\r\nPrefer: return=minimal\r\n" in part for part in parts[1:6]] == [
        each is WRITE for each in (READ, WRITE, patch, delete, link)
    ]
    assert WRITE.method == "POST"
    assert b"Prefer" not in encode([WRITE], place)[0]


def test_the_inner_type_may_be_another() -> None:
    kind = "application/json;odata=verbose"
    body, _ = encode([WRITE], place, Form(accept=kind, content_type=kind))
    assert b"\r\nAccept: application/json;odata=verbose\r\n" in body
    assert b"\r\nContent-Type: application/json;odata=verbose\r\n" in body


def test_no_part_contains_the_boundary() -> None:
    tricky = "--creatio0_batch --creatio1_set001 --creatio2_"
    body, content_type = encode([Operation("POST", "City", {"Name": tricky})], place)
    assert content_type == "multipart/mixed; boundary=creatio3_batch"
    assert body.count(b"--creatio3_") == 2
    in_url, content_type = encode([Operation("GET", "City?x=--creatio0_batch")], place)
    assert content_type == "multipart/mixed; boundary=creatio1_batch"
    assert in_url.count(b"--creatio1_") == 2


@given(st.lists(st.integers(0, 12), max_size=20))
def test_the_boundary_is_the_first_that_no_part_contains(numbers: list[int]) -> None:
    name = "".join(f"--creatio{number}_" for number in numbers)
    _, content_type = encode([Operation("POST", "City", {"Name": name})], place)
    free = next(number for number in range(14) if number not in numbers)
    assert content_type == f"multipart/mixed; boundary=creatio{free}_batch"


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (Operation("GET", "City HTTP/1.1\r\nX: 1\r\n\r\nGET City"), "row 1: the address"),
        (Operation("GET", "City\n"), "row 1: the address"),
        (Operation("GET", "\u0421ity"), "row 1: the address"),
        (Operation("POST", "City", {"A": float("nan")}), "row 1, 'A': nan has no place"),
        (
            Operation("POST", "City", {"A": dt.datetime(2026, 1, 31)}),  # noqa: DTZ001
            "row 1, 'A': the datetime",
        ),
        (Operation("POST", "City", {"Country": {}}), "row 1, 'Country': Creatio ignores"),
        (Operation("GET", "City", group="g"), "row 1: a group takes writes only"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_place(operation: Operation, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode([READ, operation], place)


def test_a_type_that_odata_does_not_have_is_refused_by_its_place() -> None:
    with pytest.raises(TypeError, match="row 0, 'A'"):
        encode([Operation("POST", "City", {"A": object()})], place)


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_1_to_100_operations(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        encode([READ] * count, place)
    assert b"Content-ID: 100\r\n" in encode([READ] * 100, place)[0]


def test_the_inner_type_cannot_bring_lines_of_its_own() -> None:
    with pytest.raises(ValueError, match="header Accept"):
        encode([READ], place, Form(accept="a\r\nX: 1"))


def test_a_group_that_is_not_side_by_side_is_refused() -> None:
    one, other = Operation("DELETE", "City(1)", group="g"), Operation("DELETE", "City(1)")
    with pytest.raises(ValueError, match="'g' are not side by side"):
        encode([one, other, one], place)


GROUPS = ["g1", "g1", None, "g2", None]
SAID = [Said(201, {"Id": "a"}), Said(204), Said(200, {"value": []}), Said(204), Said(404, "No --b")]


WAYS = [
    Ways(
        newline=newline,
        content_id=content_id,
        nested=nested,
        closing=closing,
        length=True,
        padding=b" \t",
        preamble=b"Not for you.",
        epilogue=b"--" + OUTER.encode(),
        name=str.upper,
    )
    for newline, content_id, nested, closing in product(
        [b"\r\n", b"\n"], ["part", "inner", "none"], [True, False], [True, False]
    )
]


@pytest.mark.parametrize("ways", WAYS)
def test_answers_are_read_in_every_way_to_write_them(ways: Ways) -> None:
    answers = written(SAID, GROUPS, ways)
    assert ids(answers) == ["1", "2", "3", "4", "5"]
    assert statuses(answers) == [201, 204, 200, 204, 404]
    assert [item and item["body"] for item in answers] == [
        {"Id": "a"},
        None,
        {"value": []},
        None,
        "No --b",
    ]
    assert answers.cut_off is not ways.closing
    assert answers[0] is not None
    assert answers[0]["headers"]["odata-version"] == "4.0"


@pytest.mark.parametrize("ways", [ways for ways in WAYS if ways.content_id != "none"])
def test_one_answer_for_a_group_that_fails_names_the_operation(ways: Ways) -> None:
    said = [Said(204), Said(204), Said(400, {"error": {}}), Said(204), Said(204)]
    answers = written(said, [None, "g", "g", "g", None], ways)
    assert ids(answers) == ["1", None, "3", None, "5"]


@pytest.mark.parametrize("ways", [ways for ways in WAYS if ways.content_id == "none"])
def test_one_answer_without_content_id_is_that_of_the_group_whose_turn_it_is(ways: Ways) -> None:
    said = [Said(204), Said(204), Said(400, {"error": {}}), Said(204), Said(200, {})]
    answers = written(said, [None, "g", "g", "g", None], ways)
    assert ids(answers) == ["1", "", None, None, "5"]
    assert statuses(answers) == [204, 400, None, None, 200]


def test_answers_in_another_order_are_told_by_their_content_id() -> None:
    parts = [f"Content-ID: {at}\r\n\r\nHTTP/1.1 20{at} OK\r\n" for at in (3, 1, 2)]
    assert statuses(by_hand(*parts, groups=[None] * 3)) == [201, 202, 203]


def test_a_content_id_may_stand_in_angle_brackets() -> None:
    parts = ["Content-ID: <2>\r\n\r\nHTTP/1.1 204\r\n", "Content-ID: <1>\r\n\r\nHTTP/1.1 204\r\n"]
    assert ids(by_hand(*parts, groups=[None] * 2)) == ["1", "2"]


def test_where_only_writes_have_a_content_id_reads_are_told_by_their_turn() -> None:
    parts = ["\r\nHTTP/1.1 200\r\n", "Content-ID: 2\r\n\r\nHTTP/1.1 201\r\n", "\r\nHTTP/1.1 204"]
    answers = by_hand(*parts, groups=[None] * 4)
    assert ids(answers) == ["1", "2", "3", None]
    assert not answers.cut_off


def test_a_group_that_is_answered_in_bare_parts_has_an_answer_for_each() -> None:
    parts = ["\r\nHTTP/1.1 204", "\r\nHTTP/1.1 201", "\r\nHTTP/1.1 200"]
    assert statuses(by_hand(*parts, groups=["g", "g", None])) == [204, 201, 200]
    parts = ["\r\nHTTP/1.1 400", "\r\nHTTP/1.1 424", "\r\nHTTP/1.1 200"]
    assert statuses(by_hand(*parts, groups=["g", "g", None])) == [400, 424, 200]


def test_a_batch_that_stopped_has_fewer_answers_and_is_not_cut_off() -> None:
    answers = by_hand("\r\nHTTP/1.1 204", "\r\nHTTP/1.1 400", groups=[None] * 4)
    assert statuses(answers) == [204, 400, None, None]
    assert not answers.cut_off


FAULTS = {
    "an answer to no operation: 4": ["Content-ID: 4\r\n\r\nHTTP/1.1 204"],
    "an answer to no operation: x": ["Content-ID: x\r\n\r\nHTTP/1.1 204"],
    "two answers to the operation 1": ["Content-ID: 1\r\n\r\nHTTP/1.1 204"] * 2,
    "no status line": ["\r\nno HTTP"],
    "an answer to no operation": ["\r\nHTTP/1.1 204"] * 4,
    "in another order": [
        "Content-ID: 2\r\n\r\nHTTP/1.1 204",
        "Content-ID: 1\r\n\r\nHTTP/1.1 204",
        "\r\nHTTP/1.1 204",
    ],
}


@pytest.mark.parametrize(("said", "parts"), list(FAULTS.items()))
def test_an_answer_that_belongs_to_no_operation_is_refused(said: str, parts: list[str]) -> None:
    with pytest.raises(BatchError, match=said):
        by_hand(*parts, groups=[None] * 3)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_change_set_of_another_number_of_answers_is_refused(count: int) -> None:
    inner = "--i\r\n\r\nHTTP/1.1 204\r\n" * count
    part = f"Content-Type: multipart/mixed; boundary=i\r\n\r\n{inner}"
    with pytest.raises(BatchError, match=f"{count} answers to 3 operations of a group"):
        by_hand(part, groups=["g", "g", "g", None, None])


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"<html>", "text/html", "it is text/html"),
        (b"{}", "", "it is of no type"),
        (b"", f"multipart/mixed; boundary={OUTER}", "no part in it"),
        (b"<html>", f"multipart/mixed; boundary={OUTER}", "no part in it"),
        (f"--{OUTER}--".encode(), f"multipart/mixed; boundary={OUTER}", "no part in it"),
        (b"--a\r\n\r\nx", "multipart/mixed", "no boundary"),
    ],
)
def test_what_is_no_multipart_is_refused(body: bytes, content_type: str, said: str) -> None:
    with pytest.raises(BatchError, match=said):
        decode(1, REQUEST, response(body, content_type))


@pytest.mark.parametrize("groups", [["g"], ["g", "g", "h"], ["g", None, "g"]])
def test_groups_are_those_of_the_operations(groups: list[str | None]) -> None:
    answer = response(wire([Said(204)], [None], Ways()))
    with pytest.raises(ValueError, match=r"groups of 2 operations|not side by side"):
        decode(2, REQUEST, answer, groups=groups)


@given(st.integers(0, 10**6), st.data())
def test_of_an_answer_that_is_cut_off_what_came_whole_is_kept(
    seed: int, data: st.DataObject
) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    groups = some_groups(draw, draw.randrange(1, 8))
    ways = Ways(
        content_id=draw.choice(["part", "inner", "none"]),
        nested=draw.random() < 0.7,
        length=draw.random() < 0.5,
    )
    body = wire([some_said(draw) for _ in groups], groups, ways)
    whole = decode(len(groups), REQUEST, response(body), groups=groups)
    assert not whole.cut_off
    size = data.draw(st.integers(len(OUTER) + 4, len(body)))
    cut = decode(len(groups), REQUEST, response(body[:size]), groups=groups)
    assert all(item is None or item == full for item, full in zip(cut, whole, strict=True))
    assert cut.cut_off or cut == whole


def test_the_answer_tells_by_its_type_how_it_is_to_be_read() -> None:
    item = {"id": "2", "status": 204, "headers": {}}
    in_json = Response(
        status=200,
        headers=Headers({"Content-Type": "application/json; charset=utf-8"}),
        body=orjson.dumps({"responses": [item]}),
    )
    answers = decode_by_type(2, REQUEST, in_json)
    assert answers == [None, item]
    assert not answers.cut_off
    with pytest.raises(BatchError, match="no status line"):
        decode_by_type(1, REQUEST, response(f"--{OUTER}\n\nx\n--{OUTER}--".encode()))
    answers = decode_by_type(
        2, REQUEST, response(f"--{OUTER}\n\nHTTP/1.1 400\n--{OUTER}--".encode()), groups=["g", "g"]
    )
    assert ids(answers) == ["", None]
    with pytest.raises(BatchError):
        decode_by_type(1, REQUEST, response(b"<html>", "text/html"))


def test_an_answer_can_be_taken_as_a_response_of_its_own() -> None:
    found = written([Said(404, "No.")], [None], Ways())[0]
    assert found is not None
    answer = jsonbatch.as_response(found)
    assert (answer.status, answer.content_type, answer.body) == (404, "text/plain", b"No.")


def test_the_reader_and_the_writer_agree_on_the_form() -> None:
    body, content_type = encode([WRITE, READ], place, Form(own_sets=True))
    reader = Reader(boundary_of(content_type))
    parts = reader.feed(body)
    assert reader.ended
    assert [(part.place, part.headers["content-id"]) for part in parts] == [
        ((0, 0), "1"),
        ((1,), "2"),
    ]
