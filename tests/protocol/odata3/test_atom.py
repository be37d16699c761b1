"""Documents of Atom as the standard and Creatio's documentation print them."""

import gc
import re
import weakref
from decimal import Decimal
from typing import Any

import pytest

from creatio_async.protocol import xmlreader
from creatio_async.protocol.odata3.answers import Answer, FormatError
from creatio_async.protocol.odata3.atom import AtomReader, read_atom

BASE = "http://crm.test/0/ServiceModel/EntityDataService.svc/"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
SPACES = f'xmlns="http://www.w3.org/2005/Atom" xmlns:d="{DATA}" xmlns:m="{DATA}/metadata"'


def feed(inner: str, more: str = "") -> bytes:
    return f"<feed {SPACES} {more}>{inner}</feed>".encode()


def entry(properties: str, before: str = "", more: str = "", after: str = "") -> str:
    return (
        f"<entry {more}>{before}<content type='application/xml'><m:properties>{properties}"
        f"</m:properties></content>{after}</entry>"
    )


def row_of(properties: str, before: str = "", more: str = "", **options: Any) -> dict[str, Any]:
    body = entry(properties, before, f"{SPACES} {more}").encode()
    answer = read_atom(body, base=BASE, **options)
    assert answer == Answer(rows=answer.rows, is_feed=False)
    [row] = answer.rows
    return row


def related(name: str, inner: str, kind: str = "entry", more: str = "") -> str:
    return (
        f'<link rel="{DATA}/related/{name}" type="application/atom+xml;type={kind}" '
        f'title="{name}" href="X(1)/{name}" {more}>{inner}</link>'
    )


# The collection of employees in the vendor's samples, as it is printed, shortened.
EMPLOYEES = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xml:base="{BASE}" {SPACES}>
    <id>{BASE}EmployeeCollection</id>
    <title type="text">EmployeeCollection</title>
    <updated>2020-04-09T11:25:13Z</updated>
    <link rel="self" title="EmployeeCollection" href="EmployeeCollection" />
    <entry>
        <id>{BASE}EmployeeCollection(guid'9842387d-069f-466c-9551-32cedbc16d90')</id>
        <category term="Terrasoft.Configuration.Employee" scheme="{DATA}/scheme" />
        <link rel="edit" title="Employee" href="EmployeeCollection(guid'9842387d-069f')" />
        <link rel="{DATA}/related/Contact" type="application/atom+xml;type=entry"
              title="Contact" href="EmployeeCollection(guid'9842387d-069f')/Contact" />
        <title />
        <updated>2020-04-09T11:25:13Z</updated>
        <author>
            <name />
        </author>
        <content type="application/xml">
            <m:properties>
                <d:Id m:type="Edm.Guid">9842387d-069f-466c-9551-32cedbc16d90</d:Id>
                <d:CreatedOn m:type="Edm.DateTime">2017-03-30T14:50:30</d:CreatedOn>
                <d:CareerDueDate m:type="Edm.DateTime" m:null="true" />
                <d:ProcessListeners m:type="Edm.Int32">0</d:ProcessListeners>
                <d:Name>Mary King</d:Name>
                <d:FullJobTitle></d:FullJobTitle>
            </m:properties>
        </content>
    </entry>
    <link rel="next" href="{BASE}EmployeeCollection?$skiptoken=guid'9842387d-069f'" />
</feed>
"""

EMPLOYEE = {
    "Id": "9842387d-069f-466c-9551-32cedbc16d90",
    "CreatedOn": "2017-03-30T14:50:30Z",
    "CareerDueDate": None,
    "ProcessListeners": 0,
    "Name": "Mary King",
    "FullJobTitle": "",
}


def test_a_feed_as_the_vendor_prints_it() -> None:
    assert read_atom(EMPLOYEES.encode(), base=BASE) == Answer(
        rows=[EMPLOYEE], next_link=f"{BASE}EmployeeCollection?$skiptoken=guid'9842387d-069f'"
    )


# The answer as academy.creatio.com prints it, its placeholders and dots left where XML lets them.
PRINTED = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xml:base="http://mycreatio.com/0/ServiceModel/EntityDataService.svc/" {SPACES}>
    <id>http://mycreatio.com/0/ServiceModel/EntityDataService.svc/data_resource</id>
    <title type="text">data_resource</title>
    <updated>date and time of request</updated>
    <link rel="self" title="data_resource" href="data_resource" />
    <entry>
        metadata_data
        <content type="application/xml">
            <m:properties>
                <d:object1 field1>object1 field_value1</d:object1 field1>
                <d:object1 field2>object1 field_value2</d:object1 field2>
                ...
            </m:properties>
        </content>
    </entry>
    <entry>
        metadata_data
        <content type="application/xml">
            <m:properties>
                <d:object2 field1>object2 field_value1</d:object2 field1>
                <d:object2 field2>object2 field_value2</d:object2 field2>
                ...
            </m:properties>
        </content>
    </entry>
    ...
</feed>
"""


def test_the_printed_answer_is_read_once_its_placeholders_are_names() -> None:
    with pytest.raises(FormatError, match="line 11: not well-formed"):
        read_atom(PRINTED.encode())
    named = re.sub(r"(</?d:)object\d field", r"\1Field", PRINTED)
    assert read_atom(named.encode()).rows == [
        {"Field1": "object1 field_value1", "Field2": "object1 field_value2"},
        {"Field1": "object2 field_value1", "Field2": "object2 field_value2"},
    ]


def test_namespaces_may_be_spelled_with_https_as_in_printed_documents() -> None:
    changed = EMPLOYEES.replace("http://schemas", "https://schemas").replace(
        "http://www.w3.org/2005", "https://www.w3.org/2005"
    )
    assert read_atom(changed.encode(), base=BASE).rows == [EMPLOYEE]


def test_any_prefix_will_do_and_may_change_within() -> None:
    body = (
        f'<x:feed xmlns:x="http://www.w3.org/2005/Atom"><x:entry><x:content>'
        f'<properties xmlns="{DATA}/metadata" xmlns:q="{DATA}/metadata">'
        f'<Name xmlns="{DATA}">a</Name><z:Age xmlns:z="{DATA}" q:type="Edm.Int32">5</z:Age>'
        "</properties></x:content></x:entry></x:feed>"
    )
    assert read_atom(body.encode()).rows == [{"Name": "a", "Age": 5}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_any_encoding_that_xml_tells_is_read(encoding: str) -> None:
    told = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{told}"?>' + feed(entry("<d:N>Ärger</d:N>")).decode()
    assert read_atom(text.encode(encoding)).rows == [{"N": "Ärger"}]


def test_letters_of_an_old_code_page_are_read() -> None:
    text = '<?xml version="1.0" encoding="windows-1251"?>' + feed(entry("<d:N>Иван</d:N>")).decode()
    assert read_atom(text.encode("cp1251")).rows == [{"N": "Иван"}]


def test_values_have_the_types_that_are_told() -> None:
    row = row_of(
        '<d:A m:type="Edm.Guid">405947D0-2FFB-4DED-8675-0475F19F5A81</d:A>'
        '<d:B m:type="Edm.Boolean">true</d:B><d:C m:type="Edm.Boolean">0</d:C>'
        '<d:D m:type="Edm.Int64">9223372036854775807</d:D><d:E m:type="Edm.Byte">255</d:E>'
        '<d:F m:type="Edm.Decimal">10.50</d:F><d:G m:type="Edm.Decimal">5</d:G>'
        '<d:H m:type="Edm.Double">1.5E+20</d:H><d:I m:type="Edm.Double">NaN</d:I>'
        '<d:J m:type="Edm.Single">.5</d:J><d:K m:type="Edm.Int16">+07</d:K>'
        '<d:L m:type="Edm.DateTime">2020-05-18T17:50:39.3619943</d:L>'
        '<d:M m:type="Edm.DateTimeOffset">2020-05-18T17:50:39+03:00</d:M>'
        '<d:N m:type="Edm.DateTime">2020-05-18T17:50:39Z</d:N>'
        '<d:O m:type="Edm.Time">PT13H20M</d:O><d:P m:type="Edm.Binary">+/8=</d:P>'
        '<d:Q m:type="Edm.String">true</d:Q><d:R> 5 </d:R><d:S m:type="Edm.Int32"> 5\n</d:S>'
        '<d:T m:null="true"/><d:U m:type="Edm.Guid" m:null="true"></d:U><d:V m:null="false">v</d:V>'
    )
    assert row == {
        "A": "405947d0-2ffb-4ded-8675-0475f19f5a81",
        "B": True,
        "C": False,
        "D": 9223372036854775807,
        "E": 255,
        "F": 10.5,
        "G": 5,
        "H": 1.5e20,
        "I": "NaN",
        "J": 0.5,
        "K": 7,
        "L": "2020-05-18T17:50:39.3619943Z",
        "M": "2020-05-18T17:50:39+03:00",
        "N": "2020-05-18T17:50:39Z",
        "O": "PT13H20M",
        "P": "+/8=",
        "Q": "true",
        "R": " 5 ",
        "S": 5,
        "T": None,
        "U": None,
        "V": "v",
    }
    assert {type(row[name]) for name in "DEGKS"} == {int}
    assert {type(row[name]) for name in "BC"} == {bool}


def test_decimals_and_nulls_are_as_in_version_4() -> None:
    zero = "00000000-0000-0000-0000-000000000000"
    properties = (
        f'<d:A m:type="Edm.Guid">{zero}</d:A><d:B>{zero}</d:B>'
        '<d:C m:type="Edm.DateTime">0001-01-01T00:00:00</d:C><d:D>0001-01-01T00:00:00Z</d:D>'
        '<d:E m:type="Edm.Decimal">10.50</d:E><d:F m:type="Edm.Decimal">5</d:F><d:G></d:G>'
    )
    assert row_of(properties) == {
        "A": zero,
        "B": zero,
        "C": "0001-01-01T00:00:00Z",
        "D": "0001-01-01T00:00:00Z",
        "E": 10.5,
        "F": 5,
        "G": "",
    }
    row = row_of(properties, nulls=True, decimals=True)
    empty = dict.fromkeys("ABCD")
    assert row == {**empty, "E": Decimal("10.50"), "F": 5, "G": ""}
    assert (type(row["E"]), type(row["F"])) == (Decimal, int)


@pytest.mark.parametrize(
    ("edm", "text"),
    [
        ("Edm.Int32", "1_0"),
        ("Edm.Int32", "1.5"),
        ("Edm.Int32", ""),
        ("Edm.Int64", "true"),
        ("Edm.Decimal", '"5"'),
        ("Edm.Decimal", "1 2"),
        ("Edm.Double", "null"),
        ("Edm.Double", "x" * 1000),
        ("Edm.Boolean", "yes"),
        ("Edm.DateTime", "yesterday"),
        ("Edm.DateTime", "2020-01-01"),
    ],
)
@pytest.mark.parametrize("decimals", [False, True])
def test_a_value_that_is_none_of_its_type_is_told_with_its_column(
    edm: str,
    text: str,
    *,
    decimals: bool,
) -> None:
    with pytest.raises(FormatError, match=f"'X' holds .*, which is no {edm}"):
        row_of(f'<d:Id>1</d:Id><d:X m:type="{edm}">{text}</d:X>', decimals=decimals)


def test_texts_are_whole_whatever_they_are_made_of() -> None:
    assert row_of(
        "<d:A>a&amp;b&#x41;<![CDATA[<c>]]>d<!-- no -->e<?pi no?>f\r\ng</d:A><d:B>\n</d:B>"
    ) == {"A": "a&bA<c>def\ng", "B": "\n"}


def test_complex_values_and_collections_lie_within_the_row() -> None:
    properties = (
        '<d:Address m:type="T.Address"><d:City>Kyiv</d:City>'
        '<d:Geo m:type="T.Geo"><d:Lat m:type="Edm.Double">50.5</d:Lat>'
        '<d:Name m:null="true"/></d:Geo></d:Address>'
        '<d:Tags m:type="Collection(Edm.String)"><d:element>a</d:element>'
        "<d:element></d:element></d:Tags>"
        '<d:Numbers m:type="Collection(Edm.Int32)"><d:element>1</d:element>'
        '<d:element m:type="Edm.Int32">2</d:element></d:Numbers>'
        '<d:Places m:type="Collection(T.Geo)"><d:element m:type="T.Geo">'
        '<d:Lat m:type="Edm.Double">1.5</d:Lat></d:element></d:Places>'
        '<d:None m:type="Collection(Edm.String)"/><d:Empty m:type="T.Geo"/>'
        '<d:Nothing m:type="T.Geo" m:null="true"/><d:Untold><d:X>1</d:X></d:Untold>'
        "<d:List><d:element>x</d:element></d:List><d:Name>Mary</d:Name>"
    )
    wanted = {
        "Address": {"City": "Kyiv", "Geo": {"Lat": 50.5, "Name": None}},
        "Tags": ["a", ""],
        "Numbers": [1, 2],
        "Places": [{"Lat": 1.5}],
        "None": [],
        "Empty": {},
        "Nothing": None,
        "Untold": {"X": "1"},
        "List": ["x"],
        "Name": "Mary",
    }
    assert row_of(properties) == wanted
    told = row_of(properties, annotated=True)
    assert told["Address"]["@odata.type"] == "#T.Address"
    assert told["Places"] == [{"@odata.type": "#T.Geo", "Lat": 1.5}]


def test_rows_are_expanded_within_links() -> None:
    many = "<feed><m:count>7</m:count>{}<link rel='next' href='more?x=1'/></feed>"
    two = entry("<d:Title>1</d:Title>") + entry("<d:Title>2</d:Title>")
    kind = related("Type", f"<m:inline>{entry('<d:Name>Customer</d:Name>')}</m:inline>")
    before = (
        related("Account", f"<m:inline>{entry('<d:Name>Acme</d:Name>', kind)}</m:inline>")
        + related("Owner", "<m:inline/>")
        + related("Deferred", "")
        + related("Files", "<m:inline></m:inline>", "feed")
        + related("Calls", "<m:inline><feed/></m:inline>", "feed")
        + related("Activities", f"\n<m:inline>\n{many.format(two)}\n</m:inline>\n", "feed")
    )
    wanted = {
        "Id": "1",
        "Account": {"Name": "Acme", "Type": {"Name": "Customer"}},
        "Owner": None,
        "Files": [],
        "Calls": [],
        "Activities": [{"Title": "1"}, {"Title": "2"}],
    }
    assert row_of("<d:Id>1</d:Id>", before) == wanted
    told = row_of("<d:Id>1</d:Id>", before, f'xml:base="{BASE}sub/"', annotated=True)
    assert told["Activities@odata.count"] == 7
    assert told["Activities@odata.nextLink"] == f"{BASE}sub/more?x=1"
    assert told["Deferred@odata.navigationLink"] == f"{BASE}sub/X(1)/Deferred"
    del told["Account"]["Type@odata.navigationLink"]
    assert {name: value for name, value in told.items() if "@" not in name} == wanted


def test_addresses_belong_to_the_nearest_base() -> None:
    body = feed(
        entry("<d:Id>1</d:Id>", "<link rel='edit' href='X(1)' xml:base='own/'/>", "xml:base='e/'")
        + "<link rel='next' href='X?p=2' xml:base='/root/'/>",
        "xml:base='deep/'",
    )
    answer = read_atom(body, base=BASE, annotated=True)
    assert answer.next_link == "http://crm.test/root/X?p=2"
    assert answer.rows[0]["@odata.editLink"] == f"{BASE}deep/e/own/X(1)"


def test_media_entries_and_streams_are_told_in_annotations() -> None:
    body = (
        f'<entry {SPACES} xml:base="{BASE}" m:etag="W/&quot;1&quot;"><id>{BASE}Image(1)</id>'
        '<category term="T.Image" scheme="s"/><link rel="edit" href="Image(1)"/>'
        '<link rel="self" href="Image(1)?x"/>'
        '<link rel="edit-media" href="Image(1)/$value" m:etag="W/&quot;2&quot;"/>'
        f'<link rel="{DATA}/mediaresource/Thumb" type="image/png" href="Image(1)/Thumb"/>'
        f'<link rel="{DATA}/edit-media/Thumb" href="Image(1)/Thumb" m:etag="3"/>'
        f'<link rel="{DATA}/relatedlinks/Owner" href="Image(1)/$links/Owner"/>'
        '<content type="image/png" src="Image(1)/$value"/>'
        "<m:properties><d:Name>x.png</d:Name></m:properties></entry>"
    ).encode()
    assert read_atom(body).rows == [{"Name": "x.png"}]
    assert read_atom(body, annotated=True).rows == [
        {
            "@odata.id": f"{BASE}Image(1)",
            "@odata.etag": 'W/"1"',
            "@odata.type": "#T.Image",
            "@odata.editLink": f"{BASE}Image(1)",
            "@odata.readLink": f"{BASE}Image(1)?x",
            "@odata.mediaEditLink": f"{BASE}Image(1)/$value",
            "@odata.mediaEtag": 'W/"2"',
            "@odata.mediaReadLink": f"{BASE}Image(1)/$value",
            "@odata.mediaContentType": "image/png",
            "Thumb@odata.mediaReadLink": f"{BASE}Image(1)/Thumb",
            "Thumb@odata.mediaContentType": "image/png",
            "Thumb@odata.mediaEditLink": f"{BASE}Image(1)/Thumb",
            "Thumb@odata.mediaEtag": "3",
            "Owner@odata.associationLink": f"{BASE}Image(1)/$links/Owner",
            "Name": "x.png",
        }
    ]


def test_what_is_not_known_is_passed_over_with_all_that_it_holds() -> None:
    strange = "<x:a xmlns:x='urn:x'><entry><m:inline/><content/></entry><m:count>9</m:count></x:a>"
    body = feed(
        strange
        + entry(f"<d:A>1</d:A>{strange}<d:B>2</d:B>", strange + "<link><b><m:inline/></b></link>")
        + strange
        + "<m:count>1</m:count>"
    )
    assert read_atom(body) == Answer(rows=[{"A": "1", "B": "2"}], count=1)


def test_an_empty_feed_has_no_rows() -> None:
    body = feed("<m:count>0</m:count><author><name/></author>")
    assert read_atom(body) == Answer(rows=[], count=0)
    assert read_atom(feed(f"<entry/>{entry('')}")).rows == [{}, {}]


ERROR = (
    "<m:error><m:code/><m:message xml:lang='en'>It failed.</m:message><m:innererror>"
    "<m:message>Out of memory.</m:message><m:type>X</m:type></m:innererror></m:error>"
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty document"),
        (b"<html><body/></html>", "'html' where a feed or entry was due"),
        (b'{"d":[]}', "not well-formed"),
        (b"<!DOCTYPE feed><feed/>", "document type"),
        (feed("")[:-3], "line 1"),
        (feed("<m:count>many</m:count>"), "'many' is no number"),
        (feed(entry("<d:A><x:b xmlns:x='urn:x'/></d:A>")), "'A' holds the element 'b'"),
        (feed(entry("<d:A>" * 40 + "</d:A>" * 40)), "'A': more than 32 values in one another"),
        (feed("<link rel='next' href='http://[x'/>"), "no address"),
        (feed(entry("", "<link rel='edit'><m:inline/></link>")), "no navigation property"),
        (feed(ERROR), "the server broke off: Out of memory."),
        (feed(entry(f"<d:A>1</d:A>{ERROR}")), "the server broke off: Out of memory."),
        (feed(f"<entry>{ERROR}"), "the server broke off: Out of memory."),
        (f"<m:error {SPACES}><m:code>x</m:code></m:error>".encode(), "it does not tell why"),
    ],
)
def test_what_is_no_feed_and_no_entry_is_told(body: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        read_atom(body, base=BASE)


def test_rows_in_one_another_are_bounded() -> None:
    opened = "<m:inline><entry><link rel='" + DATA + "/related/A'>"
    body = f"<entry {SPACES}><link rel='{DATA}/related/A'>" + opened * 50
    with pytest.raises(FormatError, match="more than 100 elements in one another"):
        read_atom(body.encode())
    deep = feed("<x>" * 100_000 + "</x>" * 100_000)  # nothing is kept of what is passed over
    assert read_atom(deep).rows == []


def test_bytes_are_bounded() -> None:
    reader = AtomReader(max_bytes=100)
    with pytest.raises(FormatError, match="more than 100 bytes"):
        reader.feed(feed(entry("<d:A>1</d:A>")))


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_however_the_parts_are_cut_the_rows_are_the_same(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = related("Account", f"<m:inline>{entry('<d:Name>Acme</d:Name>')}</m:inline>")
    body = feed(
        "<m:count>2</m:count>"
        + entry("<d:A>a&amp;b€</d:A><d:B m:type='Edm.Decimal'>10.50</d:B><d:C/>", before) * 2
        + "<link rel='next' href='X'/>"
    )
    whole = read_atom(body, base=BASE, annotated=True)
    assert whole.rows[1]["A"] == "a&b€"
    monkeypatch.setattr(xmlreader, "_BLOCK", block)
    reader = AtomReader(base=BASE, annotated=True)
    for at in range(0, len(body), 5):
        reader.feed(body[at : at + 5])
    assert reader.close() == whole


def test_a_text_of_very_many_parts_takes_no_longer_than_its_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(xmlreader, "_BLOCK", 64)
    text = "&amp;" * 300_000 + "<![CDATA[<]]>" * 30_000
    row = row_of(f"<d:A>{text}</d:A><d:B><d:element>{text}</d:element></d:B>")
    assert row["A"] == "&" * 300_000 + "<" * 30_000
    assert row["B"] == [row["A"]]


def test_a_reader_reads_one_document() -> None:
    reader = AtomReader()
    reader.feed(feed(""))
    assert reader.close() == Answer(rows=[])
    with pytest.raises(ValueError, match="the document has ended"):
        reader.feed(b"x")
    with pytest.raises(ValueError, match="the document has ended"):
        reader.close()


def test_a_reader_leaves_nothing_behind_for_the_collector() -> None:
    reader = AtomReader()
    reader.feed(feed(entry("<d:A>1</d:A>")))
    reader.close()
    gone = weakref.ref(reader)
    gc.disable()
    try:
        del reader
        assert gone() is None
    finally:
        gc.enable()
