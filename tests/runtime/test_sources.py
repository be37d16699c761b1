import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from creatio_async.bulk.source import Source


class OurError(Exception):
    """What the caller's own code raises."""


async def all_of(source: Source, size: int) -> list[tuple[int, list[Any]]]:
    """Return every chunk."""
    chunks = []
    while (chunk := await source.take(size))[1]:
        chunks.append(chunk)
    return chunks


@pytest.mark.parametrize("rows", ["abc", b"abc", {"Name": "a"}, 5])
def test_what_is_not_several_rows_is_refused(rows: Any) -> None:
    with pytest.raises(TypeError):
        Source(rows)


async def test_chunks_know_their_place() -> None:
    assert await all_of(Source(range(5)), 2) == [(0, [0, 1]), (2, [2, 3]), (4, [4])]


def test_a_length_is_known_where_the_rows_have_one() -> None:
    assert Source([1, 2]).length == 2
    assert Source(iter([1, 2])).length is None


async def test_the_rows_before_an_error_come_first_and_then_the_error_once() -> None:
    def broken() -> Iterator[int]:
        yield from range(3)
        raise OurError

    source = Source(broken())
    assert await source.take(2) == (0, [0, 1])
    assert await source.take(2) == (2, [2])
    with pytest.raises(OurError):
        await source.take(2)
    assert await source.take(2) == (3, [])


async def test_an_async_input_is_advanced_by_one_reader_at_a_time() -> None:
    async def slow() -> AsyncIterator[int]:
        for number in range(9):
            await asyncio.sleep(0)
            yield number

    source = Source(slow())
    chunks = await asyncio.gather(*(source.take(3) for _ in range(4)))
    assert chunks == [(0, [0, 1, 2]), (3, [3, 4, 5]), (6, [6, 7, 8]), (9, [])]


async def test_what_was_read_when_reading_was_cancelled_is_left() -> None:
    async def stuck() -> AsyncIterator[int]:
        yield 1
        await asyncio.get_running_loop().create_future()

    source = Source(stuck())
    reading = asyncio.create_task(source.take(2))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (source.left, source.taken) == ([1], 0)
    assert await source.take(2) == (0, []), "reading does not go on after that"
