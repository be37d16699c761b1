"""The multipart examples of academy.creatio.com, "Batch request examples", as they are printed.

The printed requests are no MIME: they hold `//` comments, name the operation (`Content-ID`) among
the HTTP headers instead of among those of the part, end their lines with a line feed alone, and
lack every closing delimiter. What they mean is read from them without the comments.
"""

import email
import email.policy
from email.message import MIMEPart
from typing import Any

import orjson
import pytest

from creatio_async.messages import Headers, Response
from creatio_async.protocol.batch.multipartbatch import Form, decode, decode_by_type, encode
from creatio_async.protocol.batch.operations import Operation
from tests.fuzz.wires import REQUEST

TYPE = "multipart/mixed;boundary=batch_a685-9724-d873; IEEE754Compatible=true"
RESPONSE_TYPE = "multipart/mixed; boundary=batchresponse_e17aace9-5cbb-49bd-b7ad-f1be8cc8c9d8"

THREE_WRITES = """\
--batch_a685-9724-d873
Content-Type: multipart/mixed; boundary=changeset_06da-d998-8e7e

--changeset_06da-d998-8e7e
Content-Type: application/http
Content-Transfer-Encoding: binary

// Добавить экземпляр объекта коллекции City.
POST City HTTP/1.1
Content-ID: 1
Accept: application/atomsvc+xml;q=0.8, application/json;odata=verbose;q=0.5, */*;q=0.1
Content-Type: application/json;odata=verbose

// Добавить в поле Name значение Gilbert.
{"Name": "Gilbert"}

--changeset_06da-d998-8e7e
Content-Type: application/http
Content-Transfer-Encoding: binary

// Изменить экземпляр объекта коллекции City с идентификатором 62f9bc01-57cf-4cc7-90bf-8672acc922e2.
PATCH City/62f9bc01-57cf-4cc7-90bf-8672acc922e2 HTTP/1.1
Content-ID: 2
Accept: application/atomsvc+xml;q=0.8, application/json;odata=verbose;q=0.5, */*;q=0.1
Content-Type: application/json;odata=verbose

// Изменить значение поля Name на Lincoln.
{"Name": "Lincoln"}

--changeset_06da-d998-8e7e
Content-Type: application/http
Content-Transfer-Encoding: binary

// Удалить экземпляр объекта коллекции City с идентификатором 62f9bc01-57cf-4cc7-90bf-8672acc922e2.
DELETE City/62f9bc01-57cf-4cc7-90bf-8672acc922e2 HTTP/1.1
Content-ID: 3
Accept: application/atomsvc+xml;q=0.8, application/json;odata=verbose;q=0.5, */*;q=0.1
Content-Type: application/json;odata=verbose
"""

THREE_WRITES_ANSWER = """\
--batchresponse_e17aace9-5cbb-49bd-b7ad-f1be8cc8c9d8
Content-Type: multipart/mixed; boundary=changesetresponse_a08c1df6-4b82-4a9b-be61-7ef4cc7b23ba

--changesetresponse_a08c1df6-4b82-4a9b-be61-7ef4cc7b23ba
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 201 Created
Location: https://mycreatio.com/0/odata/City(fbd0565f-fa8a-4214-ae89-c976c5f3acb4)
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{
    "@odata.context": "https://mycreatio.com/0/odata/$metadata#City/$entity",
    "Id": "fbd0565f-fa8a-4214-ae89-c976c5f3acb4",
    "CreatedOn": "2020-05-18T18:41:57.0917235Z",
    "CreatedById": "dad159f3-6c2d-446a-98d2-0f4d26662bbe",
    "ModifiedOn": "2020-05-18T18:41:57.0917235Z",
    "ModifiedById": "dad159f3-6c2d-446a-98d2-0f4d26662bbe",
    "Name": "Gilbert",
    "Description": "",
    "CountryId": "00000000-0000-0000-0000-000000000000",
    "RegionId": "00000000-0000-0000-0000-000000000000",
    "TimeZoneId": "00000000-0000-0000-0000-000000000000",
    "ProcessListeners": 0
}
--changesetresponse_a08c1df6-4b82-4a9b-be61-7ef4cc7b23ba
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

HTTP/1.1 204 No Content
OData-Version: 4.0


--changesetresponse_a08c1df6-4b82-4a9b-be61-7ef4cc7b23ba
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 3

HTTP/1.1 204 No Content


--changesetresponse_a08c1df6-4b82-4a9b-be61-7ef4cc7b23ba--
--batchresponse_e17aace9-5cbb-49bd-b7ad-f1be8cc8c9d8--
"""

TWO_SETS = """\
--batch_a685-9724-d873
Content-Type: multipart/mixed; boundary=changeset_06da-d998-8e7e

--changeset_06da-d998-8e7e
Content-Type: application/http
Content-Transfer-Encoding: binary

// Добавить экземпляр объекта коллекции City.
POST City HTTP/1.1
Content-ID: 1
Accept: application/atomsvc+xml;q=0.8, application/json;odata=verbose;q=0.5, */*;q=0.1
Content-Type: application/json;odata=verbose

// Добавить в поле Id значение d6bc67b1-9943-4e47-9aaf-91bf83e9c285.
// Добавить в поле Name значение Nebraska.
{"Id": "d6bc67b1-9943-4e47-9aaf-91bf83e9c285", "Name": "Nebraska"}

--batch_a685-9724-d873
Content-Type: multipart/mixed; boundary=changeset_06da-d998-8e71

--changeset_06da-d998-8e71
Content-Type: application/http
Content-Transfer-Encoding: binary

// Добавить экземпляр объекта коллекции City.
POST City HTTP/1.1
Content-ID: 2
Accept: application/atomsvc+xml;q=0.8, application/json;odata=verbose;q=0.5, */*;q=0.1
Content-Type: application/json;odata=verbose

// Добавить в поле Id значение d6bc67b1-9943-4e47-9aaf-91bf83e9c286.
// Добавить в поле Name значение Durham.
{"Id": "d6bc67b1-9943-4e47-9aaf-91bf83e9c286", "Name": "Durham"}
"""

TWO_SETS_ANSWER = """\
{
    "responses": [
        {
            "id": "1",
            "atomicityGroup": "e9621f72-42bd-47c1-b271-1027e4b68e3b",
            "status": 201,
            "headers": {
                "location": "https://mycreatio.com/0/odata/City(d6bc67b1-9943-4e47-9aaf-91bf83e9c285)",
                "content-type": "application/json; odata.metadata=minimal",
                "odata-version": "4.0"
            },
            "body": {
                "@odata.context": "https://mycreatio.com/0/odata/$metadata#City/$entity",
                "Id": "d6bc67b1-9943-4e47-9aaf-91bf83e9c285",
                "CreatedOn": "2020-05-18T18:49:16.3766324Z",
                "CreatedById": "dad159f3-6c2d-446a-98d2-0f4d26662bbe",
                "ModifiedOn": "2020-05-18T18:49:16.3766324Z",
                "ModifiedById": "dad159f3-6c2d-446a-98d2-0f4d26662bbe",
                "Name": "Nebraska",
                "Description": "",
                "CountryId": "00000000-0000-0000-0000-000000000000",
                "RegionId": "00000000-0000-0000-0000-000000000000",
                "TimeZoneId": "00000000-0000-0000-0000-000000000000",
                "ProcessListeners": 0
            }
        },
        {
            "id": "2",
            "atomicityGroup": "960e2272-d8cb-4b4d-827c-0181485dd71d",
            "status": 201,
            "headers": {
                "location": "https://mycreatio.com/0/odata/City(d6bc67b1-9943-4e47-9aaf-91bf83e9c286)",
                "content-type": "application/json; odata.metadata=minimal",
                "odata-version": "4.0"
            },
            "body": {
                "@odata.context": "https://mycreatio.com/0/odata/$metadata#City/$entity",
                "Id": "d6bc67b1-9943-4e47-9aaf-91bf83e9c286",
                "CreatedOn": "2020-05-18T18:49:16.4078852Z",
                "CreatedById": "dad159f3-6c2d-446a-98d2-0f4d26662bbe",
                "ModifiedOn": "2020-05-18T18:49:16.4078852Z",
                "ModifiedById": "dad159f3-6c2d-446a-98d2-0f4d26662bbe",
                "Name": "Durham",
                "Description": "",
                "CountryId": "00000000-0000-0000-0000-000000000000",
                "RegionId": "00000000-0000-0000-0000-000000000000",
                "TimeZoneId": "00000000-0000-0000-0000-000000000000",
                "ProcessListeners": 0
            }
        }
    ]
}
"""

LINCOLN = "City/62f9bc01-57cf-4cc7-90bf-8672acc922e2"
GILBERT = "fbd0565f-fa8a-4214-ae89-c976c5f3acb4"
NEBRASKA = "d6bc67b1-9943-4e47-9aaf-91bf83e9c285"
DURHAM = "d6bc67b1-9943-4e47-9aaf-91bf83e9c286"


def structure(body: bytes, content_type: str) -> Any:
    """Return what the standard library finds: a list for each multipart, a tuple for each part."""
    whole = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    return _found(email.message_from_bytes(whole, policy=email.policy.HTTP))


def _found(message: MIMEPart) -> Any:
    if message.is_multipart():
        return [_found(part) for part in message.iter_parts()]
    assert message.get_content_type() == "application/http"
    assert message["Content-Transfer-Encoding"] == "binary"
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    line, _, rest = payload.lstrip().partition(b"\n")
    inner = email.message_from_bytes(rest, policy=email.policy.HTTP)
    text = inner.get_payload(decode=True)
    assert isinstance(text, bytes)
    return (
        message["Content-ID"] or inner["Content-ID"],
        line.rstrip().decode(),
        orjson.loads(text) if text.strip() else None,
    )


def meant(printed: str) -> Any:
    """Return the structure of a printed request, without its comments."""
    kept = [line for line in printed.splitlines() if not line.startswith("//")]
    return structure("\n".join(kept).encode(), TYPE)


def answered(printed: str, content_type: str) -> Response:
    return Response(
        status=200, headers=Headers({"Content-Type": content_type}), body=printed.encode()
    )


def test_three_writes_in_one_change_set_are_written_as_printed() -> None:
    """The printed PATCH and DELETE address a row with a slash, as Creatio takes it, too."""
    operations = [
        Operation("POST", "City", {"Name": "Gilbert"}, "g"),
        Operation("PATCH", LINCOLN, {"Name": "Lincoln"}, "g"),
        Operation("DELETE", LINCOLN, group="g"),
    ]
    ours = structure(*encode(operations, str))
    assert ours == [
        [
            ("1", "POST City HTTP/1.1", {"Name": "Gilbert"}),
            ("2", f"PATCH {LINCOLN} HTTP/1.1", {"Name": "Lincoln"}),
            ("3", f"DELETE {LINCOLN} HTTP/1.1", None),
        ]
    ]
    assert meant(THREE_WRITES) == ours


def test_the_answer_to_three_writes_is_read_as_printed() -> None:
    """Here the closing delimiters are there, and `Content-ID` is a header of the part.

    The answer to the DELETE has no HTTP header at all.
    """
    answers = decode_by_type(
        3, REQUEST, answered(THREE_WRITES_ANSWER, RESPONSE_TYPE), groups=["g"] * 3
    )
    created, changed, deleted = answers
    assert not answers.cut_off
    assert created is not None
    assert (created["id"], created["status"]) == ("1", 201)
    assert created["headers"] == {
        "location": f"https://mycreatio.com/0/odata/City({GILBERT})",
        "content-type": "application/json; odata.metadata=minimal",
        "odata-version": "4.0",
    }
    assert (created["body"]["Id"], created["body"]["Name"]) == (GILBERT, "Gilbert")
    assert created["body"]["ProcessListeners"] == 0
    assert changed == {
        "id": "2",
        "status": 204,
        "headers": {"odata-version": "4.0"},
        "body": None,
    }
    assert deleted == {"id": "3", "status": 204, "headers": {}, "body": None}


def test_the_printed_answer_may_come_with_the_line_ends_of_http() -> None:
    wire = THREE_WRITES_ANSWER.replace("\n", "\r\n")
    assert decode(3, REQUEST, answered(wire, RESPONSE_TYPE)) == decode(
        3, REQUEST, answered(THREE_WRITES_ANSWER, RESPONSE_TYPE)
    )


@pytest.mark.parametrize("own_sets", [False, True], ids=["in groups", "in sets of their own"])
def test_two_change_sets_are_written_as_printed(own_sets: bool) -> None:  # noqa: FBT001
    """The first of the printed change sets is ended by nothing but the delimiter outside it."""
    first, second = (None, None) if own_sets else ("g1", "g2")
    operations = [
        Operation("POST", "City", {"Id": NEBRASKA, "Name": "Nebraska"}, first),
        Operation("POST", "City", {"Id": DURHAM, "Name": "Durham"}, second),
    ]
    ours = structure(*encode(operations, str, Form(own_sets=own_sets)))
    assert ours == [
        [("1", "POST City HTTP/1.1", {"Id": NEBRASKA, "Name": "Nebraska"})],
        [("2", "POST City HTTP/1.1", {"Id": DURHAM, "Name": "Durham"})],
    ]
    assert meant(TWO_SETS) == ours


def test_a_multipart_request_may_be_answered_in_json() -> None:
    """The example asks with `Accept: application/json`; an `id` is the `Content-ID` then."""
    answers = decode_by_type(
        2, REQUEST, answered(TWO_SETS_ANSWER, "application/json; odata.metadata=minimal")
    )
    assert [item and item["id"] for item in answers] == ["1", "2"]
    assert [item and item["status"] for item in answers] == [201, 201]
    assert [item and item["body"]["Id"] for item in answers] == [NEBRASKA, DURHAM]
    assert not answers.cut_off
