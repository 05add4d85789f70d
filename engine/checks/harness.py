"""The files that judge, and whether they are still as they were when the engine started."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.checks.files import Stamp, stamp
from engine.runfolder.paths import WORK_FOLDER

_NEVER: Final = frozenset({".git", WORK_FOLDER, "__pycache__"})
_MOST_NAMED: Final = 3


class _File(msgspec.Struct):
    stamp: Stamp | None
    sha256: str


class Harness:
    """Files below a folder that must not change while a run judges by them.

    A file is read again only when its stamp has changed: its change time cannot be set back by who
    writes to it.

    Args:
        folder: the folder that the patterns are meant in.
        patterns: files and folders; `*` stands for a part of a name, `**` for any folders.
    """

    def __init__(self, folder: Path, patterns: Sequence[str]) -> None:
        self._folder = folder
        self._patterns = tuple(patterns)
        self._files = {path: _looked_at(folder / path) for path in self._named()}

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

        Cost: a look at every file's stamp, 10 us each.
        """
        now = dict.fromkeys(self._named())
        appeared = [path for path in now if path not in self._files]
        return appeared + [path for path in self._files if path not in now or self._differs(path)]

    def trouble(self) -> str:
        """The same in words; empty when nothing has changed."""
        changed = self.changed()
        if not changed:
            return ""
        named = ", ".join(changed[:_MOST_NAMED])
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        return f"what judges was changed under the run: {named}{more} in {self._folder}"

    def _differs(self, path: str) -> bool:
        known, now = self._files[path], stamp(self._folder / path)
        if now is not None and now == known.stamp:
            return False
        seen = _looked_at(self._folder / path)
        if seen.sha256 != known.sha256:
            return True
        known.stamp = seen.stamp
        return False

    def _named(self) -> list[str]:
        found: set[str] = set()
        for pattern in self._patterns:
            for path in self._folder.glob(pattern):
                found.update(_files_at(path, self._folder))
        return sorted(found)


def _files_at(path: Path, folder: Path) -> Iterator[str]:
    if _NEVER & set(path.relative_to(folder).parts):
        return
    if path.is_symlink() or not path.is_dir():
        yield str(path.relative_to(folder))
        return
    for inner, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name not in _NEVER]
        links = [name for name in folders if Path(inner, name).is_symlink()]
        for name in (*names, *links):
            yield str(Path(inner, name).relative_to(folder))


def _looked_at(path: Path) -> _File:
    now = stamp(path)
    try:
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    except OSError as error:
        content = f"unreadable: {error.strerror}".encode()
    return _File(now, hashlib.sha256(content).hexdigest())
