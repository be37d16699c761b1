"""Documents of verbose JSON as the standard prints them, and as clients of Creatio saw them."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from creatio_async.protocol.odata3.answers import Answer, FormatError
from creatio_async.protocol.odata3.verbose import read_value, read_verbose

BASE = "http://crm.test/0/ServiceModel/EntityDataService.svc/"
ZERO = "00000000-0000-0000-0000-000000000000"


def read(content: Any, **options: Any) -> Answer:
    return read_verbose(orjson.dumps({"d": content}), base=BASE, **options)


def row_of(row: dict[str, Any], **options: Any) -> dict[str, Any]:
    answer = read(row, **options)
    assert not answer.is_feed
    [found] = answer.rows
    return found


def deferred(uri: str) -> dict[str, Any]:
    return {"__deferred": {"uri": uri}}


def test_a_collection_has_rows_a_count_and_what_follows() -> None:
    row = {
        "__metadata": {"uri": f"{BASE}ContactCollection(guid'1')", "type": "T.Contact"},
        "Name": "Mary",
        "CreatedOn": "2018-10-26T09:13:30.142",
        "Account": deferred("x"),
        "Photo": {"__mediaresource": {"edit_media": "x"}},
    }
    content = {"results": [row], "__count": "41", "__next": f"{BASE}ContactCollection?$skip=40"}
    assert read(content) == Answer(
        rows=[{"Name": "Mary", "CreatedOn": "2018-10-26T09:13:30.142Z"}],
        count=41,
        next_link=f"{BASE}ContactCollection?$skip=40",
    )
    assert read({"results": [], "__count": 0, "__next": "X?a=1"}) == Answer(
        rows=[], count=0, next_link=f"{BASE}X?a=1"
    )


def test_a_collection_of_version_1_is_a_list() -> None:
    assert read([{"A": 1}, {"A": 2}]) == Answer(rows=[{"A": 1}, {"A": 2}])
    assert read([]) == Answer(rows=[])


def test_a_single_row_is_no_collection() -> None:
    assert read({"__metadata": {}, "A": 1}) == Answer(rows=[{"A": 1}], is_feed=False)
    assert read({"results": {"A": 1}}) == Answer(rows=[{"A": 1}], is_feed=False)
    assert read(None) == Answer(rows=[], is_feed=False)
    row = {"__metadata": {}, "results": {"results": [1]}, "A": 1}
    assert row_of(row) == {"results": [1], "A": 1}


def test_a_byte_order_mark_is_no_harm() -> None:
    assert read_verbose(b'\xef\xbb\xbf{"d":[]}').rows == []


def test_dates_come_as_ticks_or_as_iso_and_are_told_with_a_zone() -> None:
    row = {
        "A": "/Date(1540545210142)/",
        "B": "/Date(0)/",
        "C": "/Date(-62135596800000)/",
        "D": "/Date(1540556010142+180)/",
        "E": "/Date(1540534410142-0180)/",
        "F": "2018-10-26T09:13:30",
    }
    assert row_of(row) == {
        "A": "2018-10-26T09:13:30.142Z",
        "B": "1970-01-01T00:00:00Z",
        "C": "0001-01-01T00:00:00Z",
        "D": "2018-10-26T09:13:30.142Z",
        "E": "2018-10-26T09:13:30.142Z",
        "F": "2018-10-26T09:13:30Z",
    }
    assert row_of(row, nulls=True)["C"] is None


def test_without_types_only_a_column_of_dates_alone_is_one() -> None:
    dates, texts = ["2018-10-26T09:13:30", None, "/Date(0)/"], ["2018-10-26T09:13:30", "x", ""]
    rows = [{"When": date, "Note": text} for date, text in zip(dates, texts, strict=True)]
    assert read(rows).rows == [
        {"When": "2018-10-26T09:13:30Z", "Note": "2018-10-26T09:13:30"},
        {"When": None, "Note": "x"},
        {"When": "1970-01-01T00:00:00Z", "Note": ""},
    ]
    beyond = {"A": "/Date(999999999999999)/"}
    assert row_of(beyond) == beyond
    with pytest.raises(FormatError, match=r"'A' holds '/Date\(9+\)/', which is no Edm\.DateTime"):
        row_of(beyond, types={"A": "Edm.DateTime"})
    zoned = {"A": "2018-10-26T09:13:30Z", "B": "2018-10-26", "C": "/Date(x)/", "D": "P1D"}
    assert row_of(zoned) == zoned


def test_types_tell_what_a_text_is() -> None:
    row = {
        "Note": "2018-10-26T09:13:30",
        "When": "2018-10-26T09:13:30",
        "Total": "9223372036854775807",
        "Amount": "10.50",
        "Whole": "5",
        "Rate": 0.5,
        "Id": ZERO.replace("0-", "A-"),
        "Flag": True,
        "Time": "PT1H",
        "Data": "+/8=",
        "Empty": None,
        "Odd": "1",
        "Tags": {"__metadata": {"type": "Collection(Edm.Int64)"}, "results": ["1", "2"]},
    }
    types = {
        "Note": "Edm.String",
        "When": "Edm.DateTime",
        "Total": "Edm.Int64",
        "Amount": "Edm.Decimal",
        "Whole": "Edm.Decimal",
        "Rate": "Edm.Double",
        "Id": "Edm.Guid",
        "Flag": "Edm.Boolean",
        "Time": "Edm.Time",
        "Data": "Edm.Binary",
        "Empty": "Edm.DateTime",
        "Odd": "T.Odd",
        "Tags": "Collection(Edm.Int64)",
        "NotThere": "Edm.Int32",
    }
    wanted = {
        **row,
        "When": "2018-10-26T09:13:30Z",
        "Total": 9223372036854775807,
        "Amount": 10.5,
        "Whole": 5,
        "Id": ZERO.replace("0-", "a-"),
        "Tags": [1, 2],
    }
    assert row_of(row, types=types) == wanted
    exact = row_of(row, types=types, decimals=True)
    assert exact == {**wanted, "Amount": Decimal("10.50"), "Rate": Decimal("0.5")}
    assert [type(exact[name]) for name in ("Amount", "Whole", "Rate")] == [Decimal, int, Decimal]
    for decimals in (False, True):
        assert row_of({"Rate": "NaN"}, types=types, decimals=decimals) == {"Rate": "NaN"}
    with pytest.raises(FormatError, match=r"'Amount' holds 'much', which is no Edm\.Decimal"):
        row_of({"Amount": "much"}, types=types)


def test_creatios_empty_values_become_none_where_that_is_asked() -> None:
    row = {"A": ZERO, "B": "0001-01-01T00:00:00", "C": "", "D": 0, "E": {"F": ZERO}, "G": [ZERO]}
    types = {"A": "Edm.Guid", "B": "Edm.DateTime"}
    wanted = {"A": None, "B": None, "C": "", "D": 0, "E": {"F": None}}
    for known in ({}, types):
        found = row_of(row, types=known, nulls=True)
        assert {name: found[name] for name in wanted} == wanted


def test_rows_are_expanded_to_any_depth() -> None:
    call = {"__metadata": {"uri": "c"}, "Start": "2018-10-26T09:13:30", "Contact": deferred("x")}
    rows = [
        {
            "Id": "1",
            "Account": {"__metadata": {"uri": "a"}, "Name": "Acme", "Type": {"Name": "Customer"}},
            "Calls": {"results": [call, dict(call)], "__next": "Calls?p=2", "__count": "9"},
            "Old": [{"__metadata": {}, "A": deferred("x")}],
        },
        {"Id": "2", "Account": None, "Calls": {"results": []}, "Old": []},
    ]
    inner = {"Start": "2018-10-26T09:13:30Z"}
    wanted = [
        {
            "Id": "1",
            "Account": {"Name": "Acme", "Type": {"Name": "Customer"}},
            "Calls": [inner, inner],
            "Old": [{}],
        },
        {"Id": "2", "Account": None, "Calls": [], "Old": []},
    ]
    assert read(rows).rows == wanted
    typed = {"Calls": {"Start": "Edm.String"}}
    assert read(rows, types=typed).rows[0]["Calls"][0] == {"Start": "2018-10-26T09:13:30"}
    told = read(rows, annotated=True).rows[0]
    assert told["Calls@odata.nextLink"] == f"{BASE}Calls?p=2"
    assert told["Calls@odata.count"] == 9
    assert told["Calls"][1]["Contact@odata.navigationLink"] == f"{BASE}x"


def test_rows_may_differ_in_their_columns() -> None:
    rows = [
        {"A": 1, "D": "2018-10-26T09:13:30"},
        {"B": deferred("x")},
        {"D": "x", "A": deferred("y")},
    ]
    assert read(rows).rows == [{"A": 1, "D": "2018-10-26T09:13:30"}, {}, {"D": "x"}]


def test_what_is_told_beside_the_values_has_the_names_of_version_4() -> None:
    row = {
        "__metadata": {
            "uri": f"{BASE}Image(1)",
            "type": "T.Image",
            "etag": 'W/"1"',
            "edit_media": "Image(1)/$value",
            "media_src": f"{BASE}Image(1)/$value",
            "content_type": "image/png",
            "media_etag": 'W/"2"',
            "properties": {"Owner": {"associationuri": "Image(1)/$links/Owner"}},
        },
        "Owner": deferred("Image(1)/Owner"),
        "Thumb": {"__mediaresource": {"edit_media": "Image(1)/Thumb", "content_type": "a/b"}},
        "Name": "x.png",
    }
    assert row_of(row, annotated=True) == {
        "@odata.id": f"{BASE}Image(1)",
        "@odata.editLink": f"{BASE}Image(1)",
        "@odata.type": "#T.Image",
        "@odata.etag": 'W/"1"',
        "@odata.mediaEditLink": f"{BASE}Image(1)/$value",
        "@odata.mediaReadLink": f"{BASE}Image(1)/$value",
        "@odata.mediaContentType": "image/png",
        "@odata.mediaEtag": 'W/"2"',
        "Owner@odata.associationLink": f"{BASE}Image(1)/$links/Owner",
        "Owner@odata.navigationLink": f"{BASE}Image(1)/Owner",
        "Thumb@odata.mediaEditLink": f"{BASE}Image(1)/Thumb",
        "Thumb@odata.mediaContentType": "a/b",
        "Name": "x.png",
    }


def test_a_value_alone_is_read_by_its_type() -> None:
    assert read_value(b'{"d":{"Name":"x"}}') == "x"
    assert read_value(b'{"d":{"results":{"Name":null}}}') is None
    assert read_value(b'{"d":{"When":"/Date(0)/"}}') == "1970-01-01T00:00:00Z"
    assert read_value(b'{"d":{"Amount":"10.50"}}', edm="Edm.Decimal") == 10.5
    address = b'{"d":{"Address":{"__metadata":{"type":"T.A"},"City":"Kyiv"}}}'
    assert read_value(address) == {"City": "Kyiv"}
    assert read_value(address, annotated=True) == {"@odata.type": "#T.A", "City": "Kyiv"}
    tags = b'{"d":{"__metadata":{"type":"Collection(Edm.String)"},"results":["a"]}}'
    assert read_value(tags) == read_value(b'{"d":{"Tags":{"results":["a"]}}}') == ["a"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON"),
        (b"<feed/>", "no JSON"),
        (b'{"d":{"results":[{"A"', "no JSON, or only a part of it"),
        (b"[]", "no JSON object"),
        (b"{}", "it has no 'd'"),
        (b'{"d":5}', "5 where rows were due"),
        (b'{"d":[1]}', "no collection of rows"),
        (b'{"d":{"results":[{}],"__count":"x"}}', "the count 'x' is no number"),
        (b'{"d":{"results":[{}],"__count":-1}}', "the count -1 is no number"),
        (b'{"d":{"results":[],"__next":"http://[x"}}', "no address"),
        (b'{"error":{"code":"","message":{"lang":"en","value":"No."}}}', "an error: No."),
        (b'{"error":{"message":"No."}}', "an error: No."),
        (b'{"d":' + b'{"a":' * 100 + b"1" + b"}" * 101, "more than 64 rows in one another"),
        (b'{"d":' + b"[" * 5000, "no JSON"),
    ],
)
@pytest.mark.parametrize("decimals", [False, True])
def test_what_is_no_verbose_json_is_told(body: bytes, said: str, *, decimals: bool) -> None:
    with pytest.raises(FormatError, match=said):
        read_verbose(body, decimals=decimals)
