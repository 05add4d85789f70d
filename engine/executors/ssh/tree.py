"""The files of a folder, as a tree on hosts that is named by what is in it."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread

from engine.executors.ssh.errors import HostError
from engine.executors.ssh.host import Host
from engine.executors.ssh.sending import described, reading

MOST_BYTES: Final = 256 << 20
_NEVER: Final = frozenset({".git", ".controlroom", "__pycache__"})
_ALL: Final = "*"
_Stamp = tuple[int, int, int, int]


class Tree:
    """Sends a folder's files to hosts, each content once.

    Args:
        root: the folder.
        patterns: which of its files; `*` is all.
    """

    def __init__(self, root: Path, patterns: tuple[str, ...]) -> None:
        self._root = root
        self._patterns = patterns
        self._known: dict[str, tuple[_Stamp, dict[str, Any]]] = {}
        self._there: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {}
        self._sending = anyio.Lock()

    async def on(self, host: Host, base: str) -> str:
        """Its path on a host, below `base`, with the files as they are now.

        Raises:
            HostError: they cannot be sent there.
        """
        async with self._sending:
            files = await anyio.to_thread.run_sync(self._files, host)
            path = f"{base}/{_digest(files)}"
            if not await _has(host, path):
                await self._send(host, path, files)
            self._there[host.name] = (path, {each["path"]: each for each in files})
            return path

    async def _send(self, host: Host, path: str, files: list[dict[str, Any]]) -> None:
        """Send what the tree that was sent before does not have."""
        like, known = self._there.get(host.name, ("", {}))
        if like and not await _has(host, like):
            like, known = "", {}
        marked: list[dict[str, Any]] = [
            {**each, "same": True} if known.get(each["path"]) == each else each for each in files
        ]
        coming: list[str] = [
            each["path"] for each in marked if "same" not in each and "link" not in each
        ]
        request = {"into": path, "fresh": True, "files": marked, "like": like or None}
        await host.call("put", request, reading([self._root / name for name in coming]))

    def _files(self, host: Host) -> list[dict[str, Any]]:
        """What they are; one that has not changed is not read again.

        Raises:
            HostError: they are too many to be sent, or one cannot be read.
        """
        names = sorted(dict.fromkeys(self._names()))
        if not names and self._patterns != (_ALL,):
            reason = (
                f"no file below {self._root} matches {', '.join(self._patterns)}: correct `send` "
                "of the executor, whose patterns begin at `root`"
            )
            raise HostError(host.name, "program", reason)
        stamps: dict[str, _Stamp] = {}
        size = 0
        for name in names:
            try:
                status = (self._root / name).lstat()
            except OSError:
                continue  # it went away meanwhile
            if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                stamps[name] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode)
                size += status.st_size
        if size > MOST_BYTES:
            reason = (
                f"the files below {self._root} have {size >> 20} MiB, and {MOST_BYTES >> 20} can "
                "be sent; name those that checks need: `send` of the executor"
            )
            raise HostError(host.name, "program", reason)
        for name, stamp in stamps.items():
            if name not in self._known or self._known[name][0] != stamp:
                try:
                    self._known[name] = (stamp, described(self._root, [name])[0])
                except OSError as error:
                    reason = f"{self._root / name} cannot be read: {error.strerror}"
                    raise HostError(host.name, "program", reason) from error
        return [self._known[name][1] for name in stamps]

    def _names(self) -> Iterator[str]:
        for pattern in self._patterns:
            if pattern == _ALL:
                yield from self._below(self._root)
                continue
            for path in self._root.glob(pattern):
                if _NEVER & set(path.relative_to(self._root).parts):
                    continue
                if path.is_dir() and not path.is_symlink():
                    yield from self._below(path)
                else:
                    yield str(path.relative_to(self._root))

    def _below(self, top: Path) -> Iterator[str]:
        for parent, folders, names in os.walk(top):
            if "pyvenv.cfg" in names:
                folders.clear()
                continue
            folders[:] = sorted(each for each in folders if each not in _NEVER)
            for name in names:
                yield str(Path(parent, name).relative_to(self._root))


async def _has(host: Host, path: str) -> bool:
    return bool((await host.call("has", {"path": path}))["there"])


def _digest(files: list[dict[str, Any]]) -> str:
    whole = hashlib.sha256()
    for each in files:
        link = each.get("link") or ""
        whole.update(f"{each['path']}\0{each['mode']}\0{each['sha256']}\0{link}\n".encode())
    return whole.hexdigest()[:20]
