import datetime as dt
import re
from decimal import Decimal
from typing import Any, cast
from urllib.parse import unquote
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from creatio_async import Condition, EntitySet, F, Query
from creatio_async.errors import UnexpectedResponseError
from creatio_async.messages import Request, Response
from creatio_async.protocol.odata import v4
from creatio_async.protocol.odata.reading import Reading, read_count
from creatio_async.protocol.odata.spec import QuerySpec

REQUEST = Request(method="GET", url=URL("http://crm.test/0/odata/Contact?$top=2", encoded=True))
GUID = "4c63c8fa-467b-48a6-973f-b2069298404f"


CONTACTS = Query(cast("Any", None), "Contact")
"""It has no service: nothing here is sent."""


def sent(query: Query) -> str:
    return v4.collection_path(query.name, query.spec)


def path_of(*conditions: Condition | str) -> str:
    return sent(CONTACTS.where(*conditions))


# --- Addresses ------------------------------------------------------------------------------------


def test_a_set_and_a_row_have_addresses() -> None:
    assert v4.set_path("Contact") == "Contact"
    assert v4.set_path("UsrКонтакт") == "Usr%D0%9A%D0%BE%D0%BD%D1%82%D0%B0%D0%BA%D1%82"
    assert v4.entity_path("Contact", GUID) == f"Contact({GUID})"
    assert v4.collection_path("Contact", QuerySpec()) == "Contact"


def test_the_options_stand_in_one_order_each_encoded_once() -> None:
    query = (
        CONTACTS
        .where(F.Name == "O'Brien & Co")
        .select("Name", F.Phone)
        .expand("Account/Type", F.City)
        .order_by("Account/Name desc", F.Name)
        .top(5)
        .skip(10)
    )
    assert sent(query) == (
        "Contact?$filter=Name%20eq%20'O''Brien%20%26%20Co'&$select=Name,Phone"
        "&$expand=Account($expand=Type),City&$orderby=Account/Name%20desc,Name"
        "&$top=5&$skip=10"
    )


def test_a_blank_is_20_and_a_plus_is_2b() -> None:
    path = path_of(F.Phone == "+1 111 111 1111")
    assert path == "Contact?$filter=Phone%20eq%20'%2B1%20111%20111%201111'"


def test_columns_of_the_filter_are_selected_too() -> None:
    where = (F.AccountId == GUID) & (F.Name != "x") & (F.Account.Name == "y") & (F.Age > F.Score)
    assert "$select=Id,Name,AccountId,Age,Score" in sent(CONTACTS.where(where).select("Id", "Name"))
    assert "$select" not in sent(CONTACTS.where(where))


def test_the_number_of_rows_is_asked_for_with_the_condition_only() -> None:
    query = CONTACTS.where(F.Age > 1).select("Id").top(5).skip(2).order_by("Id")
    assert v4.count_path("Contact", query.spec) == "Contact/$count?$filter=Age%20gt%201"


def test_a_lookup_is_rewritten_in_the_filter_only() -> None:
    query = CONTACTS.where(F.AccountId == GUID).select("AccountId").order_by(F.AccountId).top(1)
    assert sent(query) == (
        f"Contact?$filter=Account/Id%20eq%20{GUID}&$select=AccountId&$orderby=AccountId&$top=1"
    )


# The OASIS OData 4.0 ABNF, as far as it tells which characters stand for themselves:
# pchar-no-SQUOTE within a string, and what joins literals, paths and options outside of one.
_PCHAR = r"(?:[A-Za-z0-9\-._~!()*,;$&=:@]|%(?!27)[0-9A-F]{2})"
_STRING = rf"'(?:{_PCHAR}|'')*'"
_OUTSIDE = r"(?:[A-Za-z0-9\-._~()*,;$=:@/]|%(?:20|2B|[89A-F][0-9A-F]))"
_VALUE = re.compile(rf"(?:{_OUTSIDE}|{_STRING})*")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = (
    texts
    | st.text("'%+&#;/?= \\\"", max_size=8)
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.uuids()
    | st.booleans()
    | st.none()
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.binary(max_size=8)
)
columns = st.sampled_from([F.Name, F.Account.Name, F["UsrИмя"], F.FacebookId])


@given(columns, values, st.sampled_from(["__eq__", "__ne__", "__lt__", "__ge__"]))
def test_whatever_the_value_the_address_is_made_of_characters_that_the_abnf_allows(
    column: Any, value: Any, operator: str
) -> None:
    path = sent(CONTACTS.where(getattr(column, operator)(value)).top(3))
    name, _, query = path.partition("?")
    options = query.split("&$top=")
    assert name == "Contact"
    assert options[1:] == ["3"]
    assert options[0].startswith("$filter=")
    assert _VALUE.fullmatch(options[0].removeprefix("$filter="))


@given(texts)
def test_no_text_can_change_the_structure_of_an_address(text: str) -> None:
    condition = (F.Name == text) & F.Notes.contains(text)
    path = sent(CONTACTS.where(condition).top(3))
    url = URL(f"http://crm.test/0/odata/{path}", encoded=True)
    assert url.raw_path == "/0/odata/Contact"
    assert url.fragment == ""
    assert path.count("&") == 1
    assert "+" not in path
    quoted = text.replace("'", "''")
    expected = f"$filter=Name eq '{quoted}' and contains(Notes,'{quoted}')"
    if UUID_FORM.fullmatch(text) is None:
        assert unquote(path.split("?", 1)[1].rsplit("&", 1)[0]) == expected


UUID_FORM = re.compile(r"[0-9a-fA-F-]{36}")


def test_raw_text_is_sent_as_it_stands_with_its_bytes_encoded() -> None:
    path = path_of("Name eq 'a;b/c' or contains(Name,'+')", F.Age > 1)
    assert path == (
        "Contact?$filter=(Name%20eq%20'a%3Bb%2Fc'%20or%20contains(Name,'%2B'))%20and%20Age%20gt%201"
    )


# --- Answers --------------------------------------------------------------------------------------


def page_of(body: Any, *, expanded: bool = False) -> Any:
    encoded = body if isinstance(body, bytes) else orjson.dumps(body)
    return Reading().page(REQUEST, Response(status=200, body=encoded), expanded=expanded)


def test_rows_come_without_annotations_whichever_row_has_them() -> None:
    rows = [
        {"Id": "1"},
        {"Id": "2", "@odata.etag": "x"},
        {"Id": "3", "Data@odata.mediaEditLink": 1},
    ]
    assert page_of({"value": rows}).rows == [{"Id": "1"}, {"Id": "2"}, {"Id": "3"}]


def test_rows_within_rows_come_without_annotations() -> None:
    account = {"Id": "1", "@odata.id": "x", "Type": {"Name": "t", "@odata.id": "x"}}
    row = {"Account": account, "Activities": [{"Id": "2", "@odata.id": "x"}], "Tags": ["a@b"]}
    assert page_of({"value": [row]}, expanded=True).rows == [
        {
            "Account": {"Id": "1", "Type": {"Name": "t"}},
            "Activities": [{"Id": "2"}],
            "Tags": ["a@b"],
        }
    ]


@pytest.mark.parametrize("count", [7, "7"])
@pytest.mark.parametrize("name", ["@odata.count", "@count"])
def test_the_count_of_a_page_is_a_number(name: str, count: object) -> None:
    assert page_of({"value": [], name: count}).count == 7


@pytest.mark.parametrize("count", [None, "many", [], 1.5])
def test_a_count_that_is_none_is_left_out(count: object) -> None:
    assert page_of({"value": [], "@odata.count": count}).count is None


ROOT = "http://crm.test/0/odata"


@pytest.mark.parametrize(
    ("link", "absolute"),
    [
        (f"{ROOT}/Contact?$skiptoken=1", f"{ROOT}/Contact?$skiptoken=1"),
        ("Contact?$skiptoken=a%2Bb%20c", f"{ROOT}/Contact?$skiptoken=a%2Bb%20c"),
        ("/0/odata/Contact?$skiptoken=1", f"{ROOT}/Contact?$skiptoken=1"),
        ("./Contact?$skiptoken=1", f"{ROOT}/Contact?$skiptoken=1"),
        ("?$skiptoken=1", f"{ROOT}/Contact?$skiptoken=1"),
        ("Contact?$filter=Name eq 'я'", f"{ROOT}/Contact?$filter=Name%20eq%20'%D1%8F'"),
        ("Contact?u=http://x", f"{ROOT}/Contact?u=http://x"),
        ("//evil.example/Contact", "http://evil.example/Contact"),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_a_next_link_is_resolved_against_what_was_asked(link: object, absolute: str | None) -> None:
    assert page_of({"value": [], "@odata.nextLink": link}).next_link == absolute
    assert page_of({"value": [], "@nextLink": link}).next_link == absolute


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"value":[{"Id":"1"}',
        b"[]",
        b"null",
        b"<html></html>",
        b'{"Id":"1"}',
        b'{"value":{}}',
        b'{"value":[null]}',
        b'{"value":["x"]}',
        b'{"error":{"message":"late"}}',
    ],
)
def test_what_is_no_collection_is_an_error(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        page_of(body)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"'])
def test_what_is_no_row_is_an_error(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        Reading().entity(REQUEST, Response(status=200, body=body))


def test_a_row_is_read_without_annotations_and_with_a_byte_order_mark() -> None:
    body = b'\xef\xbb\xbf{"@odata.context":"x","Id":"1","Account":{"@odata.id":"x","Id":"2"}}'
    row = Reading().entity(REQUEST, Response(status=200, body=body))
    assert row == {"Id": "1", "Account": {"Id": "2"}}


@pytest.mark.parametrize("body", [b"12", b"\xef\xbb\xbf12", b" 12\r\n"])
def test_a_number_is_read(body: bytes) -> None:
    assert read_count(REQUEST, Response(status=200, body=body)) == 12


@pytest.mark.parametrize("body", [b"", b"x", b"1.5", b"-1", "٣".encode(), b"<html>"])
def test_what_is_no_number_is_an_error(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError, match="no number"):
        read_count(REQUEST, Response(status=200, body=body))


# --- What a caller gives --------------------------------------------------------------------------


def test_rows_are_sorted_by_names_columns_and_directions() -> None:
    query = CONTACTS.order_by("Name", " Name desc ", "Account/Name  asc", F.Name, F.Name.desc())
    assert unquote(sent(query.order_by(F.Name.asc()))) == (
        "Contact?$orderby=Name,Name desc,Account/Name,Name,Name desc,Name"
    )


@pytest.mark.parametrize("given", ["Name up", "Name desc,Id", "Name;", "", "Name DESC x", "a b c"])
def test_an_order_of_other_words_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"asc, desc|letters"):
        CONTACTS.order_by(given)


@pytest.mark.parametrize("given", [None, 5, ["Name"], F.Name == 1])
def test_an_order_is_a_column(given: Any) -> None:
    with pytest.raises(TypeError, match="order_by"):
        CONTACTS.order_by(given)


@pytest.mark.parametrize("given", ["Name,Id", "*", "Account/Name", "", "Id&$top=1"])
def test_a_selection_holds_columns_of_the_row_itself(given: str) -> None:
    with pytest.raises(ValueError, match=r"select\(\)|letters"):
        CONTACTS.select(given)


@pytest.mark.parametrize("given", [None, 5, ["Name"]])
def test_a_selection_holds_names(given: Any) -> None:
    with pytest.raises(TypeError, match="names of columns"):
        CONTACTS.select(given)
    with pytest.raises(TypeError, match="navigation properties"):
        CONTACTS.expand(given)


@pytest.mark.parametrize("given", ["Account($expand=Type)", "Account/", "$ref", "Account,City"])
def test_an_expansion_holds_paths(given: str) -> None:
    with pytest.raises(ValueError, match="navigation property"):
        CONTACTS.expand(given)


@pytest.mark.parametrize("name", ["select", "expand"])
async def test_a_text_is_not_taken_for_a_list_of_letters(name: str) -> None:
    contacts = EntitySet(cast("Any", None), "Contact")
    options: dict[str, Any] = {name: "Name"}
    with pytest.raises(TypeError, match="several names"):
        await contacts.get(GUID, **options)


@pytest.mark.parametrize("given", ["", "  \n"])
def test_raw_text_is_not_empty(given: str) -> None:
    with pytest.raises(ValueError, match="empty text"):
        CONTACTS.where(given)


@pytest.mark.parametrize("given", [None, True, 5, F.Name, ["x"]])
def test_a_condition_is_one(given: Any) -> None:
    with pytest.raises(TypeError, match=r"takes conditions|is a column"):
        CONTACTS.where(given)


@pytest.mark.parametrize("given", [True, 1.5, "5"])
def test_a_number_of_rows_is_one(given: Any) -> None:
    with pytest.raises(TypeError, match="number of rows"):
        CONTACTS.top(given)
    with pytest.raises(TypeError, match="number of rows"):
        CONTACTS.skip(given)


def test_a_number_of_rows_is_not_below_0() -> None:
    with pytest.raises(ValueError, match="number of rows, not -1"):
        CONTACTS.top(-1)
    with pytest.raises(ValueError, match="number of rows, not -1"):
        CONTACTS.skip(-1)
    assert sent(CONTACTS.top(0).skip(0)) == "Contact?$top=0"


def test_a_query_is_a_value_that_later_calls_do_not_change() -> None:
    before = CONTACTS.where(F.Age > 1)
    after = before.where(F.Age < 5).select("Id").top(5)
    assert sent(before) == "Contact?$filter=Age%20gt%201"
    assert unquote(sent(after)) == "Contact?$filter=Age gt 1 and Age lt 5&$select=Id,Age&$top=5"
    assert CONTACTS.spec == QuerySpec()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("O'Brien", "'O''Brien'"),
        (GUID.upper(), GUID),
        (UUID(GUID), GUID),
        (None, "null"),
        (True, "true"),
        (-5, "-5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("10.50"), "10.50"),
        (1e22, "1e%2B22"),
        (float("inf"), "INF"),
        (float("-inf"), "-INF"),
        (float("nan"), "NaN"),
        (dt.date(2026, 1, 31), "2026-01-31T00:00:00Z"),
        (dt.time(10, 30), "10:30:00"),
        (dt.timedelta(days=1, seconds=5.5), "duration'P1DT5.5S'"),
        (dt.timedelta(seconds=-1), "duration'-P0DT1S'"),
        (b"\xfb\xff", "binary'-_8='"),
        (
            dt.datetime(2026, 1, 31, 3, tzinfo=dt.timezone(dt.timedelta(hours=3))),
            "2026-01-31T00:00:00Z",
        ),
    ],
    ids=str,
)
def test_each_type_has_its_literal(value: object, text: str) -> None:
    assert path_of(F["X"] == value) == f"Contact?$filter=X%20eq%20{text}"


@pytest.mark.parametrize(
    ("when", "match"),
    [
        (dt.datetime(2026, 1, 1), "no time zone"),  # noqa: DTZ001
        (dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=3))), "out of range"),
        (dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-3))), "out of range"),
    ],
    ids=str,
)
def test_a_moment_that_cannot_be_told_in_utc_is_refused(when: dt.datetime, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        path_of(F.CreatedOn > when)


@pytest.mark.parametrize("value", [[1], {}, object(), F.Name == 1, 1j])
def test_a_value_of_another_type_is_refused_where_it_is_written(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be compared"):
        F.Name.in_([1]) & (F.Name == value)
