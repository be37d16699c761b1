import datetime as dt
import math
from collections.abc import AsyncIterator
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.emulator import Emulator
from creatio_async.protocol.odata3.atom import read_atom
from creatio_async.protocol.odata3.documents import read_links
from creatio_async.protocol.odata3.literals import time_text
from creatio_async.protocol.odata3.verbose import read_verbose
from creatio_async.protocol.odata3.writing import (
    atom_entry,
    atom_link,
    verbose_entry,
    verbose_link,
)
from creatio_async.protocol.values import datetime_text, duration_text
from tests.emulator.caller import ANDREW, Caller, caller_of
from tests.emulator.odata3 import ENTRY, JSON, entity, v3

GUID = "405947d0-2ffb-4ded-8675-0475f19f5a81"
MOMENT = dt.datetime(2026, 1, 31, 12, 30, 5, tzinfo=dt.timezone(dt.timedelta(hours=3)))
TRICKY = " <Tom> & 'Jerry' \"]]>\" \r\n\t \u2028 \U0001f600 "
HREF = f"http://crm.test/0/ServiceModel/EntityDataService.svc/{entity('Account', GUID)}"

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><entry xmlns="http://www.w3.org/2005/Atom" '
    'xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" '
    'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
)
AUTHOR = "<id/><title/><updated>1970-01-01T00:00:00Z</updated><author><name/></author>"


def properties(entry: bytes) -> str:
    text = entry.decode()
    assert text.startswith(HEAD)
    return text.partition("<m:properties>")[2].partition("</m:properties>")[0]


def test_an_entry_is_what_atom_and_odata_want() -> None:
    entry = atom_entry(
        {"Name": "Mary"},
        links={"Account": HREF, "Activities": ['a?x=1&y="2"', "b"]},
        type_name="Terrasoft.Configuration.Contact",
    )
    related = "http://schemas.microsoft.com/ado/2007/08/dataservices/related/"
    assert entry.decode() == (
        HEAD + '<category term="Terrasoft.Configuration.Contact" '
        'scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"/>' + AUTHOR
        + f'<link rel="{related}Account" type="application/atom+xml;type=entry" title="Account" '
        f'href="{HREF}"/>'
        f'<link rel="{related}Activities" type="application/atom+xml;type=feed" '
        'title="Activities" href="a?x=1&amp;y=&quot;2&quot;"/>'
        f'<link rel="{related}Activities" type="application/atom+xml;type=feed" '
        'title="Activities" href="b"/>'
        '<content type="application/xml"><m:properties><d:Name>Mary</d:Name></m:properties>'
        "</content></entry>"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "in_xml", "in_json"),
    [
        (None, '<d:X m:null="true"/>', None),
        (True, '<d:X m:type="Edm.Boolean">true</d:X>', True),
        (5, '<d:X m:type="Edm.Int32">5</d:X>', 5),
        (2**31, '<d:X m:type="Edm.Int64">2147483648</d:X>', "2147483648"),
        (2**63, '<d:X m:type="Edm.Decimal">9223372036854775808</d:X>', "9223372036854775808"),
        (10.5, '<d:X m:type="Edm.Decimal">10.5</d:X>', "10.5"),
        (1e-7, '<d:X m:type="Edm.Decimal">0.0000001</d:X>', "0.0000001"),
        (Decimal("10.50"), '<d:X m:type="Edm.Decimal">10.50</d:X>', "10.50"),
        (UUID(GUID), f'<d:X m:type="Edm.Guid">{GUID}</d:X>', GUID),
        (GUID, f"<d:X>{GUID}</d:X>", GUID),
        ("", "<d:X></d:X>", ""),
        (
            " a\r\n<&>",
            '<d:X xml:space="preserve"> a&#xD;\n&lt;&amp;&gt;</d:X>',
            " a\r\n<&>",
        ),
        (MOMENT, '<d:X m:type="Edm.DateTime">2026-01-31T09:30:05</d:X>', "2026-01-31T09:30:05"),
        (
            dt.date(2026, 1, 31),
            '<d:X m:type="Edm.DateTime">2026-01-31T00:00:00</d:X>',
            "2026-01-31T00:00:00",
        ),
        (dt.time(9, 30), '<d:X m:type="Edm.Time">PT9H30M0S</d:X>', "PT9H30M0S"),
        (dt.timedelta(hours=1), '<d:X m:type="Edm.Time">P0DT3600S</d:X>', "P0DT3600S"),
        (b"\xfb\xff", '<d:X m:type="Edm.Binary">+/8=</d:X>', "+/8="),
    ],
)
def test_a_value_is_written_with_its_type(value: Any, in_xml: str, in_json: Any) -> None:
    assert properties(atom_entry({"X": value})) == in_xml
    assert orjson.loads(verbose_entry({"X": value})) == {"X": in_json}


def test_a_given_type_goes_before_that_of_the_value() -> None:
    types = {"A": "Edm.DateTimeOffset", "B": "Edm.Double", "C": "Edm.Guid", "D": "Edm.String"}
    values = {"A": MOMENT, "B": 10.5, "C": GUID, "D": "x"}
    assert properties(atom_entry(values, types=types)) == (
        '<d:A m:type="Edm.DateTimeOffset">2026-01-31T09:30:05Z</d:A>'
        '<d:B m:type="Edm.Double">10.5</d:B>'
        f'<d:C m:type="Edm.Guid">{GUID}</d:C><d:D>x</d:D>'
    )
    assert orjson.loads(verbose_entry(values, types=types))["A"] == "2026-01-31T09:30:05Z"


def test_a_value_of_a_derived_class_is_written_as_its_base() -> None:
    class Level(IntEnum):
        HIGH = 3

    class Name(str):
        __slots__ = ()

    class Key(UUID):
        pass

    values = {"A": Level.HIGH, "B": Name("<b>"), "C": Key(GUID), "D": None, "E": Decimal(7)}
    types = {"D": "Edm.Guid", "E": "Edm.Int32"}
    assert properties(atom_entry(values, types=types)) == (
        '<d:A m:type="Edm.Int32">3</d:A><d:B>&lt;b&gt;</d:B>'
        f'<d:C m:type="Edm.Guid">{GUID}</d:C><d:D m:type="Edm.Guid" m:null="true"/>'
        '<d:E m:type="Edm.Int32">7</d:E>'
    )
    body = verbose_entry(values, types=types)
    assert orjson.loads(body) == {"A": 3, "B": "<b>", "C": GUID, "D": None, "E": "7"}


def test_an_object_tells_its_links_and_its_type() -> None:
    body = verbose_entry(
        {"Name": "Mary"}, links={"Account": HREF, "Activities": ["a", "b"]}, type_name="T.Contact"
    )
    assert orjson.loads(body) == {
        "__metadata": {"type": "T.Contact"},
        "Name": "Mary",
        "Account": {"__metadata": {"uri": HREF}},
        "Activities": [{"__metadata": {"uri": "a"}}, {"__metadata": {"uri": "b"}}],
    }


@pytest.mark.parametrize("write", [atom_entry, verbose_entry])
@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"When": MOMENT.replace(tzinfo=None)}, ValueError, "'When'.*no time zone"),
        ({"Amount": math.nan}, ValueError, "'Amount'.*no place"),
        ({"Amount": Decimal("Infinity")}, ValueError, "'Amount'.*no place"),
        ({"Account": {"Id": GUID}}, ValueError, "'Account'.*set 'AccountId'"),
        ({"Account/Name": "x"}, ValueError, "'Account/Name'"),
        ({"Tags": ["a"]}, TypeError, "'Tags'.*no type for list"),
        ({"X": object()}, TypeError, "'X'"),
        ({"No name": 1}, ValueError, "'No name' is not a column"),
        ({"<x/>": 1}, ValueError, "'<x/>'"),
        ({"\u00aa": 1}, ValueError, "XML has none like it"),
        ({1: 1}, TypeError, "the name of a column is a string"),
        ({"Name": "\ud800"}, ValueError, "'Name'"),
    ],
)
def test_what_has_no_place_is_refused_with_its_column(
    write: Any, values: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        write(values)


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_a_sign_that_xml_cannot_hold_is_refused_with_its_column(sign: str) -> None:
    with pytest.raises(ValueError, match="'Name': XML has no place for"):
        atom_entry({"Id": GUID, "Name": f"a{sign}b"})
    with pytest.raises(ValueError, match="XML has no place for"):
        atom_link(f"http://crm.test/{sign}")
    assert orjson.loads(verbose_entry({"Name": f"a{sign}b"})) == {"Name": f"a{sign}b"}


@pytest.mark.parametrize("write", [atom_entry, verbose_entry])
def test_a_name_is_a_column_or_a_link(write: Any) -> None:
    with pytest.raises(ValueError, match="'Account' is given as a column and as a link"):
        write({"Account": "x"}, links={"Account": HREF})
    with pytest.raises(ValueError, match="not a navigation property"):
        write({}, links={"a/b": HREF})


def test_the_body_of_a_link_is_read_as_one() -> None:
    href = HREF + "?a=1&b='<>'"
    assert read_links(atom_link(href)).uris == read_links(b'{"d":%s}' % verbose_link(href)).uris
    assert orjson.loads(verbose_link(href)) == {"uri": href}


XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda sign: sign >= " " or sign in "\t\n\r"
    )
)
MOMENTS = st.datetimes(
    min_value=dt.datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=dt.datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-840, 840).map(
        lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))
    ),
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e28, max_value=1e28)


def expected(value: Any) -> Any:
    """What is read, as OData 4 gives it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return datetime_text(value)
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, dt.time):
        return time_text(value)
    if isinstance(value, dt.timedelta):
        return duration_text(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


EDM = {
    UUID: "Edm.Guid",
    dt.datetime: "Edm.DateTime",
    dt.date: "Edm.DateTime",
    dt.time: "Edm.Time",
    dt.timedelta: "Edm.Time",
    float: "Edm.Double",
    Decimal: "Edm.Decimal",
    int: "Edm.Int64",
    str: "Edm.String",
}


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
        XML_TEXT
        | st.uuids()
        | MOMENTS
        | st.dates(min_value=dt.date(2, 1, 1))
        | st.times()
        | st.timedeltas(min_value=dt.timedelta(-(10**6)), max_value=dt.timedelta(10**6))
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | NUMBERS
        | FLOATS
        | st.none(),
    )
)
def test_what_is_written_is_read(values: dict[str, Any]) -> None:
    wanted = {name: expected(value) for name, value in values.items()}
    assert read_atom(atom_entry(values), decimals=True).rows == [wanted]
    types = {name: EDM[type(value)] for name, value in values.items() if type(value) in EDM}
    body = b'{"d":%s}' % verbose_entry(values, types=types)
    assert read_verbose(body, types=types, decimals=True).rows == [wanted]


@pytest.fixture
async def crm() -> AsyncIterator[Caller]:
    with Emulator() as emulator:
        caller = caller_of(emulator)
        await caller.login()
        yield caller


@pytest.mark.parametrize("form", ["atom", "verbose"])
async def test_the_emulator_takes_what_is_written(crm: Caller, form: str) -> None:
    headers, write = (ENTRY, atom_entry) if form == "atom" else (JSON, verbose_entry)
    account = write({"Id": GUID, "Name": TRICKY}, type_name="Terrasoft.Configuration.Account")
    assert (await v3(crm, "POST", "AccountCollection", account, headers)).status == 201
    order = {"Number": "7", "Amount": Decimal("12.50"), "Date": MOMENT, "ContactId": UUID(ANDREW)}
    body = write({**order, "PaymentAmount": 0.25}, links={"Account": HREF})
    response = await v3(crm, "POST", "OrderCollection", body, headers)
    assert response.status == 201, response.text()
    answer = await crm.ask("GET", "/0/odata/Order?$expand=Account")
    [row] = answer.json()["value"]
    assert row["Account"]["Name"] == TRICKY
    assert (row["Amount"], row["PaymentAmount"], row["ContactId"]) == (12.5, 0.25, ANDREW)
    assert row["Date"] == "2026-01-31T09:30:05Z"
    null = write({"ContactId": None, "Number": None})
    place = entity("Order", row["Id"])
    assert (await v3(crm, "MERGE", place, null, headers)).status == 204
    way = f"{place}/$links/Contact"
    headers = JSON if form == "verbose" else {"Content-Type": "application/xml"}
    link = HREF.replace("Account", "Contact").replace(GUID, ANDREW)
    body = atom_link(link) if form == "atom" else verbose_link(link)
    assert (await v3(crm, "PUT", way, body, headers)).status == 204
    [row] = (await crm.ask("GET", "/0/odata/Order")).json()["value"]
    assert (row["ContactId"], row["Number"]) == (ANDREW, "")
