"""The log of a check: capped, readable while it grows, patient with a full disk."""

import errno
import re
from pathlib import Path

import anyio
import pytest

from engine.checks.log import CheckLog, LogFile, Tail, open_log
from engine.core.secrets import Redactor
from engine.runfolder.room import Room


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "00042.log"


@pytest.mark.anyio
async def test_parts_of_several_checks_follow_each_other(path: Path) -> None:
    spans: list[tuple[int, int]] = []
    for text in (b"first\n", b"second, no end of line"):
        async with CheckLog(path, "=== header") as log:
            await log.write(text)
            await log.finish("=== footer")
        spans.append((log.start, log.end))
        assert await log.output() == text
    content = path.read_bytes()
    assert content[slice(*spans[0])] == b"=== header\nfirst\n=== footer\n"
    assert content[slice(*spans[1])] == b"=== header\nsecond, no end of line\n=== footer\n"
    assert spans[1] == (spans[0][1], len(content))


@pytest.mark.anyio
async def test_output_up_to_the_cap_is_kept_whole(path: Path) -> None:
    data = bytes(range(256)) * 4
    async with CheckLog(path, "h", cap_bytes=1024) as log:
        for start in range(0, len(data), 100):
            await log.write(data[start : start + 100])
            await log.flush()
        await log.finish()
        assert log.left_out_bytes == 0
        assert await log.output() == data


@pytest.mark.anyio
@pytest.mark.parametrize("flush_every", [1, 7, 1000])
async def test_beyond_the_cap_head_and_tail_are_kept(path: Path, flush_every: int) -> None:
    lines = [b"line %06d\n" % number for number in range(5000)]
    whole = b"".join(lines)
    async with CheckLog(path, "header", cap_bytes=4096) as log:
        for number, line in enumerate(lines):
            await log.write(line)
            if number % flush_every == 0:
                await log.flush()
        await log.finish()
        kept = await log.output()
    note = re.search(rb"\n\[\.\.\. (\d+) bytes left out \.\.\.\]\n", kept)
    assert note is not None
    head, tail = kept[: note.start()], kept[note.end() :]
    assert len(head) == 2048
    assert len(tail) >= 1024
    assert head == whole[:2048]
    assert whole.endswith(tail)
    assert len(head) + int(note[1]) + len(tail) == len(whole)
    assert path.stat().st_size <= 4096 + 100
    assert log.end == path.stat().st_size


@pytest.mark.anyio
async def test_one_enormous_chunk(path: Path) -> None:
    async with CheckLog(path, "header", cap_bytes=4096) as log:
        await log.write(b"x" * (1 << 20) + b"the end\n")
        await log.finish()
        assert (await log.output()).endswith(b"the end\n")
    assert path.stat().st_size <= 3 * 4096 + (1 << 20)  # a chunk is never cut for its tail


@pytest.mark.anyio
async def test_what_was_said_is_there_after_a_flush(path: Path) -> None:
    async with CheckLog(path, "header") as log:
        for number in range(20):
            await log.write(b"%d\n" % number)
        await log.flush()
        assert path.read_bytes().endswith(b"18\n19\n")


@pytest.mark.anyio
async def test_a_secret_never_reaches_the_file(path: Path) -> None:
    redactor = Redactor({"TOKEN": "s3cr3t-value"})
    async with CheckLog(path, "header", redactor=redactor) as log:
        await log.write(b"token s3cr3t-")
        await log.flush()
        assert b"s3cr3t" not in path.read_bytes()
        await log.write(b"value ok s3cr3t")
        await log.finish("could not use s3cr3t-value")
        assert log.recent == b"token [secret TOKEN] ok s3cr3t"
    assert b"s3cr3t-value" not in path.read_bytes()


class FullDisk:
    """A file on a disk with so much room."""

    def __init__(self, file: LogFile, disk: "Disk") -> None:
        self._file = file
        self._disk = disk

    async def write(self, data: bytes) -> int:
        if self._disk.room_bytes == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        data = data[: self._disk.room_bytes]
        self._disk.room_bytes -= len(data)
        return await self._file.write(data)

    async def truncate(self, size: int) -> int:
        return await self._file.truncate(size)

    async def close(self) -> None:
        await self._file.close()


class Disk:
    def __init__(self, room_bytes: int) -> None:
        self.room_bytes = room_bytes

    async def open(self, path: Path) -> LogFile:
        return FullDisk(await open_log(path), self)


@pytest.mark.anyio
@pytest.mark.parametrize("room_bytes", [0, 3, 50, 700, 1500])
async def test_a_full_disk_is_waited_for_and_nothing_is_lost(path: Path, room_bytes: int) -> None:
    said: list[str | None] = []
    disk = Disk(room_bytes)
    room = Room(said.append)
    data = b"".join(b"%05d\n" % number for number in range(150))
    kept: list[bytes] = []

    async def write() -> None:
        async with CheckLog(path, "header", room=room, opener=disk.open) as log:
            for start in range(0, len(data), 64):
                await log.write(data[start : start + 64])
                await log.flush()
            await log.finish()
            kept.append(await log.output())
            assert log.end == path.stat().st_size

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        if room_bytes < len(data):
            with anyio.fail_after(20):
                while not said:
                    await anyio.sleep(0.005)
            assert path.stat().st_size == room_bytes
            disk.room_bytes = 1 << 20
    assert kept == [data]
    assert said == (["no room on the disk for 00042.log", None] if room_bytes < len(data) else [])


@pytest.mark.anyio
async def test_waiting_for_room_can_be_cancelled(path: Path) -> None:
    said: list[str | None] = []
    disk = Disk(20)

    async def write() -> None:
        async with CheckLog(path, "header", room=Room(said.append), opener=disk.open) as log:
            await log.write(b"x" * 100)
            await log.finish()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        with anyio.fail_after(20):
            while not said:
                await anyio.sleep(0.005)
        tasks.cancel_scope.cancel()
    assert said[-1] is None


@pytest.mark.anyio
async def test_several_who_wait_are_reported_once() -> None:
    said: list[str | None] = []
    room = Room(said.append)
    full = True

    async def store() -> str:
        if full:
            raise OSError(errno.ENOSPC, "full")
        return "stored"

    async with anyio.create_task_group() as tasks:
        for name in ("a", "b", "c"):
            tasks.start_soon(room.write, name, store)
        await anyio.sleep(0.01)
        full = False
    assert said == ["no room on the disk for a", None]


@pytest.mark.anyio
async def test_other_errors_are_not_waited_for() -> None:
    async def fail() -> None:
        raise OSError(errno.EROFS, "read-only")

    with pytest.raises(OSError, match="read-only"):
        await Room().write("x", fail)


def test_a_tail_forgets_only_what_is_old() -> None:
    tail = Tail(10)
    for number in range(100):
        tail.add(b"%03d" % number)
        assert tail.size <= 10 + 3
    assert tail.text() == b"6097098099"
    assert tail.last(0) == b""
