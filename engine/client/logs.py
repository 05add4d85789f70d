"""Reading pieces of a run's logs while they grow."""

from pathlib import Path

from engine.client.errors import ClientError


def read(root: Path, path: str | Path, offset: int, limit_bytes: int) -> tuple[bytes, int]:
    """Up to `limit_bytes` from `offset` on, and the offset that comes next.

    A log that is not there yet is empty. One that was cut is read from its new end.

    Raises:
        ClientError: the path leads out of the folder `root`.
    """
    full = (root / path).resolve()
    if not full.is_relative_to(root.resolve()):
        raise ClientError(f"{path} is not a file of the run in {root}")
    try:
        with full.open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size + offset) if offset < 0 else min(offset, size)
            file.seek(start)
            text = file.read(limit_bytes)
    except OSError:
        return b"", max(0, offset)
    return text, start + len(text)
