"""Whatever is sent is answered: nothing that a caller writes makes the emulator fail."""

import random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async.emulator import Emulator, multipart
from creatio_async.emulator.batches import Group, Item
from creatio_async.emulator.refusals import Refusal

from .caller import ANDREW, Caller, caller_of

VALUES = [
    "Name", "Age", "BirthDate", "Account", "Account/Name", "Account/Id", "AccountId", "Confirmed",
    "ContactCollectionByOwner", "ContactCollectionByOwner/$count", "$it", "$it/Name", "$count",
    "Nothing", "c", "c/Name", "'x'", "'it''s'", "1", "-1", "1.5", "1e5", "INF", "NaN", "null",
    "true", "2020-01-01", "2020-01-01T00:00:00Z", "12:30:00", "duration'P1D'", ANDREW,
    "Edm.String", "Terrasoft.Configuration.OData.Contact", "geography'POINT(1 2)'",
]  # fmt: skip
OPERATORS = [
    "eq",
    "ne",
    "gt",
    "lt",
    "ge",
    "le",
    "and",
    "or",
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "in",
    "has",
]
FUNCTIONS = [
    "contains",
    "startswith",
    "tolower",
    "length",
    "indexof",
    "concat",
    "substring",
    "year",
    "time",
    "date",
    "cast",
    "isof",
    "now",
    "round",
    "floor",
    "totalseconds",
    "fractionalseconds",
    "any",
    "all",
    "trim",
    "unknown",
]
PATHS = ["Account", "Owner", "ContactCollectionByOwner", "*", "Nothing", "Account/$ref", "Parent"]
OPTIONS = {
    "$select": ["Name", "*", "Id,Name", "Account", "Nothing"],
    "$orderby": ["Name desc", "Id", "Age add 1", "Nothing"],
    "$top": ["0", "1", "x"],
    "$skip": ["0", "1"],
    "$count": ["true", "x"],
    "$levels": ["max", "1", "2", "x", "0"],
    "$search": ["a", "a OR", "(a b) NOT c"],
    "$nothing": ["1"],
}


def expression(choose: random.Random, depth: int = 0) -> str:
    def part() -> str:
        return expression(choose, depth + 1)

    form = 0 if depth > 4 else choose.randrange(8)
    if form <= 1:
        return choose.choice(VALUES)
    if form <= 3:
        return f"{part()} {choose.choice(OPERATORS)} {part()}"
    if form == 4:
        return choose.choice(["({})", "not {}", "-{}"]).format(part())
    if form == 5:
        return f"ContactCollectionByOwner/{choose.choice(['any', 'all'])}(c:{part()})"
    if form == 6:
        return f"{part()} in ({part()},{part()})"
    arguments = ",".join(part() for _ in range(choose.randrange(4)))
    return f"{choose.choice(FUNCTIONS)}({arguments})"


def expansion(choose: random.Random, depth: int = 0) -> str:
    items: list[str] = []
    for _ in range(choose.randrange(1, 3)):
        options: list[str] = []
        for _ in range(choose.randrange(4)):
            name = choose.choice([*OPTIONS, "$filter", "$expand"])
            if name == "$expand":
                value = expansion(choose, depth + 1) if depth < 3 else "Owner"
            else:
                value = choose.choice(OPTIONS.get(name, ["Age gt 1", "Name"]))
            options.append(f"{name}={value}")
        path = choose.choice(PATHS)
        items.append(f"{path}({';'.join(options)})" if options else path)
    return ",".join(items)


@pytest.mark.parametrize("profile", ["creatio", "standard"])
async def test_what_is_nested_too_deeply_is_refused(profile: str) -> None:
    deep = "Parent($expand=" * 2000 + "Parent" + ")" * 2000
    with Emulator(profile=profile) as emulator:  # type: ignore[arg-type]
        crm = caller_of(emulator)
        await crm.login()
        assert (await crm.odata("GET", f"Account?$expand={deep}")).status == 400


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("profile", ["creatio", "standard"])
async def test_any_query_is_answered(profile: str, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - no secret
    seen: set[int] = set()
    with Emulator(profile=profile) as emulator:  # type: ignore[arg-type]
        crm: Caller = caller_of(emulator)
        await crm.login()
        for _ in range(150):
            for option, text in (
                ("$filter", expression(choose)),
                ("$orderby", expression(choose)),
                ("$expand", expansion(choose)),
            ):
                response = await crm.odata("GET", f"Contact?{option}={quote(text)}")
                if response.status != 200:
                    assert response.json()["error"]["message"], text
                seen.add(response.status)
    assert seen <= {200, 400, 500, 501}
    assert {200, 400} <= seen


WORDS = st.sampled_from([
    b"--b", b"--", b"--b--", b"--c", b"--c--", b"\r\n", b"\n", b"\r\n\r\n", b": ", b" ", b"GET ",
    b"POST City HTTP/1.1", b"Content-Type: application/http", b"Content-ID: 1", b'{"Name":"A"}',
    b"Content-Transfer-Encoding: binary", b"Content-Type: multipart/mixed; boundary=c", b"\xff",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS | st.binary(max_size=3), max_size=40).map(b"".join))
def test_any_bytes_are_a_batch_or_are_refused(body: bytes) -> None:
    try:
        found = len(multipart.decode(b"--b\r\n" + body, "multipart/mixed; boundary=b"))
    except Refusal as refusal:
        found = refusal.answer.status
    assert 0 < found <= 400


BODIES = st.binary(max_size=30).filter(lambda body: b"--" not in body and body[-1:] != b"\r")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(BODIES, min_size=1, max_size=3) | BODIES, min_size=1, max_size=4))
def test_bodies_are_read_as_they_were_written(bodies: list[list[bytes] | bytes]) -> None:
    def part(body: bytes) -> bytes:
        return (
            b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            b"PUT SysImage(1)/Data HTTP/1.1\r\nContent-Type: image/png\r\n\r\n" + body
        )

    def joined(parts: list[bytes], boundary: bytes) -> bytes:
        mark = b"--" + boundary
        return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"

    head = b"Content-Type: multipart/mixed; boundary=c\r\n\r\n"
    parts = [
        part(one) if isinstance(one, bytes) else head + joined([part(each) for each in one], b"c")
        for one in bodies
    ]
    found: list[list[bytes] | bytes] = []
    for read in multipart.decode(joined(parts, b"b"), "multipart/mixed;boundary=b"):
        if isinstance(read, Group):
            found.append([item.body or b"" for item in read.items])
        else:
            assert isinstance(read, Item)
            found.append(read.body or b"")
    assert found == bodies
