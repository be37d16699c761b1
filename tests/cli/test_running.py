import asyncio
import os
import signal

import pytest

from creatio_async.cli.running import run_async


def test_the_status_is_what_the_command_returns() -> None:
    async def done() -> int:
        return 7

    assert run_async(done) == 7


def test_sigterm_lets_blocks_be_left_before_the_end() -> None:
    left: list[str] = []

    async def interrupted() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
        finally:
            await asyncio.sleep(0)
            left.append("the block")

    assert run_async(interrupted) == 143
    assert left == ["the block"]


def test_ctrl_c_lets_blocks_be_left_before_it_is_raised() -> None:
    left: list[str] = []

    async def interrupted() -> int:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
        finally:
            await asyncio.sleep(0)
            left.append("the block")

    with pytest.raises(KeyboardInterrupt):
        run_async(interrupted)
    assert left == ["the block"]


def test_a_command_that_cancels_itself_is_no_sigterm() -> None:
    async def cancelled() -> int:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_async(cancelled)
