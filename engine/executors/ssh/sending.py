"""Files as they are sent to a host: what they are, then what is in them."""

import hashlib
import os
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import aiofiles

_CHUNK_BYTES: Final = 1 << 18


def described(folder: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Path, mode, size and SHA-256 of each; a link within the folder stays one.

    Raises:
        OSError: one cannot be read.
    """
    return [_described(folder, name) for name in names]


def _described(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return {"path": name, "mode": 0, "size": 0, "sha256": "", "link": str(path.readlink())}
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    return {"path": name, "mode": status.st_mode & 0o777, "size": size, "sha256": sha256}


async def reading(paths: Sequence[Path]) -> AsyncIterator[bytes]:
    """What is in the files, one after the other.

    Raises:
        OSError: one cannot be read.
    """
    for path in paths:
        async with aiofiles.open(path, "rb") as file:
            while data := await file.read(_CHUNK_BYTES):
                yield data


async def saying(data: bytes) -> AsyncIterator[bytes]:
    """Data that is at hand."""
    yield data
