import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.protocol.batch.heads import MultipartError, boundary_of
from creatio_async.protocol.batch.multipart import Limits, Part, Reader, Writer

CRLF = b"""preamble\r
--b--not\r
--b \t\r
Content-ID: 1\r
X-Long: one\r
 two\r
\r
text with --b in it\r
--bc\r
 --b\r
\r
--b\r
CONTENT-TYPE: Multipart/Mixed; charset="a; boundary=no"; Boundary="in\\ ner"\r
\r
--in ner\r
\r
first\r
--in ner\r
Content-ID: 3\r
\r
second\r
--b\r
\r
\r
--b--\r
--b\r
\r
epilogue\r
"""
TWO_DEEP = {"content-id": "1", "x-long": "one two"}
PARTS = [
    Part((0,), TWO_DEEP, b"text with --b in it\r\n--bc\r\n --b\r\n"),
    Part((1, 0), {}, b"first"),
    Part((1, 1), {"content-id": "3"}, b"second"),
    Part((2,), {}, b""),
]


def read(data: bytes, boundary: str = "b", limits: Limits | None = None) -> list[Part]:
    reader = Reader(boundary, limits)
    return reader.feed(data) + reader.close()


def test_parts_are_what_stands_between_lines_of_the_boundary() -> None:
    reader = Reader("b")
    assert not reader.begun
    assert reader.feed(CRLF) == PARTS
    assert reader.ended
    assert reader.begun
    assert reader.feed(b"\r\n--b\r\n\r\nmore\r\n--b--") == []
    assert reader.close() == []


def test_line_feeds_alone_end_lines_too() -> None:
    expected = [Part(each.place, each.headers, each.body.replace(b"\r\n", b"\n")) for each in PARTS]
    assert read(CRLF.replace(b"\r\n", b"\n")) == expected


@given(st.lists(st.integers(0, len(CRLF))), st.sampled_from([b"\r\n", b"\n"]))
def test_parts_do_not_depend_on_how_the_bytes_are_cut(cuts: list[int], newline: bytes) -> None:
    wire = CRLF.replace(b"\r\n", newline)
    reader, found = Reader("b"), list[Part]()
    for begin, end in pairwise([0, *sorted(cuts), len(wire)]):
        found += reader.feed(wire[begin:end])
    assert found + reader.close() == read(wire)


PIECES = [b"--b", b"--b--", b"\r\n", b"\n", b"\r", b" ", b"-", b"a: b", b"x", b"--in ner"]
PIECES += [b"content-type: multipart/x; boundary=b2\n\n", b"\n--b2\n", b"\x00", b":", b" " * 70]


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.data())
def test_any_bytes_give_the_same_parts_or_the_same_refusal_however_cut(
    pieces: list[bytes], data: st.DataObject
) -> None:
    wire = b"--b\n" + b"".join(pieces)
    limits = Limits(head=40, parts=4, total=300)
    cuts = data.draw(st.lists(st.integers(0, len(wire))))
    try:
        expected: list[Part] | None = read(wire, limits=limits)
    except MultipartError:
        expected = None
    reader, found = Reader("b", limits), list[Part]()
    try:
        for begin, end in pairwise([0, *sorted(cuts), len(wire)]):
            found += reader.feed(wire[begin:end])
        found += reader.close()
    except MultipartError:
        assert expected is None
    else:
        assert found == expected


def test_a_missing_delimiter_inside_is_made_up_for_by_the_next_one_outside() -> None:
    wire = b"--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--b\n\ntwo\n--b--"
    assert read(wire) == [Part((0, 0), {}, b"one"), Part((1,), {}, b"two")]


def test_the_last_part_of_bytes_that_end_without_a_delimiter_is_not_whole() -> None:
    reader = Reader("b")
    assert reader.feed(b"--b\n\none\n--b\n\ntwo") == [Part((0,), {}, b"one")]
    assert reader.close() == [Part((1,), {}, b"two", whole=False)]
    assert not reader.ended
    inside = b"--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i\n\ntwo"
    assert read(inside) == [Part((0, 0), {}, b"one"), Part((0, 1), {}, b"two", whole=False)]
    assert read(inside + b"\n--i--") == [Part((0, 0), {}, b"one"), Part((0, 1), {}, b"two")]


@pytest.mark.parametrize("end", [b"--b--", b"--b-- ", b"--b--\r", b"--b--\n"])
def test_the_closing_delimiter_may_be_the_last_of_all_bytes(end: bytes) -> None:
    reader = Reader("b")
    assert reader.feed(b"--b\n\none\n" + end) + reader.close() == [Part((0,), {}, b"one")]
    assert reader.ended


@pytest.mark.parametrize("wire", [b"--b--", b"", b"preamble", b"--bc\n\n"])
def test_bytes_without_parts_give_none(wire: bytes) -> None:
    assert read(wire) == []


@pytest.mark.parametrize("cut", [b"", b"Content-", b"Content-ID: 1\n", b"Content-ID: 1\r\n\r"])
def test_a_part_whose_fields_did_not_come_whole_is_dropped(cut: bytes) -> None:
    assert read(b"--b\n\none\n--b\n" + cut) == [Part((0,), {}, b"one")]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"HTTP/1.1 204 No: Content", Part((0,), {}, b"HTTP/1.1 204 No: Content")),
        (b"", Part((0,), {}, b"")),
        (b"A : 1", Part((0,), {"a": "1"}, b"")),
        (b"A: 1\n", Part((0,), {"a": "1"}, b"")),
        (b"A: 1\nA: 2\n\nx\n\n", Part((0,), {"a": "1"}, b"x\n\n")),
        (b"A: 1\n\t2\n\nx", Part((0,), {"a": "1 2"}, b"x")),
        (b"A: 1\n\nx\r\n\r\ny", Part((0,), {"a": "1"}, b"x\r\n\r\ny")),
        (b"A: " + b"1" * 90 + b"\n\nx", Part((0,), {"a": "1" * 90}, b"x")),
    ],
)
def test_a_part_may_have_fields_or_a_body_or_neither(part: bytes, expected: Part) -> None:
    assert read(b"--b\n" + part + b"\n--b--") == [expected]


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (b"--b\nA: 1\nno field\n\nx\n--b--", "no header field: 'no field'"),
        (b"--b\nA: " + b"1" * 50 + b"\n\nx\n--b--", "more than 40 bytes"),
        (b"--b\n\n\n" * 6, "more than 4 parts"),
        (b"-" * 400, "more than 300 bytes"),
        (b"--b\nContent-Type: multipart/mixed\n\n--i\n--b--", "no boundary"),
        (b"--b\nContent-Type: multipart/x; boundary=i\n\n--i--\n--b--", "holds none"),
    ],
)
def test_what_cannot_be_read_is_refused(wire: bytes, said: str) -> None:
    with pytest.raises(MultipartError, match=said):
        read(wire, limits=Limits(head=40, parts=4, total=300))


def test_a_third_level_is_refused() -> None:
    inner = b"Content-Type: multipart/x; boundary=%b\n\n--%b\n"
    wire = b"--b\n" + inner % (b"i", b"i") + inner % (b"j", b"j") + b"\n\nx\n--b--"
    with pytest.raises(MultipartError, match="within a multipart within"):
        read(wire)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("multipart/mixed;boundary=batch_a1; IEEE754Compatible=true", "batch_a1"),
        ('multipart/mixed ; charset=utf-8 ; BOUNDARY="a b\\"c"', 'a b"c'),
        ("multipart/mixed; flag; x='; boundary = a=b", "a=b"),
        ('multipart/mixed; x="; boundary=no"; boundary=(yes)', "(yes)"),
    ],
)
def test_the_boundary_is_found_among_other_parameters(content_type: str, expected: str) -> None:
    assert boundary_of(content_type) == expected


@pytest.mark.parametrize(
    "content_type",
    ["", "multipart/mixed", "multipart/mixed; x=1", 'multipart/mixed; x="boundary=a', "a; =; b"],
)
def test_a_type_without_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(MultipartError, match="no boundary"):
        boundary_of(content_type)


@pytest.mark.parametrize("boundary", ["", "a\nb", "a\rb"])
def test_what_can_be_no_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(MultipartError, match="no boundary"):
        Reader(boundary)


HARD = [b"--b", b"\n--b", b"\r\n", b"--b" + b" " * 60, b"\n\n--", b"--b-", b"a: b\n", b"\n "]


@pytest.mark.parametrize("pattern", HARD)
@pytest.mark.parametrize("size", [1, 1000])
def test_time_is_linear_in_the_bytes(pattern: bytes, size: int) -> None:
    def seconds(count: int) -> float:
        wire = b"--b\n" + pattern * (count // len(pattern))
        took: list[float] = []
        for _ in range(2):
            reader = Reader("b", Limits(parts=10**9, head=10**9))
            began = time.process_time()
            for at in range(0, len(wire), size):
                reader.feed(wire[at : at + size])
            reader.close()
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(48_000) < 30 * seconds(6_000) + 0.05


@given(st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=3), min_size=1, max_size=4))
def test_what_is_written_is_read_again(sets: list[list[bytes]]) -> None:
    writer = Writer()
    for bodies in sets:
        if len(bodies) > 1:
            writer.open_set()
        for body in bodies:
            writer.open_part(b"A: 1\r\n")
            writer.buffer += body
            writer.close_part()
        if len(bodies) > 1:
            writer.close_set()
    wire = writer.close()
    assert writer.clash() is None
    parts = read(wire, boundary_of(writer.content_type))
    assert [part.body for part in parts] == [body for bodies in sets for body in bodies]
    assert all(part.whole and part.headers == {"a": "1"} for part in parts)


def test_a_boundary_that_stands_in_a_part_is_found_and_another_one_offered() -> None:
    writer = Writer()
    writer.open_part(b"")
    writer.buffer += b"--creatio0_set001 and --creatio1_ and --creatio03_"
    writer.close_part()
    writer.close()
    assert writer.clash() == 2
