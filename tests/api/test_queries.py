from creatio_async import Creatio, F
from creatio_async.emulator import Emulator
from tests.api.canned import canned, client, rows_of


async def test_a_query_is_sent_when_it_is_awaited(crm: Creatio, emulator: Emulator) -> None:
    query = crm.odata["Contact"].where(F.Name == "Supervisor").select("Name")
    before = len(emulator.requests)
    rows = await query
    assert [row["Name"] for row in rows] == ["Supervisor"]
    assert len(emulator.requests) == before + 1


async def test_annotations_are_taken_out_of_rows() -> None:
    site = canned(rows_of({"@odata.etag": "x", "Id": "1", "Name": "a"}))
    async with client(site) as crm:
        assert await crm.odata["Contact"] == [{"Id": "1", "Name": "a"}]
