import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from creatio_async import (
    BadRequestError,
    Batch,
    BatchError,
    ConflictError,
    Creatio,
    F,
    FailedDependencyError,
    NotFoundError,
    OData,
    ServerError,
    State,
    ThrottledError,
    TransportError,
    UnavailableError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Double, DropAfter, DropBefore, Emulator, Fail, Omit, Refuse
from creatio_async.messages import Request, Response
from tests.api.canned import answer, canned, client, lost

A = "62f9bc01-57cf-4cc7-90bf-8672acc922e3"
B = "62f9bc01-57cf-4cc7-90bf-8672acc922e2"
SUPERVISOR = "410006e1-ca4e-4502-a9ec-e54d922d2c00"


def batches(emulator: Emulator) -> list[Any]:
    """Return the operations of each batch that the server saw."""
    seen = [each for each in emulator.requests if each.url.path.endswith("$batch")]
    return [orjson.loads(each.body)["requests"] for each in seen]


def names(emulator: Emulator) -> set[str]:
    return {row["Name"] for row in emulator.rows("City")}


def responses(*items: dict[str, Any]) -> Response:
    return answer({"responses": list(items)})


# --- What it does ---------------------------------------------------------------------------------


async def test_operations_travel_together_and_each_gives_its_own(
    crm: Creatio, emulator: Emulator
) -> None:
    batch = crm.odata.batch()
    burbank = batch.create("City", {"Name": "Burbank"})
    kept = batch.create("City", {"Id": A, "Name": "Spokane"})
    changed = batch.update("City", A, {"Name": "Texas"})
    found = batch.get("City", A.upper(), select=["Name"])
    many = batch.query(crm.odata["City"].where(F.Name.startswith("B")).select("Name").top(5))
    gone = batch.delete("City", UUID(A))
    await batch.send()
    assert len(batches(emulator)) == 1
    assert [each.state for each in batch.operations] == [State.DONE] * 6
    assert [each.status for each in batch.operations] == [201, 201, 204, 200, 200, 204]
    assert burbank.result()["Name"] == "Burbank"
    assert burbank.id == burbank.result()["Id"]
    assert kept.id == A
    assert changed.result() is None
    assert found.result()["Name"] == "Texas"
    assert [row["Name"] for row in many.result()] == ["Burbank"]
    assert gone.result() is None
    assert names(emulator) == {"Burbank"}


async def test_the_form_is_the_one_that_the_strictest_parser_takes(
    crm: Creatio, emulator: Emulator
) -> None:
    batch = crm.odata.batch()
    batch.create("City", {"Id": A, "Name": "Burbank"})
    batch.query(crm.odata["City"].where(F.Name == "a b+c"))
    with batch.atomic() as group:
        group.update("City", A, {"Name": "Texas"})
        group.delete("City", A)
    with batch.atomic() as group:
        group.create("City", {"Id": B, "Name": "Iowa"})
    await batch.send()
    both = {"Accept": "application/json", "Content-Type": "application/json"}
    read = {"Accept": "application/json"}
    url = "City?$filter=Name%20eq%20'a%20b%2Bc'"
    assert batches(emulator) == [
        [
            {"id": "1", "method": "POST", "url": "City", "headers": both}
            | {"body": {"Id": A, "Name": "Burbank"}},
            {"id": "2", "method": "GET", "url": url, "headers": read},
            {"id": "3", "method": "PATCH", "url": f"City({A})", "atomicityGroup": "g1"}
            | {"headers": both, "body": {"Name": "Texas"}},
            {"id": "4", "method": "DELETE", "url": f"City({A})", "atomicityGroup": "g1"}
            | {"headers": read},
            {"id": "5", "method": "POST", "url": "City", "atomicityGroup": "g2", "headers": both}
            | {"body": {"Id": B, "Name": "Iowa"}},
        ]
    ]
    outer = emulator.requests[-1].headers
    assert outer["content-type"] == outer["accept"] == "application/json"
    assert "continue-on-error" in outer["prefer"]


async def test_the_same_operations_are_the_same_bytes() -> None:
    def filled(batch: Batch) -> Batch:
        batch.delete("City", B)
        for key in (A, B):
            with batch.atomic() as group:
                group.create("City", {"Id": key, "Name": "x"})
        return batch

    site = canned(*[responses({"id": "1", "status": 204})] * 2)
    async with client(site) as crm:
        await filled(crm.odata.batch()).send()
        await filled(crm.odata.batch()).send()
    assert site.requests[0].body == site.requests[1].body


# --- What fails -----------------------------------------------------------------------------------


async def test_what_fails_does_not_stop_the_others(crm: Creatio, emulator: Emulator) -> None:
    batch = crm.odata.batch()
    missing = batch.update("City", uuid4(), {"Name": "x"})
    taken = batch.create("Contact", {"Id": SUPERVISOR, "Name": "x"})
    wrong = batch.query(crm.odata["City"].where("Name eq"))
    fine = batch.create("City", {"Name": "Fine"})
    await batch.send()
    assert missing.state is State.FAILED
    with pytest.raises(NotFoundError, match=r"PATCH http.*/odata/City\("):
        missing.result()
    assert taken.state is State.CONFLICT
    with pytest.raises(ConflictError):
        taken.result()
    with pytest.raises(BadRequestError):
        wrong.result()
    assert fine.result()["Name"] == "Fine"
    assert names(emulator) == {"Fine"}


async def test_without_continue_on_error_what_comes_after_a_failure_is_not_run(
    crm: Creatio, emulator: Emulator
) -> None:
    batch = crm.odata.batch(continue_on_error=False)
    before = batch.create("City", {"Name": "Before"})
    wrong = batch.delete("City", uuid4())
    after = [batch.create("City", {"Name": "After"}), batch.get("City", A)]
    await batch.send()
    assert "prefer" not in emulator.requests[-1].headers
    assert (before.state, wrong.state) == (State.DONE, State.FAILED)
    assert [each.state for each in after] == [State.NOT_RUN, State.NOT_RUN]
    for each in after:
        assert each.status is None
        with pytest.raises(BatchError, match="stopped before"):
            each.result()
    assert names(emulator) == {"Before"}


async def test_a_group_is_done_all_or_not_at_all(odata: OData, emulator: Emulator) -> None:
    batch = odata.batch()
    with batch.atomic() as group:
        first = group.create("City", {"Name": "First"})
        wrong = group.delete("City", uuid4())
        last = group.create("City", {"Name": "Last"})
    alone = batch.create("City", {"Name": "Alone"})
    await batch.send()
    assert [each.state for each in (first, wrong, last, alone)] == [
        State.GROUP_FAILED,
        State.FAILED,
        State.GROUP_FAILED,
        State.DONE,
    ]
    with pytest.raises(NotFoundError):
        wrong.result()
    with pytest.raises(FailedDependencyError, match="another operation of its group"):
        first.result()
    assert names(emulator) == {"Alone"}


async def test_a_member_that_was_answered_before_its_group_failed_has_failed_too() -> None:
    site = canned(
        responses(
            {"id": "2", "status": 404, "atomicityGroup": "x"},
            {"id": "3", "status": 201, "body": {"Id": A}},
            {"id": "1", "status": 201, "atomicityGroup": "x", "body": {"Id": B}},
        )
    )
    async with client(site) as crm:
        batch = crm.odata.batch()
        with batch.atomic() as group:
            created = group.create("City", {"Id": B})
            group.delete("City", A)
        other = batch.create("City", {"Id": A})
        await batch.send()
    assert created.state is State.GROUP_FAILED
    assert other.result() == {"Id": A}
    with pytest.raises(FailedDependencyError):
        created.result()


async def test_nothing_is_added_if_the_block_of_a_group_raises(
    odata: OData, emulator: Emulator
) -> None:
    batch = odata.batch()
    batch.create("City", {"Name": "Kept"})

    def fill() -> None:
        with batch.atomic() as group:
            group.create("City", {"Name": "Dropped"})
            group.create("City", {"Name": "Bad", "Country": {"Id": A}})

    with pytest.raises(ValueError, match="'CountryId'"):
        fill()
    await batch.send()
    assert names(emulator) == {"Kept"}


# --- Answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "multipart"])
@pytest.mark.parametrize("go_on", [True, False])
@pytest.mark.parametrize("after", [True, False])
async def test_an_operation_that_the_answer_leaves_out_may_have_been_done(
    crm: Creatio, emulator: Emulator, form: Any, go_on: Any, after: Any
) -> None:
    emulator.troubles.add(Omit(after), inner=True, skip=1)
    batch = crm.odata.batch(continue_on_error=go_on, format=form)
    done = batch.create("City", {"Name": "Done"})
    unknown = batch.create("City", {"Name": "Unknown"})
    wrong = batch.delete("City", uuid4())
    last = batch.create("City", {"Name": "Last"})
    await batch.send()
    states = [done.state, unknown.state, wrong.state, last.state]
    end = State.DONE if go_on else State.NOT_RUN
    assert states == [State.DONE, State.UNKNOWN, State.FAILED, end]
    there = {"Done"} | ({"Unknown"} if after else set()) | ({"Last"} if go_on else set())
    assert names(emulator) == there


async def test_a_batch_whose_ids_stand_twice_in_its_answer_tells_nothing(
    crm: Creatio, emulator: Emulator
) -> None:
    emulator.troubles.add(Double("misnamed"), inner=True)
    batch = crm.odata.batch()
    sent = [batch.create("City", {"Name": name}) for name in "AB"]
    with pytest.raises(BatchError, match="two answers have the id 2"):
        await batch.send()
    assert [each.state for each in sent] == [State.UNKNOWN, State.UNKNOWN]
    assert names(emulator) == {"A", "B"}


async def test_answers_are_matched_by_id_in_any_order_and_missing_ones_are_told() -> None:
    site = canned(
        responses(
            {"id": "3", "status": "404", "headers": {"retry-after": 5}, "body": "No."},
            {"id": "1", "status": 200, "body": {"Id": A, "@odata.etag": "x"}},
        )
    )
    async with client(site) as crm:
        batch = crm.odata.batch()
        first, second, third = (batch.get("City", key) for key in (A, B, A))
        await batch.send()
    assert first.result() == {"Id": A}
    assert second.state is State.UNKNOWN
    with pytest.raises(BatchError, match="leaves this operation out"):
        second.result()
    assert third.status == 404
    with pytest.raises(NotFoundError, match=r"No\.") as caught:
        third.result()
    assert caught.value.retry_after == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"responses":null}',
        b'{"responses":{"id":"1"}}',
        b'{"responses":["1"]}',
        b'{"responses":[{"status":200}]}',
        b'{"responses":[{"id":"1"}]}',
        b'{"responses":[{"id":"1","status":"done"}]}',
        b'{"responses":[{"id":"2","status":200}]}',
        b'{"responses":[{"id":"0","status":200}]}',
        b'{"responses":[{"id":"x","status":200}]}',
        b'{"responses":[{"id":"1","status":200},{"id":"1","status":200}]}',
        b'{"responses":[',
        b'{"responses":[{"id":"1","status":2',
        b'[{"id":"1","status":200}',
    ],
)
async def test_an_answer_that_is_none_to_the_batch_leaves_its_operations_unknown(
    body: bytes,
) -> None:
    async with client(canned(answer(body))) as crm:
        batch = crm.odata.batch()
        sent = batch.create("City", {"Name": "x"})
        with pytest.raises(BatchError):
            await batch.send()
    assert sent.state is State.UNKNOWN
    with pytest.raises(BatchError):
        sent.result()


@pytest.mark.parametrize(
    ("given", "kind", "state"),
    [
        (lost(), TransportError, State.UNKNOWN),
        (lost(sent=False), TransportError, State.NOT_RUN),
        (answer(status=400), BadRequestError, State.NOT_RUN),
        (answer(status=429), ThrottledError, State.NOT_RUN),
        (answer(status=503), UnavailableError, State.NOT_RUN),
        (answer(status=500), ServerError, State.UNKNOWN),
        (answer(status=504), ServerError, State.UNKNOWN),
    ],
)
async def test_a_batch_that_failed_as_a_whole_tells_what_may_have_been_done(
    given: Any, kind: type[Exception], state: State
) -> None:
    async with client(canned(*[given] * 4)) as crm:
        batch = crm.odata.batch()
        sent = batch.create("City", {"Name": "x"})
        with pytest.raises(kind):
            await batch.send()
    assert sent.state is state
    with pytest.raises(kind):
        sent.result()


async def test_a_page_in_place_of_an_answer_leaves_the_operations_unknown(
    crm: Creatio, emulator: Emulator
) -> None:
    del emulator
    page = answer("<html>Gateway</html>", content_type="text/html")
    async with client(canned(page, answer(b"{}"), page)) as other:
        batch = other.odata.batch()
        sent = batch.create("City", {"Name": "x"})
        with pytest.raises(UnexpectedResponseError):
            await batch.send()
    assert sent.state is State.UNKNOWN
    assert crm.runtime == "framework"


# --- Repeats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [DropAfter(), DropBefore(), Fail(), Refuse(504)], ids=repr)
async def test_a_batch_with_a_write_is_never_repeated_blindly(
    crm: Creatio, emulator: Emulator, trouble: Any
) -> None:
    emulator.troubles.add(trouble, path="$batch")
    batch = crm.odata.batch()
    batch.get("City", A)
    sent = batch.create("City", {"Name": "Once"})
    with pytest.raises((TransportError, ServerError)):
        await batch.send()
    assert len(batches(emulator)) == 1
    assert sent.state is State.UNKNOWN


@pytest.mark.parametrize("trouble", [Refuse(429, retry_after=0), Refuse(503)], ids=repr)
async def test_a_batch_that_was_turned_away_is_sent_again(
    crm: Creatio, emulator: Emulator, trouble: Any
) -> None:
    emulator.troubles.add(trouble, path="$batch", times=2)
    batch = crm.odata.batch()
    batch.create("City", {"Name": "Once"})
    await batch.send()
    assert len(batches(emulator)) == 3
    assert names(emulator) == {"Once"}


@pytest.mark.parametrize("trouble", [DropAfter(), Fail(), Refuse(504)], ids=repr)
async def test_a_batch_of_reads_is_repeated_like_any_read(
    crm: Creatio, emulator: Emulator, trouble: Any
) -> None:
    emulator.troubles.add(trouble, path="$batch")
    batch = crm.odata.batch()
    found = batch.get("Contact", SUPERVISOR)
    await batch.send()
    assert found.result()["Name"] == "Supervisor"
    assert len(batches(emulator)) == 2


async def test_a_batch_whose_sending_is_cancelled_is_unknown() -> None:
    started = asyncio.Event()

    class Slow:
        async def send(self, request: Request, /) -> Response:
            if request.url.path.endswith("$batch"):
                started.set()
                await asyncio.Event().wait()
            return await inner.send(request)

    inner = canned()
    async with client(Slow()) as crm:
        batch = crm.odata.batch()
        sent = batch.create("City", {"Name": "x"})
        sending = asyncio.create_task(batch.send())
        await started.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert sent.state is State.UNKNOWN
    with pytest.raises(RuntimeError, match="no answer yet"):
        sent.result()


# --- Mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_holds_1_to_100_operations(count: int) -> None:
    site = canned()
    async with client(site) as crm:
        batch = crm.odata.batch()
        for _ in range(count):
            batch.get("City", A)
        with pytest.raises(ValueError, match=f"1 to 100 operations, not {count}"):
            await batch.send()
    assert site.requests == []


async def test_a_batch_of_100_is_sent(odata: OData, emulator: Emulator) -> None:
    batch = odata.batch()
    with batch.atomic() as group:
        for number in range(99):
            group.create("City", {"Name": str(number)})
    batch.query(odata["City"].top(1))
    await batch.send()
    assert {each.state for each in batch.operations} == {State.DONE}
    assert len(names(emulator)) == 99


async def test_a_batch_is_sent_once(odata: OData) -> None:
    batch = odata.batch()
    sent = batch.create("City", {"Name": "x"})
    with pytest.raises(RuntimeError, match="no answer yet"):
        sent.result()
    await batch.send()
    with pytest.raises(RuntimeError, match="sent once"):
        await batch.send()


@pytest.mark.parametrize(
    ("mistake", "kind", "words"),
    [
        (lambda b: b.create("City", {"Country": {}}), ValueError, "create City, 'Country'"),
        (lambda b: b.create("City", {"Country/Id": A}), ValueError, "create City, 'Country/Id'"),
        (lambda b: b.create("City", {"Id": "x"}), ValueError, "create City, 'Id'"),
        (lambda b: b.create("City", {"X": float("inf")}), ValueError, "create City, 'X'"),
        (lambda b: b.create("City", None), TypeError, "create City"),
        (lambda b: b.create("City?", {}), ValueError, "entity set"),
        (lambda b: b.create(5, {}), TypeError, "entity set"),
        (lambda b: b.update("City", A, None), TypeError, "update City"),
        (lambda b: b.update("City", A, ["x"]), TypeError, "update City"),
        (lambda b: b.update("City", "x", {"Name": "A"}), ValueError, "not an Id"),
        (lambda b: b.update("City", A, {}), ValueError, "update City: there is nothing to change"),
        (lambda b: b.update("City", A, {"X": object()}), TypeError, "update City, 'X'"),
        (lambda b: b.delete("City", f"{A})/Name"), ValueError, "not an Id"),
        (lambda b: b.get("City", None), TypeError, "an Id is"),
        (lambda b: b.get("City", A, select="Name"), TypeError, "several names"),
    ],
)
async def test_a_mistake_is_told_where_it_is_made_and_adds_nothing(
    mistake: Any, kind: type[Exception], words: str
) -> None:
    async with client(canned()) as crm:
        batch = crm.odata.batch()
        with pytest.raises(kind, match=words):
            mistake(batch)
        assert batch.operations == ()


async def test_a_query_of_several_requests_or_of_none_has_no_place_in_a_batch() -> None:
    async with client(canned()) as crm:
        batch = crm.odata.batch()
        cities = crm.odata["City"]
        with pytest.raises(ValueError, match="does not fit into one request"):
            batch.query(cities.where(F.Name.in_(map(str, range(50)))))
        with pytest.raises(ValueError, match="asks for no row"):
            batch.query(cities.where(F.Name.in_([])))


async def test_a_batch_travels_in_a_form_that_there_is() -> None:
    async with client(canned()) as crm:
        with pytest.raises(ValueError, match="a batch travels as"):
            crm.odata.batch(format="yaml")  # type: ignore[arg-type]


async def test_a_row_that_is_changed_later_goes_out_as_it_was(
    crm: Creatio, emulator: Emulator
) -> None:
    row = {"Name": "Before"}
    batch = crm.odata.batch()
    batch.create("City", row)
    batch.update("City", A, row)
    row["Name"] = "After"
    await batch.send()
    assert {each["body"]["Name"] for each in batches(emulator)[0]} == {"Before"}


WHOLE = (
    b'{"responses": [ {"id":"2","status":204,"headers":{}} ,\n{"id":"1","status":201,"headers":{},'
    b'"body":{"Id":"x","Name":"}]}"}},{"id":"3","status":404,"headers":{}}]}'
)


@pytest.mark.parametrize("cut", range(WHOLE.index(b" ,"), len(WHOLE)))
async def test_of_an_answer_that_breaks_off_what_came_whole_is_kept(cut: int) -> None:
    """A proxy may cut an answer without a word: its length is then that of the part."""
    async with client(canned(answer(WHOLE[:cut]))) as crm:
        batch = crm.odata.batch()
        sent = [batch.create("City", {"Name": "x"}) for _ in range(3)]
        await batch.send()
    ends = [WHOLE.index(b',{"id":"3"'), WHOLE.index(b" ,"), len(WHOLE) - 2]
    expected = [State.DONE, State.DONE, State.FAILED]
    assert [each.state for each in sent] == [
        state if cut >= end else State.UNKNOWN for state, end in zip(expected, ends, strict=True)
    ]
    for each in sent:
        if each.state is State.UNKNOWN:
            with pytest.raises(BatchError, match="broke off"):
                each.result()
