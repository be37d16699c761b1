import re
from collections.abc import Sequence
from typing import Any

import pytest

from creatio_async.emulator import Emulator, Fail, Refuse
from creatio_async.messages import Response

from .caller import ZERO, Caller, caller_of, inner, message_of

INDIANA = "62f9bc01-57cf-4cc7-90bf-8672acc922e2"
NEBRASKA = "d6bc67b1-9943-4e47-9aaf-91bf83e9c285"
GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
BATCH = "batch_a685-9724-d873"
ACCEPT = (
    "Accept: application/atomsvc+xml;q=0.8, application/json;odata=verbose;q=0.5, */*;q=0.1\n"
    "Content-Type: application/json;odata=verbose"
)

# The sample of one change set on academy.creatio.com, "Batch request examples".
PRINTED = f"""
--{BATCH}
Content-Type: multipart/mixed; boundary=changeset_06da-d998-8e7e

--changeset_06da-d998-8e7e
Content-Type: application/http
Content-Transfer-Encoding: binary

// Add a City collection object instance.
POST City HTTP/1.1
Content-ID: 1
{ACCEPT}

// Add the Gilbert value to the Name field.
{{"Name": "Gilbert"}}

--changeset_06da-d998-8e7e
Content-Type: application/http
Content-Transfer-Encoding: binary

// Change the City collection object instance.
PATCH City/{INDIANA} HTTP/1.1
Content-ID: 2
{ACCEPT}

// Change the value of the Name field to Lincoln.
{{"Name": "Lincoln"}}

--changeset_06da-d998-8e7e
Content-Type: application/http
Content-Transfer-Encoding: binary

// Delete the City collection object instance.
DELETE City/{INDIANA} HTTP/1.1
Content-ID: 3
{ACCEPT}"""

# The sample of two change sets on the same page.
TWO_SETS = "\n".join(
    f"""--{BATCH}
Content-Type: multipart/mixed; boundary=changeset_06da-d998-8e7{mark}

--changeset_06da-d998-8e7{mark}
Content-Type: application/http
Content-Transfer-Encoding: binary

// Add a City collection object instance.
POST City HTTP/1.1
Content-ID: {id_}
{ACCEPT}

// Add the value to the Id field.
// Add the value to the Name field.
{{"Id": "{NEBRASKA[:-1]}{key}", "Name": "{name}"}}
"""
    for mark, id_, key, name in (("e", 1, 5, "Nebraska"), ("1", 2, 6, "Durham"))
)


def without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("//"))


async def send(
    crm: Caller, body: str | bytes, boundary: str = BATCH, /, **headers: str
) -> Response:
    sent = {"Content-Type": f"multipart/mixed;boundary={boundary}"} | headers
    data = body if isinstance(body, bytes) else body.encode()
    return await crm.odata("POST", "$batch", data, sent)


def part(request: str, body: str = "", headers: str = "", name: str = "") -> str:
    """One operation as the standard writes it."""
    content_id = f"Content-ID: {name}\r\n" if name else ""
    kind = "Content-Type: application/json\r\n" if body and "Content-Type" not in headers else ""
    return (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"{content_id}\r\n{request} HTTP/1.1\r\n{kind}{headers}\r\n{body}"
    )


def joined(parts: Sequence[str], boundary: str = "b") -> str:
    return "".join(f"--{boundary}\r\n{one}\r\n" for one in parts) + f"--{boundary}--\r\n"


def change_set(*parts: str, boundary: str = "c") -> str:
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{joined(parts, boundary)}"


def taken_apart(response: Response) -> list[Any]:
    """The parts of a multipart answer as (id, status, headers, body); a list for a change set."""
    assert response.status == 200, response.text()
    assert response.headers["odata-version"] == "4.0"
    return apart(response.headers["content-type"], response.body.decode(), "batchresponse")


def apart(content_type: str, text: str, kind: str) -> list[Any]:
    match = re.fullmatch(rf"multipart/mixed; boundary=({kind}_{GUID})", content_type)
    assert match is not None, content_type
    first, *pieces, last = text.split(f"--{match[1]}")
    assert (first, last) == ("", "--\r\n")
    found: list[Any] = []
    for piece in pieces:
        head, _, rest = piece.removeprefix("\r\n").partition("\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.split("\r\n"))
        if "boundary" in headers["Content-Type"]:
            found.append(apart(headers["Content-Type"], rest, "changesetresponse"))
            continue
        assert headers["Content-Type"] == "application/http"
        assert headers["Content-Transfer-Encoding"] == "binary"
        inside, _, body = rest.partition("\r\n\r\n")
        line, *fields = inside.split("\r\n")
        status = int(line.removeprefix("HTTP/1.1 ")[:3])
        told = dict(field.split(": ", 1) for field in fields)
        found.append((headers.get("Content-ID"), status, told, body.removesuffix("\r\n")))
    return found


def statuses(found: list[Any]) -> list[Any]:
    return [statuses(one) if isinstance(one, list) else one[1] for one in found]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_a_multipart_batch_is_answered_as_printed(site: Caller, line_end: str) -> None:
    site.emulator.insert("City", [{"Id": INDIANA, "Name": "Indiana"}])
    text = without_comments(PRINTED).replace("\n", line_end)
    headers = {"Content-Type": f"multipart/mixed;boundary={BATCH}; IEEE754Compatible=true"}
    response = await send(site, text, **headers)
    match = re.fullmatch(
        rf"--(?P<batch>batchresponse_{GUID})\r\n"
        rf"Content-Type: multipart/mixed; boundary=(?P<set>changesetresponse_{GUID})\r\n\r\n"
        r"--(?P=set)\r\n"
        r"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        r"Content-ID: 1\r\n\r\n"
        r"HTTP/1.1 201 Created\r\n"
        rf"Location: {site.base}/0/odata/City\((?P<key>{GUID})\)\r\n"
        r"Content-Type: application/json; odata.metadata=minimal\r\nOData-Version: 4.0\r\n\r\n"
        r"(?P<row>\{.*\})\r\n"
        r"--(?P=set)\r\n"
        r"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        r"Content-ID: 2\r\n\r\n"
        r"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n"
        r"--(?P=set)\r\n"
        r"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        r"Content-ID: 3\r\n\r\n"
        r"HTTP/1.1 204 No Content\r\n\r\n\r\n"
        r"--(?P=set)--\r\n"
        r"--(?P=batch)--\r\n",
        response.text(),
    )
    assert match is not None, response.text()
    assert response.headers["content-type"] == f"multipart/mixed; boundary={match['batch']}"
    assert '"Name":"Gilbert"' in match["row"]
    assert [row["Name"] for row in site.emulator.rows("City")] == ["Gilbert"]


async def test_two_change_sets_are_answered_in_json_as_printed(site: Caller) -> None:
    response = await send(site, without_comments(TWO_SETS), Accept="application/json")
    first, second = response.json()["responses"]
    assert (first["id"], second["id"]) == ("1", "2")
    assert re.fullmatch(GUID, first["atomicityGroup"])
    assert first["atomicityGroup"] != second["atomicityGroup"]
    assert first["status"] == second["status"] == 201
    assert first["headers"] == {
        "location": f"{site.base}/0/odata/City({NEBRASKA})",
        "content-type": "application/json; odata.metadata=minimal",
        "odata-version": "4.0",
    }
    assert (first["body"]["Name"], second["body"]["Name"]) == ("Nebraska", "Durham")


@pytest.mark.parametrize(
    ("sent", "accept", "answered"),
    [
        ("json", "application/json", "application/json"),
        ("json", "multipart/mixed", "multipart/mixed"),
        ("multipart", "application/json", "application/json"),
        ("multipart", "multipart/mixed", "multipart/mixed"),
        ("json", "*/*", "application/json"),
        ("multipart", "*/*", "multipart/mixed"),
        ("multipart", "application/*", "multipart/mixed"),
        ("multipart", "-", "multipart/mixed"),
        ("json", "application/json;q=0.5, multipart/mixed;q=0.6", "multipart/mixed"),
        ("multipart", "application/json;q=0.7, multipart/mixed;q=0.6", "application/json"),
        ("multipart", "multipart/mixed;q=0, application/json;odata=verbose", "application/json"),
        ("json", "application/json;q=high", "application/json"),
    ],
)
async def test_the_outer_accept_decides_the_format_of_the_answer(
    crm: Caller, sent: str, accept: str, answered: str
) -> None:
    if sent == "json":
        response = await crm.batch(inner("1", "GET", "City"), Accept=accept)
    else:
        response = await send(crm, joined([part("GET City", name="1")]), "b", Accept=accept)
    assert (response.status, response.content_type) == (200, answered)


async def test_operations_without_an_id_are_given_one_in_json_only(crm: Caller) -> None:
    body = joined([part("GET City?$top=0"), part("GET City/$count")])
    [first, second] = taken_apart(await send(crm, body, "b"))
    assert (first[0], second[0]) == (None, None)
    assert second[3] == "\ufeff0"
    answers = (await send(crm, body, "b", Accept="application/json")).json()["responses"]
    assert len({re.fullmatch(GUID, answer["id"]) for answer in answers}) == 2


async def test_boundaries_may_be_quoted_and_surrounded_by_text(crm: Caller) -> None:
    body = "This is\r\nno part.\r\n" + joined([part("GET City")], "a b:c")
    body += "--a b:c\r\nnor is this"
    assert statuses(taken_apart(await send(crm, body, '"a b:c"'))) == [200]
    assert statuses(taken_apart(await send(crm, body, '"a b:c"; charset=utf-8'))) == [200]
    body = joined([change_set(part("DELETE City/" + ZERO), boundary='"q"').replace('--"q"', "--q")])
    assert statuses(taken_apart(await send(crm, body, "b"))) == [[404]]


async def test_a_boundary_ends_at_the_end_of_its_line(crm: Caller) -> None:
    body = joined([
        change_set(part("POST City", '{"Name":"A"}'), boundary="bb"),
        part("POST City", '{"Name":"--b and --b-- are\\n--b no boundary"}'),
    ]).replace("--bb\r\n", "--bb \t\r\n")
    assert statuses(taken_apart(await send(crm, body, "b"))) == [[201], 201]
    assert len(crm.emulator.rows("City")) == 2


async def test_addresses_are_absolute_below_the_host_or_below_the_service(site: Caller) -> None:
    host = site.base.removeprefix("http://")
    own, other = f"Host: {host}\r\n", "Host: elsewhere.test\r\n"
    body = joined([
        part("GET City"),
        part(f"GET {site.base}/0/odata/City?$top=1"),
        part("GET /0/odata/City", headers=own),
        part("GET /0/odata/City"),
        part("GET /0/odata/City?$filter=Name eq 'a  b'", headers=own),
        part("GET /0/odata/City", headers=other),
        part("GET http://elsewhere.test/0/odata/City"),
        part("GET /City"),
        part(f"GET City/{ZERO}"),
    ])
    response = await send(site, body, "b", Prefer="continue-on-error")
    assert statuses(taken_apart(response)) == [200] * 5 + [404] * 4


async def test_what_was_created_is_referred_to_within_its_change_set(crm: Caller) -> None:
    body = joined([
        change_set(
            part("POST City", '{"Name":"A"}', name="7"),
            part("PATCH $7", '{"Name":"B"}', name="8"),
        ),
    ])
    found = taken_apart(await send(crm, body, "b"))
    assert statuses(found) == [[201, 204]]
    assert [one[0] for one in found[0]] == ["7", "8"]
    [row] = crm.emulator.rows("City")
    assert row["Name"] == "B"


async def test_an_operation_of_no_change_set_may_be_referred_to_by_others_of_none(
    crm: Caller,
) -> None:
    body = joined([part("POST City", '{"Name":"A"}', name="1"), part("GET $1/Name")])
    assert statuses(taken_apart(await send(crm, body, "b"))) == [201, 200]


@pytest.mark.parametrize(
    "later",
    [
        change_set(part("PATCH $7", '{"Name":"C"}', name="9")),
        change_set(part("PATCH $9", '{"Name":"C"}', name="9")),
        part("GET $7/Name"),
        part("GET $9"),
    ],
)
async def test_a_reference_out_of_a_change_set_is_refused_before_anything_runs(
    crm: Caller, later: str
) -> None:
    body = joined([change_set(part("POST City", '{"Name":"A"}', name="7")), later])
    assert (await send(crm, body, "b")).status == 400
    assert crm.emulator.rows("City") == []


async def test_a_change_set_is_done_whole_or_not_at_all(crm: Caller) -> None:
    failing = [
        part("POST City", '{"Name":"A"}', name="1"),
        part("POST City", '{"Nothing":1}', name="2"),
        part("POST City", '{"Name":"C"}', name="3"),
    ]
    body = joined([change_set(*failing), change_set(part("POST City", '{"Name":"D"}', name="4"))])
    [[only]] = taken_apart(await send(crm, body, "b"))
    assert only[:2] == ("2", 400)
    assert crm.emulator.rows("City") == []
    [[first], [second]] = taken_apart(await send(crm, body, "b", Prefer="continue-on-error"))
    assert (first[1], second[1]) == (400, 201)
    answers = (await send(crm, body, "b", Accept="application/json")).json()["responses"]
    assert [(answer["id"], answer["status"]) for answer in answers] == [("2", 400)]


async def test_plain_odata_answers_a_failed_change_set_outside_of_one() -> None:
    body = joined([
        change_set(part("POST City", '{"Name":"A"}', name="1")),
        change_set(part(f"DELETE City({ZERO})", name="2")),
        change_set(part("POST City", '{"Name":"C"}', name="3")),
        part("GET City/$count"),
    ])
    with Emulator(profile="standard") as emulator:
        crm = caller_of(emulator)
        await crm.login()
        found = taken_apart(await send(crm, body, "b", Prefer="continue-on-error"))
    assert statuses(found) == [[201], 404, [201], 200]


async def test_bytes_travel_as_they_are(crm: Caller) -> None:
    image = (await crm.create("SysImage", Name="a.png"))["Id"]
    data = b"\x00\xff\r\n\n--\r"
    kind = "Content-Type: application/octet-stream\r\n"
    put = part(f"PUT SysImage({image})/Data", headers=f"{kind}Content-Length: {len(data)}\r\n")
    body = b"--b\r\n" + put.encode() + data + b"\r\n--b--"
    assert statuses(taken_apart(await send(crm, body, "b"))) == [200]
    assert (await crm.odata("GET", f"SysImage({image})/Data")).body == data
    get = part(f"GET SysImage({image})/Data")
    response = await send(crm, joined([get]), "b")
    assert b"\r\n\r\n" + data + b"\r\n--batchresponse" in response.body


async def test_headers_may_hold_any_sign_but_a_line_end(crm: Caller) -> None:
    body = joined([
        part("GET City?$filter=Name eq '\u2028\x85'", headers="X-Odd: a\x0b\u2028b\r\n")
    ])
    assert statuses(taken_apart(await send(crm, body, "b"))) == [200]


async def test_a_header_may_go_on_in_the_next_line(crm: Caller) -> None:
    body = joined([change_set(part("POST City", '{"Name":"A"}'), boundary="c")])
    body = body.replace("mixed; ", "mixed;\r\n\t").replace(
        "application/http", "\r\n application/http"
    )
    assert "mixed;\r\n\tboundary" in body
    assert statuses(taken_apart(await send(crm, body, "b"))) == [[201]]


async def test_troubles_are_met_inside_a_multipart_batch(crm: Caller) -> None:
    crm.emulator.troubles.add(Refuse(status=599), method="DELETE", inner=True)
    crm.emulator.troubles.add(Fail(), method="POST", inner=True)
    body = joined([part(f"DELETE City({ZERO})"), part("POST City", '{"Name":"A"}')])
    response = await send(crm, body, "b", Prefer="continue-on-error")
    assert statuses(taken_apart(response)) == [599, 500]
    assert b"HTTP/1.1 599 Unknown\r\n" in response.body


HTTP = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
POST = part("POST City", '{"Name":"A"}')


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is not found"),
        ("--other\r\n", "is not found"),
        ("--b--", "at least one"),
        ("--b\r\n\r\nPOST City HTTP/1.1\r\n", "content type of a part"),
        ("--b\r\nContent-Type: application/http\r\n\r\nGET City HTTP/1.1", "must be 'binary'"),
        ("--b\r\nContent-Type: text/plain\r\n\r\nGET City HTTP/1.1", "must be 'application/http'"),
        (f"--b\r\n{HTTP}No header\r\n\r\nGET City HTTP/1.1", "invalid header"),
        (f"--b\r\n{HTTP}{HTTP}\r\nGET City HTTP/1.1", "more than once"),
        (f"--b\r\n{HTTP}\r\nGET City HTTP/1.0", "HTTP version"),
        (f"--b\r\n{HTTP}\r\nGET City", "request line"),
        (f"--b\r\n{HTTP}\r\nGET", "request line"),
        (f"--b\r\n{HTTP}\r\nGET  HTTP/1.1", "request line"),
        (f"--b\r\n{HTTP}\r\nHEAD City HTTP/1.1", "HTTP method 'HEAD'"),
        (f"--b\r\n{HTTP}\r\nget City HTTP/1.1", "HTTP method 'get'"),
        (joined([change_set(POST, part("GET City"))]), "in a change set"),
        (joined([change_set(POST, change_set(POST, boundary="d"))]), "Nested"),
        (joined([change_set()]), "at least one"),
        (joined(["Content-Type: multipart/mixed\r\n\r\n"]), "its boundary"),
        (joined(["Content-Type: multipart/mixed; boundary=c\r\n\r\n"]), "is not found"),
        (
            joined([change_set(*[part("POST City", '{"Name":"A"}', name="1")] * 2)]),
            "more than once",
        ),
        (joined([part("GET City", name="1"), part("GET City", name="1")]), "more than once"),
        (joined([part("GET City", headers="Content-Length: 9\r\n")]), "it is shorter"),
        (joined([part("GET City", headers="Content-Length: x\r\n")]), "it is shorter"),
        (joined([POST] * 101), "too many parts"),
        (joined([change_set(*[POST] * 101)]), "too many parts"),
    ],
)
async def test_of_a_malformed_batch_nothing_is_done(crm: Caller, body: str, words: str) -> None:
    response = await send(crm, f"--b\r\n{POST}\r\n{body}" if body[:5] == "--b\r\n" else body, "b")
    assert response.status == 400
    assert words in message_of(response)
    assert crm.emulator.rows("City") == []


async def test_on_net_the_outer_accept_for_multipart_is_not_that_of_the_operations() -> None:
    with Emulator(runtime="net") as emulator:
        crm = caller_of(emulator, workspace="")
        await crm.login()
        body = joined([part("GET City?$top=0"), part("GET City?$top=0", headers="Accept: a/b\r\n")])
        response = await send(crm, body, "b", Accept="multipart/mixed")
        assert statuses(taken_apart(response)) == [200, 406]


@pytest.mark.parametrize("kind", ["", '; boundary=""', "; boundary=" + "x" * 71])
async def test_a_batch_needs_a_boundary(crm: Caller, kind: str) -> None:
    headers = {"Content-Type": f"multipart/mixed{kind}"}
    assert (await send(crm, joined([POST]), **headers)).status == 400


async def test_plain_odata_takes_more_operations_in_change_sets_only() -> None:
    with Emulator(profile="standard") as emulator:
        crm = caller_of(emulator)
        await crm.login()
        assert (await send(crm, joined([change_set(*[POST] * 150)]), "b")).status == 200
        assert (await send(crm, joined([POST] * 101), "b")).status == 400
        assert len(emulator.rows("City")) == 150


async def test_ids_may_have_to_be_unique_across_change_sets() -> None:
    with Emulator(unique_batch_ids=True) as emulator:
        crm = caller_of(emulator)
        await crm.login()
        named = part("POST City", '{"Name":"A"}', name="1")
        body = joined([change_set(named), change_set(named)])
        assert (await send(crm, body, "b")).status == 400
        assert (await send(crm, joined([POST, POST]), "b")).status == 200
