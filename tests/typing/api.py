"""What a type checker makes of the public names: read by mypy and pyright, run by nobody."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type
from uuid import UUID

from creatio_async import (
    ALL,
    Adaptive,
    Auth,
    Batch,
    Change,
    Checked,
    ClientCredentials,
    Column,
    Condition,
    Create,
    Creatio,
    CreatioError,
    Delete,
    Door,
    Download,
    EntitySet,
    EntityState,
    EnumMember,
    Exchange,
    Expand,
    Expression,
    F,
    Found,
    Grant,
    Job,
    Limits,
    LogObserver,
    Observer,
    OData3,
    Outcome,
    Pace,
    Page,
    Password,
    Process,
    ProcessLog,
    ProcessOutcome,
    ProcessReport,
    ProcessRun,
    ProcessState,
    Query,
    RecordedJob,
    Report,
    Request,
    Response,
    RetryPolicy,
    Saved,
    SaveError,
    Sent,
    State,
    Timeouts,
    TrackedRow,
    Transport,
    UnitOfWork,
    Update,
    UriQuery,
    Writer,
    derived,
    isof,
    lookup,
    now,
    parameter,
    read_dead_letters,
    read_journal,
    result,
)
from creatio_async.emulator import Emulator

Row = dict[str, Any]


class OwnTransport:
    async def send(self, request: Request, /) -> Response:
        return Response(status=200, headers=request.headers)


class OwnAuth:
    user = "ann"

    async def login(self, door: Door, /) -> Grant:
        assert_type(door.root, str)
        return Grant(headers={"Authorization": "Bearer token"}, lasts=180)


async def secret() -> str:
    return "secret"


async def opening() -> None:
    ways: list[Auth] = [
        Password("ann", secret),
        Password("ann", lambda: "secret"),
        ClientCredentials("id", secret, identity_url="https://identity.example"),
        OwnAuth(),
    ]
    Creatio("https://acme.creatio.com", ways[0])
    async with Creatio("https://acme.creatio.com", Password("ann", "secret")) as crm:
        assert_type(crm, Creatio)
    async with Creatio.from_env() as crm:
        assert_type(crm, Creatio)
    transport: Transport = OwnTransport()
    transport = Emulator()
    Creatio(
        "http://crm.test",
        Password("ann", "secret"),
        runtime="net",
        retry=RetryPolicy(attempts=2),
        limits=Limits(at_once=2),
        timeouts=Timeouts(read=None),
        headers={"User-Agent": "mine"},
        transport=transport,
        nulls=True,
        decimals=True,
    )


async def reading(crm: Creatio, key: UUID) -> None:
    contacts = crm.odata["Contact"]
    assert_type(contacts, EntitySet)
    assert_type(await contacts.get(key, select=["Name"], expand=["Account"]), Row)
    async for found in contacts.get_many([key, str(key)]):
        assert_type(found, Found)
        assert_type(found.row, Row | None)
    assert_type(await contacts.value(key, "Name"), Any)
    assert_type(await crm.odata.entity_sets(), list[str])
    assert_type(crm.odata3["Contact"], EntitySet)
    assert_type(crm.odata3.using("json", tunnel=True), OData3)
    assert_type(await crm.odata3["Contact"].where(F.Name == "x"), list[Row])
    assert_type(crm.odata.read("Contact?$top=5"), UriQuery)
    condition = F.Name.contains("e") & (F.Account.Id == key) | ~F.Phone.is_null()
    assert_type(condition, Condition)
    assert_type(F.Name, Column)
    assert_type(F.Name.lower().concat("!"), Expression)
    assert_type(2 * (F.Age + 1) / F.Age, Expression)
    assert_type(F.CreatedOn > now() - timedelta(days=1), Condition)
    assert_type(F.Activities.any(lambda each: each.Title == "x"), Condition)
    assert_type(isof("NS.Person") & F.Color.has(EnumMember("NS.Color", "Red")), Condition)
    query = contacts.where(condition).select("Id", F.Name).order_by(F.Name.desc(), "Id").top(5)
    assert_type(query, Query)
    owned = Expand("Activities", where=F.Title == "x", select=["Title"], order_by=["Title"], top=5)
    assert_type(query.expand(owned, "Account").option("tag", "x").annotated(), Query)
    assert_type(contacts.annotated(), EntitySet)
    assert_type(await contacts.get_if_changed(key, '"1"'), Row | None)
    assert_type(await contacts.text(key, "Name"), str)
    assert_type(await contacts.related(key, "Account"), Row | list[Row] | None)
    assert_type(await crm.odata.read("Contact?$top=5"), list[Row])
    assert_type(await query, list[Row])
    assert_type(await query.first(), Row | None)
    assert_type(await query.one(), Row)
    assert_type(await query.count(), int)
    async for row in query:
        assert_type(row, Row)
    async with query.prefetch(2) as ahead:
        async for row in ahead:
            assert_type(row, Row)
    async for page in query.pages(size=10):
        assert_type(page, Page)
        assert_type(page.rows, list[Row])
        assert_type(page.count, int | None)


async def writing(crm: Creatio, key: UUID) -> None:
    cities = crm.odata["City"]
    assert_type(await cities.create({"Name": "Burbank"}), Row)
    assert_type(await cities.create({"Name": "Burbank"}, return_row=False), Row)
    assert_type(await cities.update(key, {"Name": "Burbach"}, if_match='"1"'), Row | None)
    await cities.link(key, "Country", key, ref="Country")
    await cities.unlink(key, "Country")
    await cities.delete(str(key))

    batch = crm.odata.batch(continue_on_error=False)
    assert_type(batch, Batch)
    with batch.atomic() as group:
        spokane = group.create("City", {"Name": "Spokane"})
        assert_type(spokane, Sent[Row])
        assert_type(group.link("City", spokane, "Country", key), Sent[None])
        assert_type(group.create("City", {"Name": "Gilbert"}, new_id="server").id, str | None)
    sent = batch.query(cities.top(5))
    assert_type(sent, Sent[list[Row]])
    found = batch.get("City", spokane)
    await batch.send()
    assert_type(found.result(), Row)
    assert_type(sent.state, State)
    assert_type(crm.odata.batch(format="multipart"), Batch)


async def streaming(crm: Creatio, key: UUID, source: AsyncIterator[bytes]) -> None:
    data = crm.odata["SysImage"].stream(key, "Data")
    assert_type(await data.read(), bytes)
    assert_type(data.chunks(), AsyncGenerator[bytes, None])
    assert_type(await data.download("photo.png"), int)
    await data.write(b"bytes", content_type="image/png")
    await data.write(Path("photo.png"))
    await data.write(source, length=5, spool=True)
    await data.delete()


async def knowing(crm: Creatio) -> None:
    schema = await crm.odata.metadata(cache="metadata.xml")
    assert_type(list(schema), list[str])
    assert_type(schema["Contact"].properties["AccountId"].navigation, str)
    assert_type(schema["Contact"].navigations["Account"].column, str)


async def many(crm: Creatio, rows: AsyncIterator[Row]) -> None:
    cities = crm.odata["City"]
    assert_type(await cities.create_many(rows), Report[Row])
    job = cities.create_many([{"Name": "Burbank"}], at_once=2, new_id=lambda row: row["Code"])
    assert_type(job, Job[Row])
    async with job as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[Row])
            assert_type(outcome.saved, Row | None)
            assert_type(outcome.state, State)
    assert_type(job.report, Report[Row])
    cities.create_many(rows, new_id=derived("Code"), if_exists="update", order="input")
    assert_type(cities.update_many(rows, format="multipart", atomic=True), Job[Row])
    assert_type(cities.delete_many(["id", UUID(int=1)], dead_letters="refused.jsonl"), Job[Row])
    assert_type(crm.odata.write_many([Create("City", {}), Update("City", "id", {})]), Job)
    assert_type(crm.odata.write_many([Delete("City", "id")], order="none"), Job)
    assert_type(cities.upsert_many(rows, key="Code"), Job[Row])
    assert_type(cities.sync(rows, key=["A", "B"], within=F.Name == "x", dry_run=True), Job[Row])
    assert_type(cities.sync(rows, key="Id", within=ALL, delete_missing=True), Job[Row])
    by_name = {"CountryId": lookup("Country", by="Name", under="Land", create=True)}
    assert_type(cities.create_many(rows, lookups=by_name), Job[Row])
    assert_type(read_dead_letters("refused.jsonl"), Iterator[Any])
    assert_type(cities.create_many(rows, journal="load.journal", fsync=True), Job[Row])
    assert_type(read_journal("load.journal"), RecordedJob)
    for recorded in read_journal("load.journal"):
        assert_type(recorded, Outcome)


async def pushed(crm: Creatio, key: UUID) -> None:
    cities = crm.odata["City"]
    assert_type(cities.create_many([], at_once=Adaptive(start=2, ceiling=8)).pace, Pace | None)
    crm.odata.write_many([], at_once=Adaptive())
    async with cities.writer(linger=0.1, at_once=Adaptive(), new_id=derived("Code")) as writer:
        assert_type(writer, Writer)
        assert_type(await writer.create({"Name": "Burbank"}), Outcome[Row])
        assert_type(await writer.update(key, {"Name": "Burbach"}), Outcome[Row])
        assert_type(await writer.delete(str(key)), Outcome[Row])
        assert_type(writer.pace, Pace | None)


class CalcDiscount(Process, code="UsrCalcDiscount"):
    amount: Decimal = parameter("Amount")
    is_vip: bool = parameter("IsVip", default=False)
    Note: str | None = None
    discount: Decimal = result("Discount")


async def processes(crm: Creatio, key: UUID) -> None:
    assert_type(await crm.processes.execute("UsrProcess", {"A": 1}, result="B"), Any)
    await crm.processes.execute(schema_id=key, parameters={"A": 1}, result="B")
    await crm.processes.start("UsrProcess")
    run = await crm.processes.run("UsrProcess", {"A": 1}, results=["B"])
    assert_type(run, ProcessRun[Row])
    assert_type(run.state, ProcessState)
    assert_type(await run.wait(), ProcessRun[Row])
    assert_type(await run.log(), ProcessLog | None)
    assert_type(await crm.processes.log(run.id), ProcessLog | None)
    await crm.processes.execute_element(key)
    await crm.processes.cancel(run, key, str(key))

    calc = CalcDiscount(amount=Decimal(10))
    assert_type(calc.is_vip, bool)
    typed = await crm.processes.run(calc)
    assert_type(typed, ProcessRun[CalcDiscount])
    assert_type(typed.results.discount, Decimal)
    CalcDiscount()  # type: ignore[call-arg]  # a parameter without a default
    CalcDiscount(amount=Decimal(1), discount=Decimal(1))  # type: ignore[call-arg]  # a result
    calc.amount = Decimal(1)  # type: ignore[misc]  # frozen


async def many_processes(crm: Creatio, rows: AsyncIterator[Row]) -> None:
    assert_type(await crm.processes.run_many("UsrProcess", rows), ProcessReport)
    async with crm.processes.run_many("UsrProcess", [{}], results=["B"], at_once=2) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, ProcessOutcome[Row])
            assert_type(outcome.run, ProcessRun[Row] | None)
    job = crm.processes.run_many(CalcDiscount, [CalcDiscount(amount=Decimal(1))])
    async with job as typed:
        async for one in typed:
            assert_type(one, ProcessOutcome[CalcDiscount])


class Watching(Observer):
    def answered(self, exchange: Exchange, /) -> None:
        assert_type(exchange.status, int | None)


async def sessions(path: Path) -> None:
    watching: list[Observer] = [Watching(), LogObserver()]
    async with Creatio.from_env() as crm:
        assert_type(await crm.check(), Checked)
        await crm.logout()
        await crm.login()
    Creatio(
        "https://acme.creatio.com",
        Password("ann", "secret"),
        observe=watching,
        cookies=path,
        sessions=2,
        keep_alive=300,
    )


async def anything(crm: Creatio, chunks: AsyncIterator[bytes]) -> None:
    answer = await crm.request("POST", "rest/Usr/Run", json={"id": 1}, params={"a": 1}, repeat=True)
    assert_type(answer, Response)
    assert_type(answer.json(), Any)
    await crm.request("PUT", "rest/Usr/Run", body=chunks, params=[("a", 1)], check=False)
    async with crm.stream("GET", "rest/Usr/File", headers={"Accept": "*/*"}) as download:
        assert_type(download, Download)
        async for chunk in download.chunks():
            assert_type(chunk, bytes)


async def emulating() -> None:
    async with Emulator(profile="standard").served() as url:
        assert_type(url, str)


def failing(error: CreatioError) -> str:
    return str(error)


async def units_of_work(crm: Creatio) -> None:
    assert_type(crm.odata.unit_of_work(), UnitOfWork)
    async with crm.odata.unit_of_work() as work:
        row = work.add("Contact", {"Name": "Ann"})
        assert_type(row, TrackedRow)
        assert_type(row["Name"], Any)
        assert_type(row.state, EntityState)
        assert_type(work.attach("Contact", {"Id": UUID(int=1)}), TrackedRow)
        assert_type(await work.get("Contact", UUID(int=1), select=["Name"]), TrackedRow)
        assert_type(await work.read(crm.odata["Contact"].top(5)), list[TrackedRow])
        work.link(row, "Account", UUID(int=1))
        work.unlink(row, "Account")
        work.delete(row)
        assert_type(work.pending, tuple[Change, ...])
        responses = await work.save(atomic=False)
        assert_type(responses, list[Saved])
        assert_type(responses[0].change, Change)
        assert_type(responses[0].status, int | None)


@dataclass
class City:
    Id: UUID
    Name: str = ""


async def units_of_work_with_objects(crm: Creatio, city: City) -> None:
    work = crm.odata.unit_of_work()
    assert_type(work.add(city), City)
    assert_type(work.attach(city), City)
    assert_type(await work.get(City, city.Id), City)
    assert_type(await work.read(crm.odata[City].top(5)), list[City])
    assert_type(work.entry(city), TrackedRow)
    work.link(city, "Country", UUID(int=1))
    work.delete(city)


def failed_save(error: SaveError) -> None:
    assert_type(error.change, Change | None)
    assert_type(error.error, CreatioError)
    assert_type(error.saved, tuple[Change, ...])
