"""Atom that leaves out types, has values elsewhere than among properties, or holds places."""

from collections.abc import Mapping
from typing import Any

import pytest

from creatio_async.protocol.odata.metadata import read_schema
from creatio_async.protocol.odata3.answers import FormatError
from creatio_async.protocol.odata3.atom import AtomReader, read_atom
from creatio_async.protocol.odata3.documents import read_property
from creatio_async.protocol.odata3.taker import AtomTaker
from creatio_async.protocol.odata3.types import types_at
from creatio_async.protocol.odata3.verbose import Types, read_verbose

DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
META = f"{DATA}/metadata"
SPACES = f'xmlns="http://www.w3.org/2005/Atom" xmlns:d="{DATA}" xmlns:m="{META}"'
GML = "http://www.opengis.net/gml"
SYSTEM = 'gml:srsName="http://www.opengis.net/def/crs/EPSG/0/4326"'
CRS = {"type": "name", "properties": {"name": "EPSG:4326"}}

SCHEMA = read_schema(
    f"""<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">
<edmx:DataServices><Schema Namespace="T" xmlns:m="{META}"
    xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
<ComplexType Name="Address">
  <Property Name="City" Type="Edm.String"/><Property Name="Zip" Type="Edm.Int32"/>
</ComplexType>
<EntityType Name="Thing" m:FC_TargetPath="geo/@zip" m:FC_SourcePath="Address/Zip"
    m:FC_NsUri="urn:g" m:FC_NsPrefix="g" m:FC_KeepInContent="false"
    m:FC_TargetPath_1="SyndicationRights" m:FC_SourcePath_1="Address/City"
    m:FC_KeepInContent_1="false" m:FC_TargetPath_2="SyndicationLinkHref" m:FC_SourcePath_2="Name"
    m:FC_KeepInContent_2="false">
  <Key><PropertyRef Name="Id"/></Key>
  <Property Name="Id" Type="Edm.Guid" Nullable="false"/>
  <Property Name="Name" Type="Edm.String" m:FC_TargetPath="SyndicationTitle"
      m:FC_ContentKind="text" m:FC_KeepInContent="false"/>
  <Property Name="By" Type="Edm.String" m:FC_TargetPath="SyndicationAuthorName"
      m:FC_KeepInContent="false"/>
  <Property Name="Kept" Type="Edm.String" m:FC_TargetPath="SyndicationSummary"
      m:FC_KeepInContent="true"/>
  <Property Name="Size" Type="Edm.Int32" m:FC_TargetPath="geo/size" m:FC_NsUri="urn:g"
      m:FC_NsPrefix="g" m:FC_KeepInContent="false"/>
  <Property Name="On" Type="Edm.DateTime"/>
  <Property Name="Price" Type="Edm.Decimal"/>
  <Property Name="Is" Type="Edm.Boolean"/>
  <Property Name="Address" Type="T.Address"/>
  <Property Name="Homes" Type="Collection(T.Address)"/>
  <Property Name="Tags" Type="Collection(Edm.Int32)"/>
  <Property Name="Place" Type="Edm.GeographyPoint"/>
  <NavigationProperty Name="Parts" Relationship="T.Parts" FromRole="Whole" ToRole="Part"/>
</EntityType>
<EntityType Name="Special" BaseType="T.Thing"/>
<Association Name="Parts"><End Role="Whole" Type="T.Thing" Multiplicity="0..1"/>
  <End Role="Part" Type="T.Thing" Multiplicity="*"/></Association>
<EntityContainer Name="C"><EntitySet Name="ThingCollection" EntityType="T.Special"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>""".encode()
)


def types(asked: str = "ThingCollection") -> Types:
    found = types_at(SCHEMA, asked)
    assert isinstance(found, Mapping)
    return found


def row_of(
    properties: str, before: str = "", asked: str = "ThingCollection", **options: Any
) -> dict[str, Any]:
    body = (
        f"<entry {SPACES}>{before}<content type='application/xml'><m:properties>{properties}"
        "</m:properties></content></entry>"
    ).encode()
    [row] = read_atom(body, types=types(asked), **options).rows
    for _ in range(2):  # and the same in pieces
        reader = AtomReader(types=types(asked), **options)
        for at in range(len(body)):
            reader.feed(body[at : at + 1])
        assert reader.close().rows == [row]
    return row


# --- Types from the schema ------------------------------------------------------------------------


def test_columns_that_tell_no_type_have_the_one_of_the_schema() -> None:
    row = row_of(
        "<d:Id>C4ED336C-3e9b-40fe-8b82-5632476472b4</d:Id><d:Kept>1</d:Kept><d:Size>5</d:Size>"
        "<d:On>2020-01-02T03:04:05</d:On><d:Price> 1.50</d:Price><d:Is>true</d:Is><d:New>7</d:New>"
        "<d:Address><d:City>5</d:City><d:Zip>7</d:Zip></d:Address>"
        "<d:Homes><d:element><d:Zip>1</d:Zip></d:element><d:element/></d:Homes>"
        "<d:Tags><d:element>1</d:element><d:element>2</d:element></d:Tags>"
    )
    assert row == {
        "Id": "c4ed336c-3e9b-40fe-8b82-5632476472b4",
        "Kept": "1",
        "Size": 5,
        "On": "2020-01-02T03:04:05Z",
        "Price": 1.5,
        "Is": True,
        "New": "7",
        "Address": {"City": "5", "Zip": 7},
        "Homes": [{"Zip": 1}, {}],
        "Tags": [1, 2],
    }
    assert row_of("<d:Tags/>") == {"Tags": []}


def test_what_a_column_tells_goes_before_the_schema() -> None:
    assert row_of('<d:Size m:type="Edm.String">5</d:Size><d:On m:null="true">x</d:On>') == {
        "Size": "5",
        "On": None,
    }


def test_where_types_are_left_out_an_empty_value_is_null_and_an_empty_text_is_one() -> None:
    assert row_of("<d:Size/><d:On></d:On><d:Kept/>") == {"Size": None, "On": None, "Kept": ""}


def test_rows_in_rows_have_the_types_of_their_own() -> None:
    inner = (
        f'<link rel="{DATA}/related/Parts" type="application/atom+xml;type=feed"><m:inline><feed>'
        "<entry><content type='application/xml'><m:properties><d:Size>2</d:Size></m:properties>"
        "</content></entry></feed></m:inline></link>"
    )
    assert row_of("<d:Size>1</d:Size>", inner) == {"Size": 1, "Parts": [{"Size": 2}]}
    other = inner.replace("/Parts", "/Unknown")
    assert row_of("<d:Size>1</d:Size>", other) == {"Size": 1, "Unknown": [{"Size": "2"}]}


def test_a_value_that_is_none_of_its_type_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match=r"'Size' holds 'many', which is no Edm\.Int32"):
        row_of("<d:Size>many</d:Size>")


def test_a_single_property_has_the_type_that_is_known() -> None:
    body = f'<d:Price xmlns:d="{DATA}">1.50</d:Price>'.encode()
    assert read_property(body, edm="Edm.Decimal") == 1.5
    assert read_property(body) == "1.50"
    address = f'<d:Address xmlns:d="{DATA}"><d:Zip>5</d:Zip></d:Address>'.encode()
    known = types_at(SCHEMA, "ThingCollection(guid'1')/Address")
    assert read_property(address, edm=known) == {"Zip": 5}
    json = b'{"d":{"Address":{"Zip":"5"}}}'
    assert read_property(json, edm=known) == {"Zip": 5}


# --- Customizable feeds ---------------------------------------------------------------------------

ELSEWHERE = (
    '<title type="text">A &amp; <!-- c -->B</title><author><name>Ann</name><uri/></author>'
    '<summary>no</summary><rights>Rome</rights><link href="Other"/>'
    '<g:geo xmlns:g="urn:g" g:zip="7"><g:other>9</g:other><g:size> 5 </g:size></g:geo>'
)


def test_values_are_read_from_where_the_schema_says_they_are() -> None:
    assert row_of('<d:Kept>k</d:Kept><d:Price m:type="Edm.Decimal">1</d:Price>', ELSEWHERE) == {
        "Kept": "k",
        "Price": 1,
        "Name": "A & B",
        "By": "Ann",
        "Size": 5,
        "Address": {"City": "Rome", "Zip": 7},
    }


def test_a_value_among_the_properties_goes_before_one_elsewhere() -> None:
    properties = '<d:Name m:null="true"/><d:Address><d:Zip>1</d:Zip></d:Address>'
    row = row_of(properties, ELSEWHERE)
    assert (row["Name"], row["Address"]) == (None, {"Zip": 1, "City": "Rome"})
    row = row_of('<d:Address m:null="true"/>', ELSEWHERE)
    assert (row["Address"], row["Size"]) == (None, 5)


def test_null_and_empty_values_elsewhere() -> None:
    before = (
        '<title/><author><name m:null="true"/></author>'
        '<g:geo xmlns:g="urn:g" zip="3"><g:size m:null="false"/></g:geo>'
    )
    assert row_of("", before) == {"Name": "", "By": None, "Size": None, "Address": {"Zip": 3}}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("?$top=1", {"Name", "By", "Size", "Address"}),
        ("?$select=*", {"Name", "By", "Size", "Address"}),
        ("?%24select=Name,%20Address/City", {"Name", "Address"}),
        ("?$select=Price", set()),
        ("(guid'1')/Parts?$select=Name", {"Name"}),
        ("(guid'1')/Parts?$select=Parts,Size", {"Size"}),
    ],
)
def test_what_was_not_selected_is_not_in_the_row(asked: str, names: set[str]) -> None:
    assert set(row_of("", ELSEWHERE, f"ThingCollection{asked}")) == names


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("?$expand=Parts", {"Name", "By", "Size", "Address"}),
        ("?$expand=Parts&$select=Parts", {"Name", "By", "Size", "Address"}),
        ("?$expand=Parts&$select=Parts/Name", {"Name"}),
    ],
)
def test_nor_is_it_in_a_row_within_a_row(asked: str, names: set[str]) -> None:
    inner = (
        f'<link rel="{DATA}/related/Parts" type="application/atom+xml;type=entry"><m:inline>'
        f"<entry>{ELSEWHERE}</entry></m:inline></link>"
    )
    row = row_of("", inner, f"ThingCollection{asked}")
    assert set(row["Parts"]) == names


def test_annotations_and_values_elsewhere_come_together() -> None:
    row = row_of("", f"<id>urn:x</id>{ELSEWHERE}", annotated=True)
    assert (row["@odata.id"], row["Name"]) == ("urn:x", "A & B")


def test_elements_elsewhere_are_bounded() -> None:
    deep = f"<title>{'<b>' * 40}x{'</b>' * 40}</title>"
    with pytest.raises(FormatError, match="more than 32 elements in one another"):
        row_of("", deep)


# --- Places on the map ----------------------------------------------------------------------------


def place(inner: str, kind: str = "GeographyPoint") -> Any:
    shape = inner.replace(">", f' xmlns:gml="{GML}" {SYSTEM}>', 1)
    row = row_of(f'<d:Where m:type="Edm.{kind}">\n  {shape}\n</d:Where><d:Kept>k</d:Kept>')
    assert row["Kept"] == "k"
    return row["Where"]


def ring(positions: str) -> str:
    words = positions.split()
    pairs = [" ".join(words[at : at + 2]) for at in range(0, len(words), 2)]
    inner = "".join(f"<gml:pos>{pair}</gml:pos>" for pair in pairs)
    return f"<gml:LinearRing>{inner}</gml:LinearRing>"


POINT = "<gml:Point><gml:pos>47.6 -122.1</gml:pos></gml:Point>"
LINE = "<gml:LineString><gml:pos>1 2</gml:pos><gml:pos>3 4</gml:pos></gml:LineString>"
POLYGON = (
    f"<gml:Polygon><gml:exterior>{ring('0 0 9 0 9 9 0 0')}</gml:exterior>"
    f"<gml:interior>{ring('1 1 2 1 2 2 1 1')}</gml:interior></gml:Polygon>"
)
END = "</gml:MultiGeometry>"
RINGS = [[[0, 0], [0, 9], [9, 9], [0, 0]], [[1, 1], [1, 2], [2, 2], [1, 1]]]


@pytest.mark.parametrize(
    ("inner", "wanted"),
    [
        (POINT, {"type": "Point", "coordinates": [-122.1, 47.6]}),
        (
            "<gml:Point><gml:pos>1 2 3 4</gml:pos></gml:Point>",
            {"type": "Point", "coordinates": [2, 1, 3, 4]},
        ),
        ("<gml:Point><gml:pos/></gml:Point>", {"type": "Point", "coordinates": []}),
        (LINE, {"type": "LineString", "coordinates": [[2, 1], [4, 3]]}),
        (
            "<gml:LineString><gml:posList>1 2 3 4</gml:posList></gml:LineString>",
            {"type": "LineString", "coordinates": [[2, 1], [4, 3]]},
        ),
        (POLYGON, {"type": "Polygon", "coordinates": RINGS}),
        (
            f"<gml:MultiPoint><gml:pointMembers>{POINT}{POINT}</gml:pointMembers></gml:MultiPoint>",
            {"type": "MultiPoint", "coordinates": [[-122.1, 47.6]] * 2},
        ),
        (
            f"<gml:MultiCurve><gml:curveMember>{LINE}</gml:curveMember></gml:MultiCurve>",
            {"type": "MultiLineString", "coordinates": [[[2, 1], [4, 3]]]},
        ),
        (
            f"<gml:MultiSurface><gml:surfaceMember>{POLYGON}</gml:surfaceMember></gml:MultiSurface>",
            {"type": "MultiPolygon", "coordinates": [RINGS]},
        ),
        (
            f"<gml:MultiGeometry><gml:geometryMembers>{POINT}{LINE}</gml:geometryMembers>{END}",
            {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Point", "coordinates": [-122.1, 47.6]},
                    {"type": "LineString", "coordinates": [[2, 1], [4, 3]]},
                ],
            },
        ),
        ("<gml:FullGlobe></gml:FullGlobe>", {"type": "FullGlobe", "coordinates": []}),
    ],
)
def test_a_place_is_given_as_geojson(inner: str, wanted: dict[str, Any]) -> None:
    assert place(inner) == {**wanted, "crs": CRS}


def test_a_place_on_a_plane_keeps_the_order_of_its_coordinates() -> None:
    assert place(POINT, "GeometryPoint")["coordinates"] == [47.6, -122.1]


def test_a_place_may_leave_out_its_type_and_its_system() -> None:
    bare = f'<gml:Point xmlns:gml="{GML}/3.2"><gml:pos>1 2</gml:pos></gml:Point>'
    assert row_of(f"<d:Place>{bare}</d:Place>") == {
        "Place": {"type": "Point", "coordinates": [2, 1]}
    }
    assert row_of('<d:Place m:type="Edm.GeographyPoint" m:null="true"/>') == {"Place": None}


def test_coordinates_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(FormatError, match="'Where' holds coordinates that are no numbers"):
        place("<gml:Point><gml:pos>1 north</gml:pos></gml:Point>")


def test_what_is_no_place_is_refused() -> None:
    with pytest.raises(FormatError, match="'Place' holds the element 'Point'"):
        row_of('<d:Place m:type="Edm.GeographyPoint"><Point xmlns="urn:other"/></d:Place>')


@pytest.mark.parametrize("known", [None, {"Place": "Edm.GeographyPoint"}])
def test_verbose_json_has_the_same_geojson(known: Types | None) -> None:
    body = (
        b'{"d":[{"Place":{"__metadata":{"type":"Edm.GeographyPoint"},"type":"Point","coordinates":'
        b'[-122.1,47.6],"crs":{"type":"name","properties":{"name":"EPSG:4326"}}},'
        b'"Way":{"type":"LineString","coordinates":[[2,1],[4,3]]}}]}'
    )
    assert read_verbose(body, types=known).rows == [
        {
            "Place": {"type": "Point", "coordinates": [-122.1, 47.6], "crs": CRS},
            "Way": {"type": "LineString", "coordinates": [[2, 1], [4, 3]]},
        }
    ]


# --- Links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rel", ["next", "NEXT", "http://www.iana.org/assignments/relation/next"])
def test_a_next_link_is_found_however_its_relation_is_written(rel: str) -> None:
    body = f'<feed {SPACES}><link rel="{rel}" href="http://x.test/2"/></feed>'.encode()
    assert read_atom(body).next_link == "http://x.test/2"


@pytest.mark.parametrize("before", ["\r\n", " \t\n"])
def test_blanks_before_the_declaration_are_no_harm(before: str) -> None:
    body = f'{before}<?xml version="1.0"?><feed {SPACES}/>'.encode()
    assert read_atom(body).rows == []


def test_whether_a_value_is_null_may_stand_between_blanks() -> None:
    assert row_of('<d:Kept m:null=" true "/>') == {"Kept": None}


# --- Broken off, and in pieces --------------------------------------------------------------------


def test_an_error_amid_an_answer_is_bounded() -> None:
    deep = f"{'<m:innererror>' * 150}{'</m:innererror>' * 150}"
    body = f"<feed {SPACES}><m:error>{deep}</m:error></feed>".encode()
    with pytest.raises(FormatError, match="more than 100 elements in one another"):
        read_atom(body)


def test_a_mistake_waits_for_the_end_and_is_told_then() -> None:
    taker = AtomTaker(AtomReader())
    taker.take(f"<feed {SPACES}></entry>".encode() + b" " * 70_000)
    taker.take(b" " * 1000)
    assert taker.size > 71_000
    for _ in range(2):
        with pytest.raises(FormatError, match="mismatched tag"):
            taker.answer()
