"""The files that judge, and whether they are still as they were when the engine started."""

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from engine.checks.files import Stamp, stamp_of
from engine.runfolder.paths import WORK_FOLDER

_NEVER: Final = frozenset({".git", WORK_FOLDER, "__pycache__"})
_MOST_NAMED: Final = 3
_ALL: Final = "*"
_SETTLED_NS: Final = 2_000_000_000
"""The clocks of file systems tick every few milliseconds, the coarsest every two seconds."""


class _File(msgspec.Struct):
    stamp: Stamp | None
    sha256: str


class Harness:
    """Files below a folder that must not change while a run judges by them.

    A file is read again only when its stamp has changed. Whatever writes to it sets its change
    time, which no program can choose; one that was changed just before it was read could be so
    once more within the same tick of that clock, and is read again until that cannot be.

    Args:
        folder: the folder that the patterns are meant in.
        patterns: files and folders; `*` stands for a part of a name, `**` for any folders.
    """

    def __init__(self, folder: Path, patterns: Sequence[str]) -> None:
        self._folder = folder
        self._patterns = tuple(patterns)
        self._files = {path: _read(self._at(path)) for path in self._found()}

    @property
    def folder(self) -> Path:
        """The folder that they are in."""
        return self._folder

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns by which they were found."""
        return self._patterns

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every file, by its path from the folder."""
        return {path: file.sha256 for path, file in self._files.items()}

    @property
    def sha256(self) -> str:
        """One digest of all names and contents."""
        whole = hashlib.sha256()
        for path, file in self._files.items():
            whole.update(os.fsencode(path) + b"\0" + file.sha256.encode() + b"\n")
        return whole.hexdigest()

    def changed(self) -> list[str]:
        """The files that are other than they were, are gone, or were not there.

        Cost: a look at every file's stamp, 4 us each.
        """
        now = self._found()
        appeared = [path for path in now if path not in self._files]
        return appeared + [path for path in self._files if self._differs(path, now.get(path))]

    def trouble(self) -> str:
        """The same in words; empty when nothing has changed."""
        changed = self.changed()
        if not changed:
            return ""
        named = ", ".join(changed[:_MOST_NAMED])
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        return f"what judges was changed under the run: {named}{more} in {self._folder}"

    def _differs(self, path: str, now: Stamp | None) -> bool:
        if now is None:
            return True
        known = self._files[path]
        if now == known.stamp:
            return False
        seen = _read(self._at(path))
        if seen.sha256 != known.sha256:
            return True
        known.stamp = seen.stamp
        return False

    def _at(self, path: str) -> str:
        return os.path.join(self._folder, path)  # noqa: PTH118 (pathlib takes several times longer)

    def _found(self) -> dict[str, Stamp]:
        """The files and their stamps now, in the order of their names."""
        found: dict[str, Stamp] = {}
        for pattern in self._patterns:
            if pattern == _ALL:
                found.update(_inside(str(self._folder), "", _NEVER))
            else:
                found.update(self._matching(pattern))
        return dict(sorted(found.items()))

    def _matching(self, pattern: str) -> Iterator[tuple[str, Stamp]]:
        for path in self._folder.glob(pattern):
            name = path.relative_to(self._folder)
            if _NEVER & set(name.parts):
                continue
            if path.is_dir() and not path.is_symlink():
                yield from _inside(str(path), f"{name}{os.sep}")
            else:
                with suppress(FileNotFoundError):
                    yield str(name), stamp_of(path.lstat())


def _inside(
    folder: str, begins: str, never: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Stamp]]:
    """The files in a folder, and in the folders in it. Names in `never` are left out at its top."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # nobody else can list it either, unless it is opened up, and then all is new
    for entry in entries:
        name = begins + entry.name
        if entry.name in never or (entry.name in _NEVER and entry.is_dir()):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _inside(entry.path, name + os.sep)
        else:
            with suppress(FileNotFoundError):
                yield name, stamp_of(entry.stat(follow_symlinks=False))


def _read(path: str) -> _File:
    """What is in the file, and its stamp from before, where a later change must alter that."""
    begun_ns = time.time_ns()
    try:
        status = os.lstat(path)
        content = _content(path, status.st_mode)
    except OSError as error:
        return _File(None, _digest(f"unreadable: {error.strerror}".encode()))
    stamp = stamp_of(status)
    return _File(stamp if begun_ns - stamp.changed_ns > _SETTLED_NS else None, _digest(content))


def _content(path: str, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return os.fsencode(os.readlink(path))  # noqa: PTH115
    if stat.S_ISREG(mode):
        return Path(path).read_bytes()
    return b"no ordinary file"  # to read one could take for ever


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
