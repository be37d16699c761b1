from collections.abc import AsyncIterator
from itertools import islice

import pytest
import pytest_asyncio

from creatio_async import Creatio, Password
from creatio_async.cli import trial
from creatio_async.cli.demo import _Demo, _on_site
from creatio_async.cli.trial import Loaded, Lookups, Tally, add_contact, city_id, load, remove
from creatio_async.data import cities
from creatio_async.emulator import Emulator, Fail, Refuse

Pair = tuple[Creatio, Emulator]

NO_LOOKUPS = Lookups({}, {})


def ignored(_: int) -> None:
    """Count nothing."""


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    auth = Password("Supervisor", "Supervisor")
    with Emulator() as site:
        async with Creatio("http://crm.test", auth, transport=site) as crm:
            yield crm, site


def test_a_city_has_the_same_id_in_every_run_and_no_other_has_it() -> None:
    ids = [city_id(city) for city in cities()]
    assert len(set(ids)) == len(ids)
    assert str(ids[0]) == "9beb789b-427d-5131-ae78-992881623a98"


def test_a_checksum_does_not_depend_on_the_order_but_on_every_value() -> None:
    one, two = {"Id": "1", "Name": "a"}, {"Id": "2", "Name": "a"}

    def tally(*rows: dict[str, str]) -> Tally:
        made = Tally()
        for row in rows:
            made.add(row)
        return made

    assert tally(one, two) == tally(two, one)
    assert tally(one, one).checksum != tally(two, two).checksum
    assert tally(one) != tally({**one, "Name": "b"})
    assert tally(one) != tally({**one, "CountryId": "1"})
    assert tally(one) == tally({**one, "CountryId": "00000000-0000-0000-0000-000000000000"})
    assert tally(one) == tally({**one, "Population": "1"})


async def test_what_a_site_lacks_is_left_out_of_the_row(pair: Pair) -> None:
    crm, _ = pair
    city = next(cities())
    lookups = await Lookups.read(crm)
    assert set(lookups.row(city)) == set(trial.COLUMNS)
    assert set(NO_LOOKUPS.row(city)) == {"Id", "Name"}


async def test_what_is_refused_is_counted_and_the_first_reason_kept(pair: Pair) -> None:
    crm, site = pair
    site.troubles.add(Refuse(status=400, body=b"Not this one."), inner=True, skip=2, times=2)
    loaded = Loaded()
    await load(crm, NO_LOOKUPS, rows=10, at_once=1, loaded=loaded, step=ignored)
    assert (loaded.handed, loaded.written, loaded.failed) == (10, 8, 2)
    assert "row 2" in loaded.error
    assert len(site.rows("City")) == 8


async def test_removing_takes_what_is_there_and_says_what_is_left(pair: Pair) -> None:
    crm, site = pair
    rows = [NO_LOOKUPS.row(city) for city in islice(cities(), 5)]
    site.insert("City", [*rows, {"Name": "Burbank"}])
    site.troubles.add(Refuse(status=403), inner=True, method="DELETE", skip=1)
    steps: list[int] = []
    removed = await remove(crm, rows=7, contact=None, step=steps.append)
    assert (removed.gone, removed.left) == (4, 1)
    assert "403" in removed.error
    assert steps == [7]
    assert {row["Name"] for row in site.rows("City")} == {rows[1]["Name"], "Burbank"}


async def test_a_contact_is_looked_for_until_it_comes(pair: Pair) -> None:
    crm, site = pair
    looks: list[int] = []

    @site.process("UsrGetAllContacts")
    def contacts() -> dict[str, object]:
        looks.append(1)
        found = {"Id": "new", "Name": "John Johanson", "Phone": "+1 111 111 1111"}
        return {"ContactList": [found] if len(looks) > 2 else []}

    assert await add_contact(crm, look_every=0) == "new"
    assert len(looks) == 3


async def test_a_contact_with_another_phone_is_not_the_one(pair: Pair) -> None:
    crm, site = pair

    @site.process("UsrAddNewExternalContact")
    def add(ContactName: str, ContactPhone: str) -> None:  # noqa: N803 - as the process has them
        site.insert("Contact", [{"Name": ContactName, "Phone": ContactPhone.replace("+", " ")}])

    assert await add_contact(crm, look_every=0) is None


async def test_a_site_without_the_processes_is_no_failure(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    crm, site = pair
    await crm.__aexit__(None, None, None)  # the demo opens it itself
    site.troubles.add(Fail(), path="ProcessEngineService", times=None)
    assert await _on_site(_Demo(rows=5, at_once=1), crm) == 0
    out, err = capsys.readouterr()
    assert "Business processes" not in out
    assert "do not run there" in err
    assert site.rows("City") == []


async def test_rows_that_cannot_be_removed_are_a_failure_that_says_how_to_go_on(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    crm, site = pair
    await crm.__aexit__(None, None, None)
    site.troubles.add(Refuse(status=403), inner=True, method="DELETE", skip=3)
    assert await _on_site(_Demo(rows=5, at_once=1), crm) == 1
    out, err = capsys.readouterr()
    assert "FAILED  Rows removed" in out
    assert "could not be removed: 1." in err
    assert len(site.rows("City")) == 1


async def test_a_refused_row_is_shown_in_the_summary(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    crm, site = pair
    await crm.__aexit__(None, None, None)
    site.troubles.add(Refuse(status=400, body=b"Not this one."), inner=True)
    assert await _on_site(_Demo(rows=5, at_once=1), crm) == 1
    out, _ = capsys.readouterr()
    assert "FAILED  First failure" in out
    assert "NOT the same rows" in out
    assert site.rows("City") == []
