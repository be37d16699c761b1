"""Answers of OData 3, written in every way that a service may choose, and the rows in them."""

import random
from typing import Any
from xml.sax.saxutils import escape

import orjson

__all__ = ["TYPES", "broken", "some_atom", "some_rows", "some_verbose"]

ATOM = "http://www.w3.org/2005/Atom"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
Row = dict[str, Any]

TYPES = {
    "Guid": "Edm.Guid",
    "Name": "Edm.String",
    "When": "Edm.DateTime",
    "Flag": "Edm.Boolean",
    "Whole": "Edm.Int32",
    "Long": "Edm.Int64",
    "Amount": "Edm.Decimal",
    "Rate": "Edm.Double",
    "Data": "Edm.Binary",
}
_DATE = "2020-01-01T00:00:00"
_WORDS = ("", " ", "Mary", "a&b", "<c>", "]]>", "\n", "é€", "\U0001f600", _DATE, '"')
_PIECES = (
    b"<",
    b">",
    b"&",
    b"&amp;",
    b"&#0;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<!DOCTYPE a>",
    b"<?xml?>",
    b"<m:inline>",
    b"<entry>",
    b"</entry>",
    b"<m:error><m:message>x</m:message></m:error>",
    b"m:null='true'",
    b"m:type='Collection('",
    b"xml:base='http://['",
    b'"results":',
    b'"__deferred":',
    b'{"d":',
    b"[]",
    b"null",
    b"1e999",
    b"9" * 400,
    b"\\ud800",
    b"\x00",
    b"\xff",
)


def _value(draw: random.Random, edm: str) -> Any:
    match edm:
        case "Edm.Guid":
            return f"{draw.getrandbits(32):08x}-0000-4000-8000-{draw.getrandbits(48):012x}"
        case "Edm.DateTime":
            fraction = draw.choice(["", ".5", ".1234567"])
            return f"{draw.randrange(1, 9999):04d}-12-31T23:59:{draw.randrange(60):02d}{fraction}Z"
        case "Edm.Boolean":
            return draw.random() < 0.5
        case "Edm.Int32":
            return draw.randrange(-(2**31), 2**31)
        case "Edm.Int64":
            return draw.randrange(-(2**63), 2**63)
        case "Edm.Decimal" | "Edm.Double":
            return draw.choice([0.5, -12.25, 0, 7, 1e-7, 123456.789])
        case "Edm.Binary":
            return draw.choice(["", "AA==", "+/8="])
        case _:
            return "".join(draw.choice(_WORDS) for _ in range(draw.randrange(4)))


def some_rows(draw: random.Random, depth: int = 2) -> list[Row]:
    """Return rows as they are to be read, with others within; all have the same columns."""
    names = [name for name in TYPES if draw.random() < 0.6]
    ways = [name for name in ("Account", "Calls", "Address", "Tags") if draw.random() < 0.3]
    rows: list[Row] = []
    for _ in range(draw.randrange(4)):
        row: Row = {
            name: None if draw.random() < 0.1 else _value(draw, TYPES[name]) for name in names
        }
        for way in ways if depth else ():
            inner = some_rows(draw, depth - 1)
            plain = [{n: v for n, v in one.items() if n in TYPES} for one in inner]
            match way:
                case "Account":
                    row[way] = inner[0] if inner else None
                case "Calls":
                    row[way] = inner
                case "Address":
                    row[way] = plain[0] if plain else None
                case _:
                    row[way] = [draw.choice(_WORDS) for _ in range(draw.randrange(3))]
        rows.append(row)
    return rows


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "0.0000001" if value == 1e-7 else str(value)


class _Writer:
    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.blank = draw.choice(["", "", "\n  "])

    def between(self) -> str:
        return self.draw.choice([self.blank, self.blank, "<!-- no -->", "<?pi no?>", self.blank])

    def content(self, text: str) -> str:
        match self.draw.randrange(3):
            case 0 if "]]>" not in text:
                return f"<![CDATA[{text}]]>"
            case 1:
                return "".join(f"&#{ord(sign)};" for sign in text)
            case _:
                return escape(text)

    def property(self, name: str, value: Any) -> str:
        edm = TYPES.get(name, "Collection(Edm.String)" if name == "Tags" else "T.Address")
        typed = "" if edm == "Edm.String" else f' m:type="{edm}"'
        if value is None:
            return f'<d:{name}{typed} m:null="true"/>'
        if isinstance(value, dict):
            inner = "".join(self.property(each, value[each]) for each in value)
        elif isinstance(value, list):
            inner = "".join(f"<d:element>{self.content(each)}</d:element>" for each in value)
        else:
            text = _text(value)
            inner = self.content(text.removesuffix("Z") if edm == "Edm.DateTime" else text)
        return f"<d:{name}{typed}>{inner}</d:{name}>"

    def link(self, name: str, value: Any) -> str:
        kind = "feed" if name == "Calls" else "entry"
        inner = ""
        if isinstance(value, list):
            inner = self.feed(value)
        elif value is not None:
            inner = self.entry(value)
        return (
            f'<link rel="{DATA}/related/{name}" type="application/atom+xml;type={kind}" '
            f'href="X/{name}">{self.between()}<m:inline>{inner}</m:inline>{self.between()}</link>'
        )

    def entry(self, row: Row) -> str:
        links = [self.link(name, row[name]) for name in row if name in {"Account", "Calls"}]
        links.append(f'<link rel="{DATA}/related/Owner" href="X/Owner"/>')
        self.draw.shuffle(links)
        columns = [name for name in row if name not in {"Account", "Calls"}]
        properties = self.between().join(self.property(name, row[name]) for name in columns)
        properties = f"<m:properties>{self.between()}{properties}{self.between()}</m:properties>"
        if self.draw.random() < 0.7:
            properties = f'<content type="application/xml">{properties}</content>'
        parts = ["<id>x</id><title/><author><name>y</name></author>", *links, properties]
        if self.draw.random() < 0.2:
            parts.reverse()
        return f"<entry>{self.between()}{self.between().join(parts)}{self.between()}</entry>"

    def feed(self, rows: list[Row], more: str = "") -> str:
        entries = self.between().join(map(self.entry, rows))
        return f"<feed {more}><title>t</title>{self.between()}{entries}{self.between()}</feed>"


def some_atom(draw: random.Random, rows: list[Row]) -> bytes:
    """Return *rows* as a feed."""
    spaces = f'xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{DATA}/metadata"'
    text = _Writer(draw).feed(rows, spaces)
    if draw.random() < 0.3:
        text = text.replace("<d:", "<q:").replace("</d:", "</q:").replace("xmlns:d", "xmlns:q")
    encoding = draw.choice(["utf-8", "utf-8-sig", "utf-16"])
    return text.encode(encoding)


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    edm = TYPES.get(name)
    if edm in {"Edm.Int64", "Edm.Decimal"}:
        return _text(value)
    if edm == "Edm.DateTime":
        return value.removesuffix("Z")
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return {"results": [_object(e) if isinstance(e, dict) else e for e in value]}
    return value


def _object(row: Row) -> Row:
    told = {"__metadata": {"uri": "x"}, "Owner": {"__deferred": {"uri": "x"}}}
    return told | {name: _plain(name, value) for name, value in row.items()}


def some_verbose(draw: random.Random, rows: list[Row]) -> bytes:
    """Return *rows* as a collection."""
    objects = [_object(row) for row in rows]
    if draw.random() < 0.3:
        for each in objects:
            if draw.random() < 0.5:
                each.pop("Owner")
    return orjson.dumps({"d": draw.choice([objects, {"results": objects}])})


def broken(draw: random.Random, body: bytes) -> bytes:
    """Return *body* with some bytes changed, lost, doubled, or put elsewhere."""
    changed = bytearray(body)
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(changed) + 1)
        to = min(len(changed), at + draw.randrange(60))
        match draw.randrange(6):
            case 0:
                changed[at:to] = b""
            case 1:
                changed[at:at] = changed[at:to]
            case 2:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 3:
                changed[at:at] = draw.choice(_PIECES)
            case 4:
                piece = bytes(changed[at:to])
                there = draw.randrange(len(changed) + 1)
                changed[there:there] = piece
            case _:
                if draw.random() < 0.2:
                    del changed[at:]
    return bytes(changed)
