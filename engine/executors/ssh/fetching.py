"""Files that come back from a host: each is in its place only once its hash is right."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

from engine.executors.far import wire
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.host import Host


async def fetch(
    host: Host, folder: str, into: Path, most_bytes: int, names: list[str] | None = None
) -> list[str]:
    """Bring the files below a folder on a host over, or those named; which were left out, and why.

    Raises:
        HostError: the host cannot be reached, or one arrived damaged.
        OSError: there is no room here.
    """
    request = {"folder": folder, "names": names, "most_bytes": most_bytes, "never": []}
    receiver = _Receiver(host, into)
    try:
        told = await host.call("get", request, hear=receiver.hear)
    finally:
        receiver.close()
    return list(told["left_out"])


class _Receiver:
    """Takes files, one after the other."""

    def __init__(self, host: Host, into: Path) -> None:
        self._host = host
        self._into = into
        self._file: BinaryIO | None = None
        self._target = into
        self._mode = 0o644
        self._seen = hashlib.sha256()

    async def hear(self, kind: bytes, data: bytes) -> None:
        """Take a frame."""
        if kind == wire.FILE:
            self._begin(json.loads(data))
        elif kind == wire.DATA and self._file is not None:
            self._file.write(data)
            self._seen.update(data)
        elif kind == wire.HASH and self._file is not None:
            self._end(data.decode())

    def _begin(self, head: dict[str, Any]) -> None:
        parts = Path(head["path"]).parts
        if not parts or Path(head["path"]).is_absolute() or ".." in parts:
            raise HostError(self._host.name, "program", f"it sent a file {head['path']!r}")
        self._target = self._into / head["path"]
        self._target.parent.mkdir(parents=True, exist_ok=True)
        if not self._target.parent.resolve().is_relative_to(self._into.resolve()):
            raise HostError(self._host.name, "program", f"it sent a file {head['path']!r}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._part, flags, 0o600), "wb")
        self._mode = int(head["mode"]) & 0o777
        self._seen = hashlib.sha256()

    @property
    def _part(self) -> Path:
        return self._target.with_name(f"{self._target.name}.part")

    def _end(self, sha256: str) -> None:
        self.close()
        if self._seen.hexdigest() != sha256:
            self._part.unlink(missing_ok=True)
            raise HostError(self._host.name, "program", f"{self._target.name} arrived damaged")
        self._part.chmod(self._mode | 0o600)
        self._part.replace(self._target)

    def close(self) -> None:
        """Let go of what is open."""
        if self._file is not None:
            self._file.close()
            self._file = None
