"""The small documents: properties, links, the service document, errors."""

from typing import Any

import pytest

from creatio_async.protocol.odata3.answers import FormatError, Links
from creatio_async.protocol.odata3.documents import (
    read_error,
    read_links,
    read_property,
    read_service,
)

BASE = "http://crm.test/0/ServiceModel/EntityDataService.svc/"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
SPACES = f'xmlns="{DATA}" xmlns:m="{DATA}/metadata"'
HEAD = '<?xml version="1.0" encoding="utf-8"?>'


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("<Name {}>Mary</Name>", "Mary"),
        ("<Name {}/>", ""),
        ('<Name {} m:null="true"/>', None),
        ('<Age {} m:type="Edm.Int32">5</Age>', 5),
        ('<When {} m:type="Edm.DateTime">2018-10-26T09:13:30</When>', "2018-10-26T09:13:30Z"),
        ('<A {} m:type="T.A"><City>Kyiv</City></A>', {"City": "Kyiv"}),
        ('<T {} m:type="Collection(Edm.Int32)"><element>1</element></T>', [1]),
    ],
)
def test_a_property_alone_is_read(element: str, value: Any) -> None:
    assert read_property(f"\ufeff{HEAD}{element.format(SPACES)}".encode()) == value


def test_links_are_read_in_both_forms() -> None:
    several = Links(uris=[f"{BASE}A(1)", f"{BASE}A(2)"], count=7, next_link=f"{BASE}A?p=2")
    xml = f"{HEAD}<links {SPACES}><m:count>7</m:count><uri>A(1)</uri><uri>{BASE}A(2)</uri>"
    xml += f"<next>{BASE}A?p=2</next></links>"
    assert read_links(xml.encode(), base=BASE) == several
    json = f'{{"d":{{"results":[{{"uri":"A(1)"}},{{"uri":"{BASE}A(2)"}}],"__count":"7",'
    json += '"__next":"A?p=2"}}'
    assert read_links(json.encode(), base=BASE) == several
    one = Links(uris=[f"{BASE}A(1)"], is_feed=False)
    assert read_links(f"{HEAD}<uri {SPACES}>A(1)</uri>".encode(), base=BASE) == one
    assert read_links(f"<m:uri {SPACES}>A(1)</m:uri>".encode(), base=BASE) == one
    assert read_links(b'{"d":{"uri":"A(1)"}}', base=BASE) == one
    assert read_links(b'{"d":[{"uri":"A(1)"}]}', base=BASE).uris == one.uris
    assert read_links(f"<links {SPACES}/>".encode()) == read_links(b'{"d":{"results":[]}}')


def test_a_service_document_names_its_collections() -> None:
    xml = (
        f'{HEAD}<service xml:base="{BASE}" xmlns="http://www.w3.org/2007/app" '
        'xmlns:atom="http://www.w3.org/2005/Atom"><workspace><atom:title>Default</atom:title>'
        '<collection href="ContactCollection"><atom:title>Contacts</atom:title></collection>'
        f'<collection href="{BASE}AccountCollection/"/></workspace></service>'
    )
    names = ["ContactCollection", "AccountCollection"]
    assert read_service(xml.encode()) == names
    assert read_service(b'{"d":{"EntitySets":["ContactCollection","AccountCollection"]}}') == names


def test_an_error_says_its_innermost_message() -> None:
    inner = (
        "<m:innererror><m:message>Inner.</m:message><m:type>T</m:type><m:stacktrace>at x"
        "</m:stacktrace><m:internalexception><m:message> Deepest. </m:message>"
        "<m:type/></m:internalexception></m:innererror>"
    )
    head = f'{HEAD}<m:error {SPACES}><m:code>c</m:code><m:message xml:lang="en">Outer.</m:message>'
    assert read_error(f"{head}{inner}</m:error>".encode()) == ("c", "Deepest.")
    assert read_error(f"{head}</m:error>".encode()) == ("c", "Outer.")
    assert read_error(f"<error {SPACES.replace(DATA, DATA + '/metadata', 1)}/>".encode()) == (
        "",
        "",
    )
    for body in (b"", b"<html/>", head.encode(), b"{}", b"<!DOCTYPE x><error/>"):
        assert read_error(body) == ("", "")


XML = f"<m:error {SPACES}/>".encode()


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"<a", b"{}", b'{"d":5}', b'{"d":{}}', XML]
)
@pytest.mark.parametrize("read", [read_links, read_service, read_property])
def test_what_is_no_such_document_is_told(read: Any, body: bytes) -> None:
    with pytest.raises(FormatError):
        read(body)
