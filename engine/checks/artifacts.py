"""Keeping the files that a check asks to keep."""

import os
import stat
from functools import partial
from pathlib import Path
from typing import Final

import aiofiles
import aiofiles.os
import msgspec

from engine.checks.files import remove
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

ARTIFACT_BYTES: Final = 256 << 20
"""All that one check may keep for one candidate."""

MOST_ARTIFACTS: Final = 100
_CHUNK_BYTES: Final = 1 << 20


class Kept(msgspec.Struct, frozen=True):
    """Files that were kept, relative to the run folder, and why others were not."""

    paths: list[str]
    refused: list[str]


class _RefusedError(Exception):
    pass


class Keeper:
    """Copies artifacts of one check of one iteration into the run folder.

    Args:
        paths: the run's folder.
        iteration: whose artifacts they are.
        check: which check made them.
        folders: the root of the campaign and the scratch folder; nothing else is taken from.
    """

    def __init__(
        self, paths: RunPaths, iteration: int, check: str, folders: tuple[Path, Path]
    ) -> None:
        self._run = paths.root
        self._target = paths.artifacts / f"{iteration:05d}" / check
        self._folders = folders
        self._rest_bytes = ARTIFACT_BYTES

    async def keep(self, names: list[str], room: Room) -> Kept:
        """What was kept of the files named, each relative to the root or to the scratch folder."""
        kept = Kept([], [])
        for name in names[:MOST_ARTIFACTS]:
            try:
                kept.paths.append(await self._keep(name, room))
            except (_RefusedError, OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                kept.refused.append(f"artifact {name[:200]!r} not kept: {reason}")
        if len(names) > MOST_ARTIFACTS:
            kept.refused.append(f"only the first {MOST_ARTIFACTS} artifacts were kept")
        return kept

    async def _keep(self, name: str, room: Room) -> str:
        source, relative = self._found(name)
        if not str(relative).isprintable():
            raise _RefusedError("there is a character in its name that cannot be shown")
        # Opened once and looked at afterwards: what the name stands for may change meanwhile.
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _RefusedError("it is not an ordinary file")
            if status.st_size > self._rest_bytes:
                raise _RefusedError(f"a check may keep {ARTIFACT_BYTES >> 20} MiB in all")
            target = self._target / relative
            await room.write(str(target), partial(self._copy, descriptor, target))
            self._rest_bytes -= status.st_size
        finally:
            os.close(descriptor)
        return str(target.relative_to(self._run))

    def _found(self, name: str) -> tuple[Path, Path]:
        for folder in (folder.resolve() for folder in reversed(self._folders)):
            path = (folder / name).resolve()
            if not path.is_relative_to(folder):
                continue
            if path.exists():
                self._refuse_own(path)
                return path, path.relative_to(folder)
        if any((folder / name).exists() for folder in self._folders):
            raise _RefusedError("it lies outside the root and the step's folder")
        raise _RefusedError("it is not there")

    def _refuse_own(self, path: Path) -> None:
        """Refuse the run's own files: one who opens and closes the lock's file lets go of it."""
        run, step = self._run.resolve(), self._folders[1].resolve()
        if path.is_relative_to(run) and not path.is_relative_to(step):
            raise _RefusedError("it belongs to the run itself")

    async def _copy(self, descriptor: int, target: Path) -> None:
        await aiofiles.os.makedirs(target.parent, exist_ok=True)
        os.lseek(descriptor, 0, os.SEEK_SET)
        partial_target = target.with_name(target.name + ".part")
        rest_bytes = self._rest_bytes
        try:
            async with (
                aiofiles.open(descriptor, "rb", closefd=False) as source,
                aiofiles.open(partial_target, "wb") as copy,
            ):
                while rest_bytes > 0 and (chunk := await source.read(_CHUNK_BYTES)):
                    rest_bytes -= len(chunk)
                    await copy.write(chunk)
            await aiofiles.os.replace(partial_target, target)
        except OSError:
            remove(partial_target)
            raise
