"""The inbox: commands as files. They outlive the engine, and need none to be given."""

import contextlib
import os
import re
import stat
import time
from pathlib import Path
from typing import Final

from engine.core.commands import Envelope, decode, encode
from engine.core.ids import CommandId

REFUSED: Final = "refused"
_SUFFIX: Final = ".json"
_MAX_BYTES: Final = 64 * 1024
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def new_id() -> CommandId:
    """An id that sorts after those made before it, here and on machines whose clocks agree."""
    return CommandId(f"{time.time_ns():020d}-{os.urandom(4).hex()}")


def put(inbox: Path, envelope: Envelope) -> None:
    """Put a command into the inbox; when this returns it survives a loss of power.

    Raises:
        ValueError: its id cannot be the name of a file.
        OSError: the folder cannot be written.
    """
    if not _ID.fullmatch(envelope.id):
        raise ValueError(f"{envelope.id!r} cannot be the id of a command: use A-Z a-z 0-9 . _ -")
    inbox.mkdir(exist_ok=True)
    draft = inbox / f".{envelope.id}.tmp"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode(envelope))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(inbox / (envelope.id + _SUFFIX))
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _fsync_folder(inbox)


def waiting(inbox: Path) -> frozenset[CommandId]:
    """The ids of what waits; nothing is read or moved."""
    return frozenset(CommandId(name.removesuffix(_SUFFIX)) for name in _names(inbox))


def pending(inbox: Path) -> list[Envelope]:
    """The commands that wait, in the order of their ids.

    What is no command is moved to `inbox/refused/`, with the reason beside it.
    """
    found: list[Envelope] = []
    for name in _names(inbox):
        try:
            found.append(_read(inbox / name))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            _refuse(inbox, name, str(error))
    return found


def peek(inbox: Path) -> list[Envelope]:
    """The commands that wait, in the order of their ids; what is no command is passed over."""
    found: list[Envelope] = []
    for name in _names(inbox):
        with contextlib.suppress(OSError, ValueError):
            found.append(_read(inbox / name))
    return found


def _names(inbox: Path) -> list[str]:
    try:
        names = [entry.name for entry in inbox.iterdir()]
    except OSError:
        return []
    return sorted(name for name in names if not name.startswith(".") and name != REFUSED)


def _read(path: Path) -> Envelope:
    """The command in a file.

    Raises:
        ValueError: it is none; msgspec's errors are ValueErrors too.
    """
    # A pipe or a device in the inbox must not stop the engine at `open`.
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is not a plain file")
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it has more than {_MAX_BYTES} bytes")
    envelope = decode(content)
    if path.name != envelope.id + _SUFFIX or not _ID.fullmatch(envelope.id):
        raise ValueError(f"its name is not that of its command, {envelope.id!r}{_SUFFIX}")
    return envelope


def _refuse(inbox: Path, name: str, reason: str) -> None:
    # Where it cannot be moved it stays and is passed over again: no reason to end the engine.
    with contextlib.suppress(OSError):
        (inbox / REFUSED).mkdir(exist_ok=True)
        (inbox / name).replace(inbox / REFUSED / name)
        note = inbox / REFUSED / f"{name}.reason"
        note.write_text(f"{reason}\n", encoding="utf-8", errors="replace")


def remove(inbox: Path, command: CommandId) -> None:
    """Take an answered command out; one that is not there is no error."""
    (inbox / (command + _SUFFIX)).unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
