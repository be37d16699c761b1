import gc
import pickle
import weakref
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.emulator.metadata import metadata
from creatio_async.emulator.schema import NAMESPACE
from creatio_async.emulator.tables import creatio_tables
from creatio_async.protocol.odata import linking
from creatio_async.protocol.odata.metadata import MetadataError, SchemaReader, read_schema
from creatio_async.protocol.odata.schema import (
    ByName,
    EntityType,
    Property,
    Schema,
    UnknownNameError,
)
from creatio_async.protocol.xmlreader import XmlReader

EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"
CREATIO = "Terrasoft.Configuration.OData"


def edmx(*schemas: str, before: str = "") -> bytes:
    """Put schemas of CSDL 4 into a document."""
    return (
        f'<edmx:Edmx Version="4.0" xmlns:edmx="{EDMX}">{before}'
        f"<edmx:DataServices>{''.join(schemas)}</edmx:DataServices></edmx:Edmx>"
    ).encode()


def schema_of(content: str, *, namespace: str = "N", alias: str = "") -> str:
    named = f' Alias="{alias}"' if alias else ""
    return f'<Schema Namespace="{namespace}"{named} xmlns="{EDM}">{content}</Schema>'


def read(content: str) -> Schema:
    return read_schema(edmx(schema_of(content)))


CAPTURED = f"""<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="{EDMX}">
 <edmx:DataServices><Schema Namespace="{CREATIO}" xmlns="{EDM}">
  <EntityType Name="City"><Key><PropertyRef Name="Id"/></Key>
   <Property Name="Id" Type="Edm.Guid"/>
   <Property Name="CreatedOn" Type="Edm.DateTimeOffset"/>
   <Property Name="Name" Type="Edm.String" Nullable="false"/>
   <Property Name="CountryId" Type="Edm.Guid"/>
   <NavigationProperty Name="Country" Type="{CREATIO}.Country" Partner="CityCollectionByCountry"/>
   <NavigationProperty Name="ContactCollectionByCity" Type="Collection({CREATIO}.Contact)"/>
  </EntityType>
  <EntityType Name="Country"><Key><PropertyRef Name="Id"/></Key>
   <Property Name="Id" Type="Edm.Guid"/>
   <NavigationProperty Name="CityCollectionByCountry" Type="Collection({CREATIO}.City)"
     Partner="Country"/>
  </EntityType>
  <EntityType Name="Contact"><Key><PropertyRef Name="Id"/></Key>
   <Property Name="Id" Type="Edm.Guid"/>
   <Property Name="CityId" Type="Edm.Guid"/>
   <Property Name="Photo" Type="Edm.Stream"/>
   <Property Name="ExternalId" Type="Edm.String"/>
   <NavigationProperty Name="City" Type="{CREATIO}.City" Partner="ContactCollectionByCity"/>
  </EntityType></Schema>
  <Schema Namespace="Default" xmlns="{EDM}"><EntityContainer Name="Container">
   <EntitySet Name="City" EntityType="{CREATIO}.City">
    <NavigationPropertyBinding Path="Country" Target="Country"/>
    <NavigationPropertyBinding Path="ContactCollectionByCity" Target="Contact"/></EntitySet>
   <EntitySet Name="Country" EntityType="{CREATIO}.Country"/>
   <EntitySet Name="Contact" EntityType="{CREATIO}.Contact"/>
  </EntityContainer></Schema>
 </edmx:DataServices></edmx:Edmx>""".encode()

NORTHWIND = b"""<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"
  xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <edmx:DataServices m:DataServiceVersion="1.0" m:MaxDataServiceVersion="3.0">
  <Schema Namespace="NorthwindModel" Alias="Self"
    xmlns:sap="http://www.sap.com/Protocols/SAPData"
    xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
   <EntityType Name="Category" m:HasStream="true" sap:content-version="1">
    <Key><PropertyRef Name="CategoryID"/></Key>
    <Property Name="CategoryID" Type="Edm.Int32" Nullable="false"
      p8:StoreGeneratedPattern="Identity"
      xmlns:p8="http://schemas.microsoft.com/ado/2009/02/edm/annotation"/>
    <Property Name="CategoryName" Type="String" Nullable="false" MaxLength="15"
      FixedLength="false" Unicode="true" m:FC_TargetPath="SyndicationTitle"
      m:FC_ContentKind="text" m:FC_KeepInContent="true" sap:label="Name"/>
    <NavigationProperty Name="Products" Relationship="Self.FK_Products_Categories"
      ToRole="Products" FromRole="Categories"/>
   </EntityType>
   <EntityType Name="Product">
    <Key><PropertyRef Name="ProductID"/></Key>
    <Property Name="ProductID" Type="Edm.Int32" Nullable="false"/>
    <Property Name="CategoryID" Type="Edm.Int32"/>
    <Property Name="UnitPrice" Type="Edm.Decimal" Precision="19" Scale="4" DefaultValue="0"/>
    <Property Name="Packed" Type="Self.Packing" Nullable="false"/>
    <Property Name="OwnerId" Type="Edm.Guid"/>
    <NavigationProperty Name="Category" Relationship="NorthwindModel.FK_Products_Categories"
      FromRole="Products" ToRole="Categories"/>
    <NavigationProperty Name="Owner" Relationship="NorthwindModel.Owners"
      FromRole="Product" ToRole="Category"/>
    <NavigationProperty Name="Lost" Relationship="NorthwindModel.Nowhere"
      FromRole="Product" ToRole="Category"/>
   </EntityType>
   <EntityType Name="Bundle" BaseType="Self.Product"/>
   <ComplexType Name="Packing">
    <Property Name="Note" Type="Edm.String" MaxLength="Max"/></ComplexType>
   <Association Name="FK_Products_Categories">
    <Documentation><Summary>Of whom</Summary></Documentation>
    <End Role="Categories" Type="NorthwindModel.Category" Multiplicity="0..1"/>
    <End Role="Products" Type="NorthwindModel.Product" Multiplicity="*"/>
    <ReferentialConstraint>
     <Principal Role="Categories"><PropertyRef Name="CategoryID"/></Principal>
     <Dependent Role="Products"><PropertyRef Name="CategoryID"/></Dependent>
    </ReferentialConstraint>
   </Association>
   <Association Name="Owners">
    <End Type="NorthwindModel.Category" Multiplicity="1"/>
    <End Type="NorthwindModel.Product" Multiplicity="*"/>
   </Association>
  </Schema>
  <Schema Namespace="ODataWeb.Northwind.Model"
    xmlns="http://schemas.microsoft.com/ado/2009/11/edm">
   <EntityContainer Name="NorthwindEntities" m:IsDefaultEntityContainer="true"
     p6:LazyLoadingEnabled="true"
     xmlns:p6="http://schemas.microsoft.com/ado/2009/02/edm/annotation">
    <EntitySet Name="Categories" EntityType="NorthwindModel.Category"/>
    <EntitySet Name="Products" EntityType="Self.Product"/>
    <EntitySet Name="Bundles" EntityType="Self.Bundle"/>
    <EntitySet Name="Strangers" EntityType="Elsewhere.Stranger"/>
    <AssociationSet Name="FKs" Association="Self.FK_Products_Categories">
     <End Role="Categories" EntitySet="Categories"/><End Role="Products" EntitySet="Products"/>
    </AssociationSet>
    <AssociationSet Name="FKb" Association="Self.FK_Products_Categories">
     <End Role="Categories" EntitySet="Categories"/><End Role="Products" EntitySet="Bundles"/>
    </AssociationSet>
    <FunctionImport Name="Cheapest" EntitySet="Products" m:HttpMethod="GET"
      ReturnType="Collection(Self.Product)"><Parameter Name="below" Type="Edm.Decimal" Mode="In"/>
    </FunctionImport>
    <FunctionImport Name="Recalculate" m:HttpMethod="POST"/>
    <FunctionImport Name="Restock"/>
    <FunctionImport Name="Peek" IsSideEffecting="false" IsBindable="true" ReturnType="Edm.Int32">
     <Parameter Name="product" Type="Self.Product"/></FunctionImport>
   </EntityContainer>
  </Schema>
 </edmx:DataServices>
</edmx:Edmx>"""


# --- Creatio ---------------------------------------------------------------------------------


def test_the_captured_document_is_read() -> None:
    schema = read_schema(CAPTURED)
    city = schema["City"]
    assert schema.namespaces == (CREATIO, "Default")
    assert city.full_name == f"{CREATIO}.City"
    assert city.keys == ("Id",)
    assert list(city.properties) == ["Id", "CreatedOn", "Name", "CountryId"]
    assert city.properties["Id"].type == "Edm.Guid"
    assert city.navigations["Country"].partner == "CityCollectionByCountry"
    assert dict(schema.entity_sets["City"].bindings) == {
        "Country": "Country",
        "ContactCollectionByCity": "Contact",
    }


def test_a_lookup_and_its_column_are_paired_by_their_names_in_both_directions() -> None:
    city = read_schema(CAPTURED)["City"]
    assert city.navigations["Country"].column == "CountryId"
    assert city.properties["CountryId"].navigation == "Country"
    assert city.navigations["ContactCollectionByCity"].column == ""
    assert city.navigations["ContactCollectionByCity"].is_collection


def test_a_column_that_ends_like_a_lookup_is_none_without_a_navigation_property() -> None:
    contact = read_schema(CAPTURED)["Contact"]
    assert contact.properties["ExternalId"].navigation == ""
    assert contact.properties["Id"].navigation == ""


def test_what_the_document_does_not_say_of_null_means_yes_but_for_keys() -> None:
    city = read_schema(CAPTURED)["City"]
    nullable = {name: each.nullable for name, each in city.properties.items()}
    assert nullable == {"Id": False, "CreatedOn": True, "Name": False, "CountryId": True}


def test_a_stream_property_is_known_as_one() -> None:
    contact = read_schema(CAPTURED)["Contact"]
    assert [each.name for each in contact.properties.values() if each.is_stream] == ["Photo"]


def test_the_emulators_document_agrees_with_its_tables() -> None:
    tables = creatio_tables()
    schema = read_schema(metadata(tables))
    assert list(schema) == list(tables)
    for name, table in tables.items():
        kind = schema[name]
        assert kind.full_name == f"{NAMESPACE}.{name}"
        told = [(each.name, each.type) for each in kind.properties.values()]
        assert told == [(each.name, each.kind.value) for each in table.columns]
        ways = [(each.name, each.target, each.is_collection) for each in kind.navigations.values()]
        assert ways == [
            (each.name, f"{NAMESPACE}.{each.target}", each.many) for each in table.navigations
        ]
        for way in table.navigations:
            assert kind.navigations[way.name].column == ("" if way.many else way.column)
            assert kind.navigations[way.name].partner == way.partner


def test_names_may_be_of_any_script() -> None:
    schema = read(
        '<EntityType Name="Договор"><Property Name="КлиентId" Type="Edm.Guid"/>'
        '<NavigationProperty Name="Клиент" Type="N.Договор"/></EntityType>'
        '<EntityContainer Name="C"><EntitySet Name="Договор" EntityType="N.Договор"/>'
        "</EntityContainer>"
    )
    assert schema["Договор"].properties["КлиентId"].navigation == "Клиент"
    with pytest.raises(KeyError, match="did you mean 'Договор'"):
        schema["Договоры"]


# --- CSDL 4 ----------------------------------------------------------------------------------


def test_facets_are_read() -> None:
    schema = read(
        '<EntityType Name="T">'
        '<Property Name="a" Type="Edm.String" MaxLength="250" Unicode="false" DefaultValue="x"/>'
        '<Property Name="b" Type="Edm.Decimal" Precision="18" Scale="2"/>'
        '<Property Name="c" Type="Collection(Edm.Int32)" Nullable="false"/></EntityType>'
    )
    a, b, c = schema.type("T").properties.values()
    assert a == Property(
        name="a", type="Edm.String", max_length=250, unicode=False, default="x", nullable=True
    )
    assert (b.precision, b.scale) == (18, 2)
    assert (c.type, c.is_collection, c.nullable) == ("Edm.Int32", True, False)


@pytest.mark.parametrize("text", ["max", "Max", "variable", "floating", "", "1" * 5000, "१", "1.5"])
def test_a_facet_that_is_no_number_is_left_open(text: str) -> None:
    schema = read(
        f'<EntityType Name="T"><Property Name="a" Type="Edm.Decimal" Scale="{text}"/></EntityType>'
    )
    assert schema.type("T").properties["a"].scale is None


def test_a_property_without_a_type_is_untyped() -> None:
    schema = read('<EntityType Name="T"><Property Name="a"/></EntityType>')
    assert schema.type("T").properties["a"].type == "Edm.Untyped"


def test_the_order_of_attributes_does_not_matter() -> None:
    schema = read('<EntityType Name="T"><Property Type="Name" Name="a"/></EntityType>')
    assert schema.type("T").properties["a"].type == "Edm.Name"


def test_a_type_has_what_its_base_types_have_before_its_own() -> None:
    schema = read(
        '<EntityType Name="Special" BaseType="N.Plain" HasStream="true">'
        '<Property Name="c" Type="Edm.String"/></EntityType>'
        '<EntityType Name="Plain" BaseType="N.Root"><Property Name="ownerId" Type="Edm.Guid"/>'
        '<NavigationProperty Name="owner" Type="N.Root"/></EntityType>'
        '<EntityType Name="Root" Abstract="true" OpenType="true"><Key><PropertyRef Name="Id"/>'
        '</Key><Property Name="Id" Type="Edm.Guid"/></EntityType>'
    )
    special, root = schema.type("Special"), schema.type("N.Root")
    assert list(schema.entity_types) == ["N.Special", "N.Plain", "N.Root"]
    assert list(special.properties) == ["Id", "ownerId", "c"]
    assert list(special.navigations) == ["owner"]
    assert (special.keys, special.base_type) == (("Id",), "N.Plain")
    assert (special.is_open, special.is_abstract, special.has_stream) == (True, False, True)
    assert (root.is_open, root.is_abstract, root.has_stream) == (True, True, False)
    assert special.properties["Id"] is root.properties["Id"]


def test_a_navigation_property_is_paired_with_an_inherited_column() -> None:
    schema = read(
        '<EntityType Name="Root"><Property Name="ownerId" Type="Edm.Guid"/></EntityType>'
        '<EntityType Name="T" BaseType="N.Root">'
        '<NavigationProperty Name="owner" Type="N.Root"/></EntityType>'
    )
    assert schema.type("T").properties["ownerId"].navigation == "owner"
    assert schema.type("T").navigations["owner"].column == "ownerId"
    assert schema.type("Root").properties["ownerId"].navigation == ""


def test_a_base_type_that_the_document_does_not_tell_is_only_named() -> None:
    kind = read('<EntityType Name="T" BaseType="Elsewhere.Root"/>').type("T")
    assert (kind.base_type, list(kind.properties)) == ("Elsewhere.Root", [])


def test_a_constraint_comes_before_the_names() -> None:
    schema = read(
        '<EntityType Name="T"><Property Name="owner_ref" Type="Edm.Guid"/>'
        '<Property Name="ownerId" Type="Edm.Guid"/>'
        '<NavigationProperty Name="first" Type="N.T"/>'
        '<NavigationProperty Name="owner" Type="N.T" ContainsTarget="true" Nullable="false">'
        '<ReferentialConstraint Property="owner_ref" ReferencedProperty="Id"/>'
        '<OnDelete Action="Cascade"/></NavigationProperty></EntityType>'
    )
    kind = schema.type("T")
    owner = kind.navigations["owner"]
    assert owner.column == "owner_ref"
    assert owner.constraints == (("owner_ref", "Id"),)
    assert (owner.contains_target, owner.nullable) == (True, False)
    assert kind.properties["owner_ref"].navigation == "owner"
    assert kind.properties["ownerId"].navigation == ""
    assert kind.navigations["first"].constraints == ()


def test_a_constraint_of_two_properties_or_of_a_path_names_no_column() -> None:
    schema = read(
        '<EntityType Name="T"><Property Name="a" Type="Edm.Guid"/>'
        '<NavigationProperty Name="two" Type="N.T">'
        '<ReferentialConstraint Property="a" ReferencedProperty="x"/>'
        '<ReferentialConstraint Property="b" ReferencedProperty="y"/></NavigationProperty>'
        '<NavigationProperty Name="path" Type="N.T">'
        '<ReferentialConstraint Property="a/b" ReferencedProperty="x"/></NavigationProperty>'
        "</EntityType>"
    )
    assert [each.column for each in schema.type("T").navigations.values()] == ["", ""]


def test_enum_types_have_their_members_numbered() -> None:
    schema = read(
        '<EnumType Name="E" IsFlags="true" UnderlyingType="Edm.Byte"><Member Name="a"/>'
        '<Member Name="b" Value="-8"/><Member Name="c"/></EnumType><EnumType Name="D"/>'
    )
    found = schema.enum_types["N.E"]
    assert (found.is_flags, found.underlying) == (True, "Edm.Byte")
    assert dict(found.members) == {"a": 0, "b": -8, "c": -7}
    assert schema.enum_types["N.D"].underlying == "Edm.Int32"


def test_complex_types_and_type_definitions_are_no_entity_types() -> None:
    schema = read(
        '<ComplexType Name="Address"><Property Name="Zip" Type="N.Zip"/></ComplexType>'
        '<ComplexType Name="Foreign" BaseType="N.Address"/>'
        '<TypeDefinition Name="Zip" UnderlyingType="Edm.String" MaxLength="9"/>'
    )
    assert list(schema.entity_types) == []
    assert list(schema.complex_types["N.Foreign"].properties) == ["Zip"]
    assert not isinstance(schema.complex_types["N.Address"], EntityType)
    zip_code = schema.type_definitions["N.Zip"].underlying
    assert (zip_code.type, zip_code.max_length) == ("Edm.String", 9)


def test_operations_and_their_imports_are_read() -> None:
    schema = read(
        '<Function Name="near" IsBound="true"><Parameter Name="city" Type="N.City"/>'
        '<Parameter Name="km" Type="Edm.Int32"/><ReturnType Type="Collection(N.City)"/></Function>'
        '<Function Name="near"><ReturnType Type="N.City" Nullable="false"/></Function>'
        '<Action Name="reset"/><EntityContainer Name="C">'
        '<FunctionImport Name="Near" Function="N.near" EntitySet="City"/>'
        '<ActionImport Name="Reset" Action="N.reset"/></EntityContainer>'
    )
    bound, free = schema.operations["N.near"]
    assert (bound.is_bound, bound.is_action, list(bound.parameters)) == (
        True,
        False,
        ["city", "km"],
    )
    assert bound.returns == Property(name="", type="N.City", is_collection=True)
    assert free.returns == Property(name="", type="N.City", nullable=False)
    (reset,) = schema.operations["N.reset"]
    assert (reset.is_action, reset.returns) == (True, None)
    assert schema.operation_imports["Near"].operation == "N.near"
    assert schema.operation_imports["Near"].entity_set == "City"
    assert schema.operation_imports["Reset"].operation == "N.reset"


def test_a_singleton_is_no_entity_set() -> None:
    schema = read(
        '<EntityType Name="T"/><EntityContainer Name="C"><Singleton Name="Me" Type="N.T">'
        '<NavigationPropertyBinding Path="boss" Target="People"/></Singleton></EntityContainer>'
    )
    assert list(schema) == []
    assert schema.singletons["Me"].type == "N.T"
    assert schema.singletons["Me"].bindings["boss"] == "People"


def test_an_alias_is_resolved_wherever_it_is_told() -> None:
    include = (
        f'<edmx:Reference xmlns:edmx="{EDMX}" Uri="x">'
        '<edmx:Include Namespace="Far.Away" Alias="F"/><edmx:Include Namespace="Not.Aliased"/>'
        "</edmx:Reference>"
    )
    first = schema_of(
        '<EntityType Name="T"><Property Name="a" Type="L.Kind"/>'
        '<Property Name="b" Type="Collection(F.Kind)"/></EntityType>'
    )
    later = schema_of('<EnumType Name="Kind"/>', namespace="Later.On", alias="L")
    schema = read_schema(edmx(first, later, before=include))
    a, b = schema.type("T").properties.values()
    assert (a.type, b.type) == ("Later.On.Kind", "Far.Away.Kind")


def test_annotations_and_strange_elements_are_passed_over_with_all_that_they_hold() -> None:
    schema = read(
        '<Annotations Target="N.T"><Annotation Term="x"><Record><PropertyValue Property="p"/>'
        "</Record></Annotation></Annotations>"
        '<EntityType Name="T"><Annotation Term="y"><EntityType Name="No"/></Annotation>'
        '<Property Name="a" Type="Edm.String"><Annotation Term="z" String="&lt;"/></Property>'
        '<x:Property xmlns:x="urn:strange" Name="b" Type="Edm.String"/></EntityType>'
    )
    assert list(schema.entity_types) == ["N.T"]
    assert list(schema.type("T").properties) == ["a"]


CORE = (
    '<edmx:Reference Uri="core.xml">'
    '<edmx:Include Namespace="Org.OData.Core.V1" Alias="Core"/></edmx:Reference>'
)


def core(words: str, *, term: str = "Description", more: str = "") -> str:
    return f'<Annotation Term="Org.OData.Core.V1.{term}" String="{words}"{more}/>'


def test_what_is_said_in_words_is_read_wherever_it_stands() -> None:
    for_phones = core("no", more=' Qualifier="Phone"')
    inside = (
        f'<EntityType Name="T">{core("a type")}'
        f'<Property Name="a" Type="Edm.String">{core(" a text ")}'
        f"{core('at length', term='LongDescription')}</Property>"
        '<Property Name="b" Type="Edm.String"><Annotation Term="Core.Description">'
        "<String>two &amp; <!-- no -->parts<x/>, and more</String></Annotation></Property>"
        f'<Property Name="c" Type="Edm.String">{for_phones}</Property>'
        f'<NavigationProperty Name="n" Type="N.T">{core("a way")}</NavigationProperty>'
        f'</EntityType><EnumType Name="E"><Member Name="m"/>{core("an enum")}</EnumType>'
        '<EntityType Name="Other"><Property Name="a" Type="Edm.String"/></EntityType>'
    )
    schema = read_schema(edmx(schema_of(inside), before=CORE))
    told = schema.type("T")
    assert (told.description, told.long_description) == ("a type", "")
    a, b, c = told.properties.values()
    assert (a.description, a.long_description) == ("a text", "at length")
    assert b.description == "two & parts, and more"
    assert c.description == ""
    assert told.navigations["n"].description == "a way"
    assert schema.enum_types["N.E"].description == "an enum"
    assert schema.type("Other").properties["a"].description == ""


def test_what_is_said_apart_is_of_its_target_where_that_says_nothing_itself() -> None:
    def apart(target: str, words: str, more: str = "") -> str:
        return f'<Annotations Target="{target}"{more}>{core(words)}</Annotations>'

    schema = read_schema(
        edmx(
            schema_of(
                apart("S.T", "a type")
                + apart("N.T/a", "a text")
                + apart("N.T/b", "not that")
                + apart("N.T/n", "a way")
                + apart("N.E", "an enum")
                + apart("N.None", "nothing")
                + apart("N.T/none", "nothing")
                + apart("N.Other", "for some", ' Qualifier="Phone"')
                + '<EntityType Name="T"><Property Name="a" Type="Edm.String"/>'
                f'<Property Name="b" Type="Edm.String">{core("this")}</Property>'
                '<NavigationProperty Name="n" Type="N.T"/></EntityType>'
                '<EntityType Name="Other"/><EnumType Name="E"/>',
                alias="S",
            )
        )
    )
    told = schema.type("T")
    assert told.description == "a type"
    assert [each.description for each in told.properties.values()] == ["a text", "this"]
    assert told.navigations["n"].description == "a way"
    assert schema.enum_types["N.E"].description == "an enum"
    assert schema.type("Other").description == ""


def test_what_csdl_3_and_attributes_of_sap_say_in_words_is_read() -> None:
    schema = read_schema(
        b'<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
        b'<edmx:DataServices><Schema Namespace="N" xmlns="http://schemas.microsoft.com/ado/2009/11/edm"'
        b' xmlns:sap="http://www.sap.com/Protocols/SAPData">'
        b'<EntityType Name="T" sap:label="a type"><Documentation><Summary>in short</Summary>'
        b"<LongDescription>at length</LongDescription></Documentation>"
        b'<Property Name="a" Type="Edm.String" sap:label="a label" sap:quickinfo="more of it"/>'
        b'<Property Name="b" Type="Edm.String"><Documentation>'
        b"<Summary>\xd0\x98\xd0\xbc\xd1\x8f</Summary></Documentation></Property></EntityType></Schema></edmx:DataServices></edmx:Edmx>"
    )
    told = schema.type("T")
    assert (told.description, told.long_description) == ("in short", "at length")
    a, b = told.properties.values()
    assert (a.description, a.long_description) == ("a label", "more of it")
    assert (b.description, b.long_description) == ("Имя", "")


def test_any_prefix_will_do() -> None:
    plain = read_schema(edmx(schema_of('<EntityType Name="T"/>')))
    other = (
        f'<a:Edmx xmlns:a="{EDMX}" xmlns:b="{EDM}"><a:DataServices><b:Schema Namespace="N">'
        '<b:EntityType Name="T"></b:EntityType></b:Schema></a:DataServices></a:Edmx>'
    )
    assert read_schema(other.encode()) == plain


def test_of_two_elements_with_the_same_name_the_last_one_counts() -> None:
    schema = read('<EntityType Name="T"/><EntityType Name="T" OpenType="true"/>')
    assert schema.type("T").is_open


# --- CSDL 1 to 3 -----------------------------------------------------------------------------


def test_navigation_of_csdl_3_goes_through_its_association() -> None:
    schema = read_schema(NORTHWIND)
    products = schema["Categories"].navigations["Products"]
    category = schema["Products"].navigations["Category"]
    assert (products.target, products.is_collection) == ("NorthwindModel.Product", True)
    assert (products.partner, products.column, products.constraints) == ("Category", "", ())
    assert (category.target, category.is_collection) == ("NorthwindModel.Category", False)
    assert (category.partner, category.nullable) == ("Products", True)
    assert (category.column, category.constraints) == ("CategoryID", (("CategoryID",) * 2,))
    assert schema["Products"].properties["CategoryID"].navigation == "Category"


def test_an_association_of_csdl_3_without_constraint_or_roles_is_paired_by_names() -> None:
    owner = read_schema(NORTHWIND)["Products"].navigations["Owner"]
    assert (owner.column, owner.nullable, owner.partner) == ("OwnerId", False, "")
    assert owner.target == "NorthwindModel.Category"


def test_an_association_that_is_told_nowhere_leaves_the_target_open() -> None:
    assert read_schema(NORTHWIND)["Products"].navigations["Lost"].target == "Edm.Untyped"


def test_association_sets_become_bindings_of_their_entity_sets() -> None:
    schema = read_schema(NORTHWIND)
    assert dict(schema.entity_sets["Products"].bindings) == {"Category": "Categories"}
    assert dict(schema.entity_sets["Bundles"].bindings) == {"Category": "Categories"}
    assert dict(schema.entity_sets["Categories"].bindings) == {"Products": "Bundles"}


def test_what_csdl_3_tells_of_types_is_read() -> None:
    schema = read_schema(NORTHWIND)
    category, product = schema.type("Category"), schema.type("Product")
    assert (category.has_stream, product.has_stream) == (True, False)
    name = category.properties["CategoryName"]
    assert (name.type, name.max_length, name.nullable) == ("Edm.String", 15, False)
    price = product.properties["UnitPrice"]
    assert (price.precision, price.scale, price.default) == (19, 4, "0")
    assert product.properties["Packed"].type == "NorthwindModel.Packing"
    assert schema.complex_types["NorthwindModel.Packing"].properties["Note"].max_length is None
    assert list(schema["Bundles"].properties) == list(product.properties)


def test_a_function_import_of_csdl_3_is_the_operation_too() -> None:
    schema = read_schema(NORTHWIND)
    imports = {name: each.operation for name, each in schema.operation_imports.items()}
    model = "ODataWeb.Northwind.Model"
    assert imports == {name: f"{model}.{name}" for name in ("Cheapest", "Recalculate", "Restock")}
    actions = {name: each[0].is_action for name, each in schema.operations.items()}
    assert list(actions.values()) == [False, True, True, False]
    (cheapest,) = schema.operations[f"{model}.Cheapest"]
    assert cheapest.returns == Property(name="", type="NorthwindModel.Product", is_collection=True)
    assert cheapest.parameters["below"].type == "Edm.Decimal"
    assert schema.operations[f"{model}.Peek"][0].is_bound


# --- look-ups --------------------------------------------------------------------------------


def test_an_unknown_name_is_answered_with_names_like_it() -> None:
    schema = read_schema(CAPTURED)
    with pytest.raises(KeyError) as caught:
        schema["contacts"]
    assert str(caught.value) == "there is no entity set 'contacts'; did you mean 'Contact'?"
    with pytest.raises(KeyError, match=r"no entity type 'Cty'; did you mean 'City'"):
        schema.type("Cty")
    with pytest.raises(KeyError, match=rf"no entity type '{CREATIO}.Cty'; did you mean '{CREATIO}"):
        schema.type(f"{CREATIO}.Cty")
    with pytest.raises(KeyError, match=r"no property 'CountyId'; did you mean 'CountryId'"):
        schema["City"].properties["CountyId"]
    with pytest.raises(KeyError, match=r"no navigation property 'zzz'$"):
        schema["City"].navigations["zzz"]
    with pytest.raises(KeyError, match="no entity set 1"):
        schema[1]  # type: ignore[index]


def test_a_type_is_found_by_its_short_and_its_full_name() -> None:
    schema = read_schema(CAPTURED)
    assert schema.type("City") is schema.type(f"{CREATIO}.City") is schema.entity_set("City")


def test_a_short_name_of_two_types_is_refused_with_both() -> None:
    types = [schema_of('<EntityType Name="T"/>', namespace=each) for each in ("A", "B")]
    schema = read_schema(edmx(*types))
    with pytest.raises(KeyError, match=r"several types 'T': A\.T, B\.T"):
        schema.type("T")
    assert schema.type("B.T").namespace == "B"


def test_an_entity_set_of_a_type_told_elsewhere_has_no_type() -> None:
    schema = read_schema(NORTHWIND)
    assert schema.entity_sets["Strangers"].type == "Elsewhere.Stranger"
    with pytest.raises(KeyError, match=r"no entity type 'Elsewhere\.Stranger'"):
        schema["Strangers"]


def test_a_schema_can_be_asked_whether_it_has_an_entity_set() -> None:
    schema = read_schema(CAPTURED)
    assert "City" in schema
    assert "Town" not in schema
    assert schema.entity_sets.get("Town") is None
    assert list(schema) == ["City", "Country", "Contact"]


# --- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [CAPTURED, NORTHWIND])
def test_a_schema_is_the_same_after_pickling_and_in_every_reading(document: bytes) -> None:
    schema = read_schema(document)
    copy = pickle.loads(pickle.dumps(schema))  # noqa: S301 - our own
    assert copy == schema == read_schema(document)
    assert hash(copy) == hash(schema)
    assert pickle.dumps(read_schema(document)) == pickle.dumps(read_schema(document))
    name = next(iter(schema))
    assert copy.type(copy[name].name) == schema[name]


def test_errors_can_be_pickled() -> None:
    for error in (MetadataError("line 1: no"), UnknownNameError("there is no x")):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (type(copy), str(copy)) == (type(error), str(error))


def test_what_is_shown_of_a_schema_is_short() -> None:
    schema = read_schema(CAPTURED)
    city = schema["City"]
    assert repr(schema) == f"Schema({CREATIO}, Default: 3 entity types, 3 entity sets)"
    assert repr(city) == f"EntityType({CREATIO}.City: 4 properties, 2 navigations)"
    assert repr(city.properties["Id"]) == "Property(Id: Edm.Guid)"
    assert repr(city.properties) == "<4 by name, each a property>"
    shown = repr(city.navigations["ContactCollectionByCity"])
    assert shown == f"NavigationProperty(ContactCollectionByCity: Collection({CREATIO}.Contact))"
    assert len(repr(schema.entity_sets["City"])) < 200


def test_equal_properties_and_names_are_kept_once() -> None:
    schema = read_schema(CAPTURED)
    assert schema["City"].properties["Id"] is schema["Country"].properties["Id"]
    partner = schema["City"].navigations["Country"].partner
    assert partner is schema["Country"].navigations["CityCollectionByCountry"].name


def test_things_by_name_compare_by_what_they_are() -> None:
    assert ByName({"a": 1}) == ByName({"a": 1}, "thing")
    assert ByName({"a": 1}) != ByName({"a": 2})
    assert ByName({"a": 1}) != {"a": 1}


# --- bytes -----------------------------------------------------------------------------------


def cut(document: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(document) + 1) for place in places), len(document)]
    return [document[begin:end] for begin, end in pairwise(marks)]


@given(st.sampled_from([CAPTURED, NORTHWIND]), st.lists(st.integers(0, 100_000), max_size=40))
def test_the_schema_does_not_depend_on_how_the_bytes_are_cut(
    document: bytes, places: list[int]
) -> None:
    assert read_schema(cut(document, places)) == read_schema(document)


def test_a_document_longer_than_a_block_may_come_byte_by_byte() -> None:
    document = edmx(
        *(
            schema_of(f'<EntityType Name="T{number}"/>' + " " * 500, namespace="Договор")
            for number in range(150)
        )
    )
    assert len(document) > 64 * 1024
    assert read_schema(bytes([each]) for each in document) == read_schema(document)


@given(st.integers(0, len(CAPTURED) - 1))
def test_a_document_that_breaks_off_is_refused(place: int) -> None:
    with pytest.raises(MetadataError):
        read_schema(CAPTURED[:place])


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(MetadataError):
        read_schema(data)


@given(st.data())
def test_a_document_with_a_damaged_byte_is_read_or_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(NORTHWIND) - 1))
    byte = data.draw(st.integers(0, 255))
    damaged = NORTHWIND[:place] + bytes([byte]) + NORTHWIND[place + 1 :]
    with suppress(MetadataError):
        assert isinstance(read_schema(damaged), Schema)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: b'<?xml version="1.0" encoding="windows-1251"?>' + text.encode("cp1251"),
    ],
    ids=["UTF-8 with a mark", "UTF-16", "UTF-16 from the other end", "windows-1251"],
)
def test_other_encodings_are_read(encode: Callable[[str], bytes]) -> None:
    text = edmx(schema_of('<EntityType Name="Договор"/>')).decode()
    document = encode(text)
    assert read_schema(document) == read_schema(text.encode())
    assert read_schema(bytes([each]) for each in document) == read_schema(text.encode())


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "shift_jis", "undefined", "utf-7"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    with pytest.raises(MetadataError, match="line 1: "):
        read_schema(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + edmx(schema_of("")))


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">]>
<lolz>&lol2;</lolz>"""


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "an empty document"),
        (b"  \n", "an empty document"),
        (b'{"$Version": "4.01"}', "line 1: not well-formed"),
        (b"<html><body/></html>", "line 1: the element 'html' where Edmx was due"),
        (f'<Schema xmlns="{EDM}" Namespace="N"/>'.encode(), "the element 'Schema'"),
        (b"<Edmx/>", "the element 'Edmx' where"),
        (b"<!DOCTYPE html><html/>", "a document type"),
        (b'<!DOCTYPE e SYSTEM "http://x.test/e.dtd"><e/>', "a document type"),
        (b'<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]><e>&x;</e>', "a document type"),
        (LAUGHS, "a document type"),
        (edmx(), "the document has no Schema"),
        (CAPTURED + b"<more/>", "junk after document element"),
        (CAPTURED.replace(b"Country", b"&country;"), "undefined entity"),
        (edmx(schema_of('<EntityType Key="x"/>')), "line 1: an EntityType without a Name"),
        (edmx(schema_of('<EntityType Name="T"><Property Type="x"/></EntityType>')), "a Property"),
        (edmx(schema_of('<EntityType Name="T"><Property/></EntityType>')), "a Property without"),
        (
            edmx(schema_of('<EntityType Name="T"><NavigationProperty Name=""/></EntityType>')),
            "a NavigationProperty without a Name",
        ),
        (edmx(schema_of("<Association/>")), "an Association without a Name"),
        (
            NORTHWIND.replace(b"</AssociationSet>", b'<End Role="x"/></AssociationSet>'),
            "line 61: an AssociationSet with more than two ends",
        ),
        (
            edmx(
                schema_of(
                    '<EntityType Name="A" BaseType="N.B"/><EntityType Name="B" BaseType="N.A"/>'
                )
            ),
            "the type N.A derives from itself",
        ),
    ],
)
def test_what_is_no_metadata_is_refused_in_words(document: bytes, reason: str) -> None:
    with pytest.raises(MetadataError) as caught:
        read_schema(document)
    assert reason in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(MetadataError, match="more than 64 elements in one another"):
        read(f"{'<a>' * 5000}{'</a>' * 5000}")


def test_a_long_line_of_base_types_is_refused() -> None:
    types = "".join(f'<EntityType Name="T{n}" BaseType="N.T{n + 1}"/>' for n in range(100))
    with pytest.raises(MetadataError, match=r"N\.T0 derives from more than 64 types"):
        read(types)


def test_inheritance_that_multiplies_properties_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linking, "_MOST_INHERITED", 99)
    properties = "".join(f'<Property Name="p{n}" Type="Edm.String"/>' for n in range(10))
    types = "".join(f'<EntityType Name="T{n}" BaseType="N.T"/>' for n in range(10))
    with pytest.raises(MetadataError, match="more than 99 inherited properties"):
        read(f'<EntityType Name="T">{properties}</EntityType>{types}')


def test_more_bytes_than_allowed_are_refused_before_they_are_read() -> None:
    with pytest.raises(MetadataError, match="more than 1,000 bytes"):
        read_schema(CAPTURED, max_bytes=1_000)
    assert "City" in read_schema(CAPTURED, max_bytes=len(CAPTURED))


@pytest.mark.parametrize("begin", [b'<EntityType Name="', b"<!--"])
def test_a_tag_that_does_not_end_is_refused_before_it_fills_the_memory(begin: bytes) -> None:
    reader = SchemaReader()
    reader.feed(edmx(schema_of("")).partition(b"</Schema>")[0] + begin)
    for _ in range(16):
        reader.feed(b"x" * 64 * 1024)
    with pytest.raises(MetadataError, match="line 1: a tag without end"):
        reader.feed(b"x" * 64 * 1024)


def test_a_reader_reads_one_document() -> None:
    reader = SchemaReader()
    reader.feed(CAPTURED)
    reader.close()
    with pytest.raises(ValueError, match="the document has ended"):
        reader.feed(b" ")
    with pytest.raises(ValueError, match="the document has ended"):
        reader.close()


def test_a_reader_is_gone_when_nobody_holds_it() -> None:
    reader = SchemaReader()
    reader.feed(CAPTURED)
    reader.close()
    gone = weakref.ref(reader)
    gc.disable()
    try:
        del reader
        assert gone() is None
    finally:
        gc.enable()


def test_text_is_given_to_who_wants_it() -> None:
    seen: list[str] = []
    reader = XmlReader(
        lambda name, attributes: seen.append(f"<{name} {attributes}>"),
        lambda name: seen.append(f"</{name}>"),
        seen.append,
        max_bytes=100,
        max_depth=2,
    )
    reader.feed(b'<a xmlns="urn:u"><b c="1">t&amp;')
    reader.feed("е</b></a>".encode())
    reader.close()
    assert seen == ["<urn:u a []>", "<urn:u b ['c', '1']>", "t&е", "</urn:u b>", "</urn:u a>"]
