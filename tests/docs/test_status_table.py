"""Hold the client to the table of status codes in the reference, row by row."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import frozen

import creatio_async
from creatio_async import Creatio, MethodNotAllowedError, NotFoundError, ResponseError
from creatio_async.messages import Request, Response
from tests.api.canned import Canned, answer, client

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
KEY = str(uuid4())
NOT_LISTED = {"3xx": 302, "other 4xx": 418, "other 5xx": 505}
"""Statuses that stand for many."""

WANTED = (
    "200 201 202 204 3xx 304 400 401 403 404 405 406 408 409 410 412 413 414 415 424 428 429 "
    "500 501 502 503 504"
)

CAUSE = "the innermost cause"
ELSEWHERE = "https://elsewhere.test/"

Ask = Callable[[Creatio], Awaitable[object]]


async def _send_batch(crm: Creatio) -> None:
    batch = crm.odata.batch()
    batch.update("City", KEY, {"Name": "Burbank"})
    await batch.send()


KINDS: dict[str, Ask] = {
    "read": lambda crm: crm.odata["City"].get(KEY),
    "update": lambda crm: crm.odata["City"].update(KEY, {"Name": "Burbank"}),
    "delete": lambda crm: crm.odata["City"].delete(KEY),
    "create": lambda crm: crm.odata["City"].create({"Name": "Burbank"}),
    "batch": _send_batch,
    "process": lambda crm: crm.processes.start("UsrProcess"),
}
WRITES = {"update", "delete", "create", "batch"}
AGAIN: dict[str, set[str]] = {
    "no": set(),
    "reads": {"read"},
    "reads, updates, deletes": {"read", "update", "delete"},
    "all but processes": KINDS.keys() - {"process"},
    "all, after a new login": set(KINDS),
    "writes, after a new login": WRITES,
}


@frozen
class Entry:
    """A row of the table."""

    status: str
    raised: str
    besides: str
    again: str

    @property
    def number(self) -> int:
        """The status to answer with."""
        listed = self.status.partition(" ")[0]
        return NOT_LISTED.get(self.status) or NOT_LISTED.get(listed) or int(listed)

    @property
    def words(self) -> str:
        """What the answer has to hold."""
        found = re.search("`(.+)`", self.status)
        return found[1] if found else ""

    def response(self) -> Response:
        """Return the answer that the row is about."""
        cause = {"message": CAUSE, "type": self.words}
        error = {"code": "E1", "message": "An error has occurred.", "innererror": cause}
        headers = {
            "Location": ELSEWHERE + self.words.strip("/") + "/",
            "Allow": "GET, POST",
            "Retry-After": "0",
        }
        return answer({"error": error}, self.number, headers=headers.items())

    def answered(self, request: Request) -> Response:
        """Answer *request*: whatever is asked gets the same, but for what the client looks up."""
        path = request.url.path
        if path.endswith("/odata/") and "lives" in self.status:
            return answer({"value": []})
        if request.method == "GET" and path.endswith(")") and KEY not in path:
            return answer(status=404)  # the row that was to be created
        return self.response()


def _entries() -> list[Entry]:
    lines = PAGE.read_text(encoding="utf-8").partition("## By status")[2].splitlines()
    cells = [re.split(r"\s*\|\s*", line)[1:-1] for line in lines if line.startswith("|")]
    return [Entry(status, raised, more, again) for status, _, raised, more, again in cells[2:]]


ENTRIES = _entries()
REFUSALS = [entry for entry in ENTRIES if entry.raised != "—"]
SUCCESSES: dict[str, set[str]] = {
    "200": {"read", "update", "delete", "create"},
    "201": {"create"},
    "202": {"update", "delete"},
    "204": {"update", "delete"},
}


def test_every_status_that_has_a_meaning_is_in_the_table() -> None:
    listed = {entry.status.partition(" ")[0] for entry in ENTRIES}
    assert listed >= set(WANTED.split())
    assert len(ENTRIES) == len({entry.status for entry in ENTRIES})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entry", REFUSALS, ids=lambda entry: entry.status)
async def test_a_refusal_is_raised_and_repeated_as_the_table_says(entry: Entry, kind: str) -> None:
    site = Canned([entry.answered] * 20)
    async with client(site) as crm:
        with pytest.raises(ResponseError) as raised:
            await KINDS[kind](crm)
    error, first = raised.value, site.requests[0]
    sends = sum(each.url == first.url and each.method == first.method for each in site.requests)
    is_after_login = "login" in entry.again and kind in AGAIN[entry.again]
    assert type(error) is getattr(creatio_async, re.findall(r"`(\w+)`", entry.raised)[0])
    assert sends == (2 if is_after_login else 4 if kind in AGAIN[entry.again] else 1)
    assert site.logins == 1 + is_after_login
    assert error.status == entry.number


@pytest.mark.parametrize("entry", REFUSALS, ids=lambda entry: entry.status)
async def test_an_error_holds_what_the_table_says(entry: Entry) -> None:
    async with client(Canned([entry.answered] * 20)) as crm:
        with pytest.raises(ResponseError) as raised:
            await crm.odata["City"].get(KEY)
    error = raised.value
    assert error.retry_after == 0
    if "lives" not in entry.status and not entry.status.startswith("3xx"):
        assert error.detail == CAUSE
        assert error.code == "E1"
    assert ("`Location`" in entry.besides) == (ELSEWHERE in error.detail)
    assert ("`allow`" in entry.besides) == isinstance(error, MethodNotAllowedError)
    if isinstance(error, MethodNotAllowedError):
        assert error.allow == ("GET", "POST")


@pytest.mark.parametrize("entry", REFUSALS, ids=lambda entry: entry.status)
def test_the_classes_that_the_table_adds_are_bases(entry: Entry) -> None:
    own, *bases = (getattr(creatio_async, name) for name in re.findall(r"`(\w+)`", entry.raised))
    assert all(issubclass(own, base) for base in bases)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        pytest.param(entry, kind, id=f"{entry.status}-{kind}")
        for entry in ENTRIES
        for kind in sorted(SUCCESSES.get(entry.status, ()))
    ],
)
async def test_a_success_raises_nothing(entry: Entry, kind: str) -> None:
    body = b"" if entry.status in {"202", "204"} else {"Id": KEY, "Name": "Burbank"}
    site = Canned([answer(body, entry.number)])
    async with client(site) as crm:
        await KINDS[kind](crm)
    assert len(site.requests) == 1


async def test_the_version_that_is_the_present_one_is_none() -> None:
    async with client(Canned([answer(status=304)])) as crm:
        assert await crm.odata["City"].get_if_changed(KEY, '"1"') is None


async def test_an_empty_lookup_and_an_empty_field_are_none() -> None:
    async with client(Canned([answer(status=204)] * 2)) as crm:
        assert await crm.odata["Contact"].related(KEY, "Account") is None
        assert await crm.odata["Contact"].value(KEY, "Name") is None


async def test_an_accepted_change_is_followed_to_its_end() -> None:
    accepted = answer(status=202, headers=[("Location", "jobs/1"), ("Retry-After", "0")])
    site = Canned([accepted, accepted, answer({"error": {"message": CAUSE}}, 404)])
    async with client(site) as crm:
        with pytest.raises(NotFoundError, match=CAUSE):
            await crm.odata["City"].update(KEY, {"Name": "Burbank"})
    assert [each.method for each in site.requests] == ["PATCH", "GET", "GET"]
