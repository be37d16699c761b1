"""Whatever is sent to OData 3 is answered, and what is answered can be read."""

import random
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async.emulator import Emulator
from creatio_async.messages import Response

from .caller import ANDREW, Caller, caller_of
from .odata3 import ENTRY, JSON, atom, batch, entity, message, operation, statuses, v3

PIECES = [
    "Name", "Age", "BirthDate", "Account", "Account/Name", "Owner/Id", "AccountId", "x/Name",
    "Nope", "ContactCollectionByOwner", "/any(x:", "/all(x:", "/any()", "'x'", "'it''s'",
    "1", "-1", "1.5M",
    "2L", "1e5d", "3f", "INF", "-INF", "NaN", "null", "true", f"guid'{ANDREW}'", "guid'x'",
    "datetime'2020-01-01T00:00'", "datetime'x'", "datetimeoffset'2020-01-01T00:00:00Z'",
    "time'PT1H'", "time'P9999999999999999999D'", "X'00'", "binary'F'", "eq", "ne", "gt", "le",
    "and", "or", "not", "add", "sub", "mul", "div", "mod", "-", "(", ")", ",", ":", "/",
    "substringof(",
    "startswith(", "length(", "replace(", "concat(", "cast(", "isof(", "year(", "round(", "asc",
    "desc", "9" * 5000, "9" * 100, "٣", "#", '"', "\x00", "é",
]  # fmt: skip
OPTIONS = ["$filter", "$orderby", "$select", "$expand", "$skiptoken", "$top", "$inlinecount"]


def readable(response: Response) -> None:
    """Fail unless an answer has a body of the type that it says, or none."""
    assert response.status < 500 or "Column by path" in response.text(), response.text()
    if response.content_type == "application/json":
        response.json()
    elif response.content_type in {"application/xml", "application/atom+xml"}:
        ET.fromstring(response.body)  # noqa: S314 - the emulator wrote it
    if response.status >= 400:
        assert message(response)


@pytest.mark.parametrize("profile", ["creatio", "standard"])
async def test_no_expression_makes_it_fail(profile: str) -> None:
    choose = random.Random(3)  # noqa: S311 - no secret
    with Emulator(profile=profile) as emulator:  # type: ignore[arg-type]
        crm = caller_of(emulator)
        await crm.login()
        for _ in range(1500):
            text = " ".join(choose.choices(PIECES, k=choose.randrange(1, 9)))
            path = f"ContactCollection?{choose.choice(OPTIONS)}={quote(text)}"
            if choose.random() < 0.3:
                path += f"&$orderby=Name&$skiptoken={quote(choose.choice(PIECES))},guid'{ANDREW}'"
            response = await v3(crm, "GET", path, headers=choose.choice([{}, JSON]))
            if response.status != 501:
                readable(response)


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=150)
async def test_no_path_makes_it_fail(path: str) -> None:
    with Emulator() as emulator:
        crm = caller_of(emulator)
        await crm.login()
        escaped = quote(path, safe="/()'$=,", errors="replace")
        for tried in (
            escaped,
            f"ContactCollection({escaped})",
            f"{entity('Contact', ANDREW)}/{escaped}",
        ):
            readable(await v3(crm, "GET", tried))


async def test_no_body_makes_it_fail(crm: Caller) -> None:
    choose = random.Random(5)  # noqa: S311 - no secret
    good = atom("Contact", Name="x", Age="5", BirthDate="2020-01-01T00:00:00", AccountId=None)
    for _ in range(600):
        body = bytearray(good)
        for _ in range(choose.randrange(1, 6)):
            body[choose.randrange(len(body))] = choose.choice(b"<>&\"'/!?d:m= \x00\xff0z")
        readable(await v3(crm, "POST", "ContactCollection", bytes(body), ENTRY))
    values: list[Any] = [
        None,
        True,
        5,
        1.5,
        1e300,
        "x",
        "",
        [],
        {},
        [None],
        {"uri": 1},
        {"__metadata": 5},
    ]
    values += [{"__metadata": {"uri": "$1"}}, {"__deferred": 1}, {"__mediaresource": 1}, [[]]]
    values += [[{"__metadata": {"uri": "x"}, "y": 1}], "/Date(99999999999999)/", "\u0000"]
    names = ["Id", "Name", "Age", "BirthDate", "AccountId", "Account", "ContactPhoto", "Nope"]
    names += [
        "ContactCollectionByOwner",
        "__metadata",
        "@odata.type",
        "Account@odata.bind",
        "Confirmed",
    ]
    for name in names:
        for value in values:
            response = await v3(crm, "POST", "ContactCollection", {name: value}, JSON)
            if response.status != 501:
                readable(response)
            if response.status == 201:
                key = response.json()["d"]["Id"]
                readable(await v3(crm, "PUT", entity("Contact", key), {name: value}, JSON))
                readable(await v3(crm, "GET", entity("Contact", key)))


async def test_no_batch_makes_it_fail(crm: Caller) -> None:
    choose = random.Random(7)  # noqa: S311 - no secret
    good, headers = batch(
        operation("GET CityCollection"),
        [operation("POST CityCollection", atom("City", Name="x"), Content_ID=1)],
    )
    for _ in range(300):
        body = bytearray(good)
        for _ in range(choose.randrange(1, 4)):
            body[choose.randrange(len(body))] = choose.choice(b"-\r\n: $/\x00\xff1x")
        response = await v3(crm, "POST", "$batch", bytes(body), headers)
        assert response.status in {202, 400}
        assert response.status == 400 or statuses(response)
