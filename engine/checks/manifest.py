"""The list of the files that judge, with their hashes: written for later, and compared later."""

import hashlib
import os
from pathlib import Path

import msgspec

from engine.checks.harness import Harness


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Files by their path within a folder, each with its SHA-256."""

    patterns: tuple[str, ...]
    files: dict[str, str]

    @property
    def sha256(self) -> str:
        """One digest of all names and contents, as `Harness` makes it."""
        whole = hashlib.sha256()
        for path, digest in self.files.items():
            whole.update(os.fsencode(path) + b"\0" + digest.encode() + b"\n")
        return whole.hexdigest()

    def changed(self, folder: Path) -> list[str]:
        """What has become of the files in the folder, in words; empty where nothing has."""
        now = Harness(folder, self.patterns).digests
        found: list[str] = []
        for path in sorted(self.files.keys() | now.keys()):
            if path not in now:
                found.append(f"{path} is gone")
            elif path not in self.files:
                found.append(f"{path} was not there")
            elif now[path] != self.files[path]:
                found.append(f"{path} was changed")
        return found


def of(harness: Harness) -> Manifest:
    """The manifest of files as they were when they were looked at."""
    return Manifest(patterns=harness.patterns, files=harness.digests)


def text_of(manifest: Manifest) -> bytes:
    """The manifest's file."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def read(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        OSError: it cannot be read.
        msgspec.DecodeError: it is none.
    """
    return msgspec.json.decode(path.read_bytes(), type=Manifest)
