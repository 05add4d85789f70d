"""Files that come to a host, and go from it, each with its hash. Standard library alone."""

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from engine.executors.far import wire

_CHUNK_BYTES: Final = 65536


def put(request: dict[str, Any]) -> dict[str, Any]:
    """Take files into the folder `into`, as a whole where it is `fresh`: then it is put in place.

    Each of `files` has path, mode, size and sha256; their contents follow the request, in order.
    Those that are `same` do not come: they are as in the folder `like`.

    Raises:
        OSError: they cannot be written.
        ValueError: what came is not what was announced.
    """
    target = Path(request["into"])
    source = sys.stdin.buffer
    if not request["fresh"]:
        _take(request["files"], target, source)
        return {"taken": len(request["files"])}
    if target.is_dir():
        return {"taken": 0}  # it came by another way meanwhile
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
    try:
        _take(request["files"], making, source, request.get("like"))
        try:
            making.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return {"taken": len(request["files"])}


def _take(
    described: list[dict[str, Any]], folder: Path, source: BinaryIO, like: str | None = None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in described:
        path = folder / each["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if each.get("link") is not None:
            path.unlink(missing_ok=True)
            path.symlink_to(each["link"])
            continue
        with path.open("wb") as file:
            if each.get("same") and like is not None:
                with Path(like, each["path"]).open("rb") as old:
                    _receive(each, old, file)
            else:
                _receive(each, source, file)
        path.chmod(each["mode"])


def _receive(each: dict[str, Any], source: BinaryIO, file: BinaryIO) -> None:
    seen, rest = hashlib.sha256(), int(each["size"])
    while rest:
        data = source.read(min(rest, _CHUNK_BYTES))
        if not data:
            raise ValueError(f"{each['path']} is cut off")
        seen.update(data)
        file.write(data)
        rest -= len(data)
    if seen.hexdigest() != each["sha256"]:
        raise ValueError(f"{each['path']} is not what was sent")


def get(request: dict[str, Any]) -> dict[str, Any]:
    """Send the ordinary files below a folder, or those `names` of it; which were left out, and why.

    Those in `never` are not sent; nothing is after `most_bytes`.
    """
    folder, rest = Path(request["folder"]), int(request["most_bytes"])
    left_out: list[str] = []
    names: list[str] | None = request["names"]
    found = _below(folder) if names is None else ((name, folder / name) for name in names)
    for name, path in found:
        if name in request["never"]:
            continue
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            left_out.append(f"{name}: {error.strerror}")
            continue
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            inside = path.resolve().is_relative_to(folder.resolve())
            if not stat.S_ISREG(status.st_mode) or not inside:
                left_out.append(f"{name}: it is no ordinary file in its folder")
            elif status.st_size > rest:
                left_out.append(f"{name}: it is too large")
            else:
                rest -= _send(name, status, file)
    return {"left_out": left_out}


def _send(name: str, status: os.stat_result, file: BinaryIO) -> int:
    out, seen, rest = sys.stdout.buffer, hashlib.sha256(), status.st_size
    head = {"path": name, "size": rest, "mode": status.st_mode & 0o777}
    out.write(wire.frame(wire.FILE, json.dumps(head).encode()))
    while rest and (data := file.read(min(rest, _CHUNK_BYTES))):
        seen.update(data)
        out.write(wire.frame(wire.DATA, data))
        rest -= len(data)
    out.write(wire.frame(wire.HASH, seen.hexdigest().encode()))
    return status.st_size


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            yield str(path.relative_to(folder)), path


def has(request: dict[str, Any]) -> dict[str, Any]:
    """Whether there is such a folder; it counts as used now."""
    path = Path(request["path"])
    there = path.is_dir()
    if there:
        os.utime(path)
    return {"there": there}


def remove(request: dict[str, Any]) -> dict[str, Any]:
    """Remove folders, whatever is in them."""
    for name in request["paths"]:
        shutil.rmtree(name, ignore_errors=True)
    return {}
