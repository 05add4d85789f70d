"""Real mounts for tests: a folder that cannot be written, a disk that is full."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(
            f"this test needs the right to mount (root): mount {' '.join(arguments)}: "
            f"{done.stderr.strip()}"
        )


def _unmount(at: Path) -> None:
    # Lazily: a process that a failed test left behind must not keep the mount.
    subprocess.run(["umount", "--lazy", str(at)], check=True)


@contextmanager
def read_only(folder: Path, at: Path) -> Iterator[Path]:
    """The folder as it is seen where nobody can write."""
    at.mkdir()
    _mount("--bind", str(folder), str(at))
    try:
        _mount("-o", "remount,ro,bind", str(at))
        yield at
    finally:
        _unmount(at)


@contextmanager
def small_disk(at: Path, size_bytes: int) -> Iterator[Path]:
    """A file system with so little room."""
    at.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(at))
    try:
        yield at
    finally:
        _unmount(at)


def fill(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
        for size_bytes in (65_536, 4_096, 1):
            try:
                while file.write(bytes(size_bytes)):
                    pass
            except OSError:
                continue
    return path
