"""The floor: the same traffic, written by hand with aiohttp and orjson, and nothing else.

It logs in, sends the CSRF token, and stops at the first status that is no success. It does not
retry, renew a session, look up what got no answer, check values, report, or bound anything.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from yarl import URL

__all__ = ["call_one", "create_all", "ids_of_uuid4", "logged_in", "read_all"]

_BATCH = 100
_AT_ONCE = 4
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}
_ADD = {**_JSON, "Prefer": "return=minimal"}


@asynccontextmanager
async def logged_in(site: str) -> AsyncGenerator[aiohttp.ClientSession]:
    """Log in, and give a session that sends the token along."""
    jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        login = {"UserName": "Supervisor", "UserPassword": "Supervisor"}
        url = f"{site}/ServiceModel/AuthService.svc/Login"
        async with session.post(url, data=orjson.dumps(login), headers=_JSON) as answer:
            assert orjson.loads(await answer.read())["Code"] == 0
        token = next(morsel.value for morsel in jar if morsel.key == "BPMCSRF")
        session.headers.update({"BPMCSRF": token, "ForceUseSession": "true"})
        yield session


def ids_of_uuid4(count: int) -> list[str]:
    """Return *count* ids, each made as one would make it by hand."""
    return [str(uuid4()) for _ in range(count)]


async def create_all(
    session: aiohttp.ClientSession,
    site: str,
    rows: Iterable[Mapping[str, Any]],
    new_ids: Callable[[int], list[str]],
    entity_set: str = "City",
) -> int:
    """Write *rows*, 100 in a batch, four batches at once; return how many were written."""
    source = iter(rows)
    url = URL(f"{site}/0/odata/$batch")
    headers = {**_JSON, "Prefer": "continue-on-error"}

    async def work() -> int:
        done = 0
        while chunk := list(islice(source, _BATCH)):
            requests = [
                {
                    "id": str(number),
                    "method": "POST",
                    "url": entity_set,
                    "headers": _ADD,
                    "body": {"Id": made, **row},
                }
                for number, (row, made) in enumerate(
                    zip(chunk, new_ids(len(chunk)), strict=True), 1
                )
            ]
            body = orjson.dumps({"requests": requests})
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status == 200
                responses = orjson.loads(await answer.read())["responses"]
            for response in responses:
                assert response["status"] < 300
            done += len(responses)
        return done

    return sum(await asyncio.gather(*(work() for _ in range(_AT_ONCE))))


async def read_all(session: aiohttp.ClientSession, site: str, size: int) -> int:
    """Read all cities by key, *size* rows in a page, one page after another; return how many."""
    start = f"{site}/0/odata/City?"
    rest = f"$orderby=Id&$top={size}"
    count, condition = 0, ""
    while True:
        url = URL(f"{start}{condition}{rest}", encoded=True)
        async with session.get(url, headers={"Accept": "application/json"}) as answer:
            assert answer.status == 200
            rows: list[dict[str, Any]] = orjson.loads(await answer.read())["value"]
        count += len(rows)
        if len(rows) < size:
            return count
        condition = f"$filter=Id%20gt%20{rows[-1]['Id']}&"


async def call_one(session: aiohttp.ClientSession, url: URL) -> int:
    """Read one row; return how many came."""
    async with session.get(url, headers=_JSON, allow_redirects=False) as answer:
        assert answer.status == 200
        return len(orjson.loads(await answer.read())["value"])
