"""Where on which host a job is: written into its local folder before it is begun there."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

_PLACE: Final = "host.json"
_GONE: Final = "gone"
"""Nothing of it is left on its host."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A job on a host: `folder` is its folder there, `tree` where its command runs.

    `marker` is what its processes carry. `step` is its scratch folder there.
    """

    executor: str
    host: str
    folder: str
    marker: str
    tree: str = ""
    step: str = ""


def read_place(folder: Path) -> Place | None:
    """Where the job of a local folder is; None where that is not known."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((folder / _PLACE).read_bytes(), type=Place)
    return None


def write_place(folder: Path, place: Place) -> None:
    """Write it down.

    Raises:
        OSError: it cannot be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{_PLACE}"
    fresh.write_bytes(msgspec.json.encode(place))
    fresh.replace(folder / _PLACE)


def forget_place(folder: Path) -> None:
    """It was never begun there."""
    (folder / _PLACE).unlink(missing_ok=True)


def is_gone(folder: Path) -> bool:
    """Whether its host has nothing of it any more."""
    return (folder / _GONE).exists()


def set_gone(folder: Path) -> None:
    """Its host has nothing of it any more."""
    with suppress(OSError):
        (folder / _GONE).touch()
