"""The file of a journal: it is only ever added to, and read again from its beginning."""

import asyncio
import os
import stat
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import IO

from creatio_async.bulk.journal.lines import START

if sys.platform != "win32":
    import fcntl

__all__ = ["JournalFile", "journal_lines"]

_SAYS_ENOUGH = 256
"""Bytes that are looked at before a file is taken for a journal, and read line by line."""


class JournalFile:
    """An open journal that no other process, and nobody else in this one, has open to write."""

    def __init__(self, path: str | PathLike[str], *, fsync: bool) -> None:
        self.path = Path(path)
        self._fsync = fsync
        self._handle = -1
        self._reader: IO[bytes] | None = None
        self._stack = ExitStack()
        self._error: OSError | None = None
        self.written = self._synced = 0
        """Bytes that were added since it was opened, and those that would survive the machine."""
        self._syncing = asyncio.Lock()
        self._pool: ThreadPoolExecutor | None = None

    @contextmanager
    def opening(self) -> Generator[Iterator[tuple[int, bytes]]]:
        """Open the file, made if need be; give its lines, each with the byte where it begins.

        It stays open if the block ends well.

        Raises:
            ValueError: It is in use, or no journal.
            OSError: It cannot be opened.
        """
        with ExitStack() as stack:
            is_new = self._fsync and not self.path.exists()
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._handle = os.open(self.path, flags, 0o600)
            stack.callback(os.close, self._handle)
            if not stat.S_ISREG(os.fstat(self._handle).st_mode):
                raise ValueError(f"{self.path} is no file")
            self._lock()
            if self._fsync:
                if is_new:
                    _sync_directory(self.path.absolute().parent)
                self._pool = stack.enter_context(ThreadPoolExecutor(1, "creatio_async journal"))
            # A handle of its own: what is added moves the place of the other one.
            self._reader = stack.enter_context(self.path.open("rb"))
            yield _lines(self._reader, self.path)
            self._stack = stack.pop_all()

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"the journal {self.path} is in use by another job") from None

    def line_at(self, at: int) -> bytes:
        """Return the line that begins at byte *at*."""
        if self._reader is None:
            raise ValueError(f"the journal {self.path} is not open")
        self._reader.seek(at)
        return self._reader.readline()

    def cut(self, size: int) -> None:
        """Cut off what is behind the first *size* bytes, if there is anything."""
        if os.fstat(self._handle).st_size > size:
            os.truncate(self._handle, size)

    def write(self, lines: bytes) -> None:
        """Add whole lines, at once: what is written survives this process.

        Raises:
            OSError: They cannot be written. From then on nothing is written any more.
        """
        if self._error is not None:
            raise self._error
        try:
            written = os.write(self._handle, lines)
            while written < len(lines):  # a full disk takes a part, and then says what it is
                written += os.write(self._handle, lines[written:])
        except OSError as error:
            self._error = error
            raise
        self.written += len(lines)

    @property
    def is_broken(self) -> bool:
        """Something could not be written."""
        return self._error is not None

    def is_safe(self, upto: int) -> bool:
        """Say whether the first *upto* bytes of what was written survive what they have to."""
        return self._error is None and (self._pool is None or self._synced >= upto)

    async def sync(self, upto: int) -> None:
        """Wait until the first *upto* bytes of what was written would survive the machine.

        That is nothing to wait for if it is not wanted.

        Raises:
            OSError: It could not be written, now or before.
        """
        if self._error is not None:
            raise self._error
        if self._pool is None:
            return
        async with self._syncing:  # whoever waited may find that it was done for them
            if self._synced >= upto:
                return
            covered, loop = self.written, asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._pool, os.fsync, self._handle)
            except OSError as error:
                self._error = error
                raise
            self._synced = covered

    def close(self) -> None:
        """Close the file, and let others have it; what was written is on the disk if need be."""
        with self._stack:
            if self._pool is not None and self.written > self._synced and not self.is_broken:
                os.fsync(self._handle)
        self._reader = None


def journal_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a journal that nobody has to have open, as `JournalFile.opening` does.

    Raises:
        ValueError: It is no journal.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        yield from _lines(file, path)


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    start = file.read(_SAYS_ENOUGH)
    if not start.startswith(START) and not START.startswith(start):
        raise ValueError(f"{path} is no journal of a bulk job")
    file.seek(0)
    at = 0
    for line in file:
        yield at, line
        at += len(line)


def _sync_directory(directory: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
