"""``Execute`` of ``ProcessEngineService.svc``: a process by name, its parameters, one result.

Source: academy.creatio.com, "ProcessEngineService.svc". The answer is an XML ``string`` element
that holds JSON, also where JSON was asked for.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID
from xml.parsers import expat

import orjson

from creatio_async.errors import UnexpectedResponseError
from creatio_async.messages import Request, Response
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.values import check_value, datetime_text, dumps, number_text

__all__ = [
    "HEADERS",
    "SERVICE",
    "decoded_result",
    "element_paths",
    "execute_path",
    "parameter_text",
    "parameter_texts",
    "read_result",
]

SERVICE = "ServiceModel/ProcessEngineService.svc"

HEADERS: Mapping[str, str] = {"Accept": "application/json, application/xml;q=0.9"}

_RESULT_NAME = "ResultParameterName"


def execute_path(process: str, parameters: Mapping[str, Any], result: str | None) -> str:
    """Return the path that runs *process*, relative to the workspace.

    Args:
        process: The code of its schema.
        parameters: Values by the codes of the parameters; None leaves a parameter out.
        result: The code of the parameter to return; None does not wait for the process.

    Raises:
        ValueError: A name is no identifier, or a value has no text.
        TypeError: A value is of a type that no parameter takes.
    """
    texts = parameter_texts(parameters)
    if result is not None:
        texts = [(_RESULT_NAME, check_name(result, "code of a parameter")), *texts]
    query = "&".join(f"{quote(name)}={quote(text, safe='')}" for name, text in texts)
    path = f"{SERVICE}/{quote(check_name(process, 'code of a process'))}/Execute"
    return f"{path}?{query}" if query else path


def element_paths(uid: object) -> tuple[str, str]:
    """Return the two paths that may run the element *uid* of a process, the likelier one first.

    Source: academy.creatio.com, "ProcessEngineService.svc", shows the uid as a segment of the path
    and calls it ``ProcessElementUID``; a client sends it under that name in the query.

    Raises:
        TypeError: *uid* is neither a UUID nor a string.
        ValueError: It is a string, but not in guid form.
    """
    key, method = key_text(uid), f"{SERVICE}/ExecProcElByUId"
    return f"{method}/{key}", f"{method}?ProcessElementUID={key}"


def parameter_texts(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the codes of *parameters* and the texts of their values; None leaves one out.

    Raises:
        ValueError: A name is no identifier, or a value has no text.
        TypeError: A value is of a type that no parameter takes.
    """
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters are a mapping of codes to values, not {parameters!r:.80}")
    if _RESULT_NAME in parameters:
        raise ValueError(f"{_RESULT_NAME} is no parameter: pass result= instead")
    named = [(check_name(name, "code of a parameter"), value) for name, value in parameters.items()]
    return [(name, _checked_text(name, value)) for name, value in named if value is not None]


def _checked_text(name: str, value: object) -> str:
    try:
        return parameter_text(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"parameter {name!r}: {error}") from None


def parameter_text(value: object) -> str:
    """Return *value* as the text that a parameter of its type is given as.

    Raises:
        ValueError: A datetime has no time zone, or a number is not finite.
        TypeError: No parameter takes a value of this type.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | UUID():
            return str(value)
        case Decimal():
            return number_text(value)
        case float():
            return number_text(Decimal(repr(value)))
        case dt.datetime():
            return datetime_text(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case Mapping() | list() | tuple():
            check_value(value, "in it")
            return dumps(value).decode()
        case _:
            raise TypeError(f"no process takes a {type(value).__name__}")


def read_result(request: Request, response: Response) -> Any:
    """Return the value of the result parameter; None where there is none.

    The text within the XML is decoded from JSON; a text that it holds is decoded a second time
    where it begins with ``{`` or ``[``, because collections travel as JSON in a text parameter.
    Where the answer is JSON instead of XML, what would stand in the XML may be a text in it.

    Raises:
        UnexpectedResponseError: The answer is neither XML with a ``string`` nor JSON.
    """
    body = response.text().strip()
    if body.startswith("<"):
        body = _element_text(request, response, body).strip()
    elif body.startswith('"\\"'):
        body = _unwrapped(body)
    return decoded_result(_decoded(body)) if body else None


def _unwrapped(body: str) -> str:
    """Return the JSON that is a text in *body*, where it holds an object or a list."""
    inner = _decoded(body)
    held = _decoded(inner) if isinstance(inner, str) else None
    return inner if isinstance(held, str) and held.lstrip()[:1] in {"{", "["} else body


def decoded_result(value: Any) -> Any:
    """Return *value*, or what is in it where it is a text that holds an object or a list."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        return _decoded(value)
    return value


def _decoded(text: str) -> Any:
    """Decode JSON; what is none is a text that a build has not quoted."""
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def _element_text(request: Request, response: Response, body: str) -> str:
    names: list[str] = []
    texts: list[str] = []

    def refuse(*_: object) -> None:
        raise ValueError("a document type")

    def start(name: str, _: object) -> None:
        names.append(name)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.CharacterDataHandler = texts.append
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat's own signature
    except (expat.ExpatError, ValueError) as error:
        raise UnexpectedResponseError(request, response, "", f"no XML: {error}") from None
    if len(names) != 1 or names[0].rpartition(" ")[2] != "string":
        detail = f"no result of a process: the element {names[0]!r}"
        raise UnexpectedResponseError(request, response, "", detail)
    return "".join(texts)
