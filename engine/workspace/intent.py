"""What the mode in-place is about to do with the person's checkout, in a file of the run.

While the file is there the checkout is not the person's: whoever finds it gives everything back
first. It is written before anything is touched, and goes when everything is back.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

from engine.workspace.protocol import Commit, WorkspaceError

Phase = Literal[
    "switching",  # the files are between two commits
    "lent",  # an agent may be at work
    "checking",  # the files are a candidate's, and checks may be at work
    "restoring",  # the person's work is on its way back
]


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """The checkout is the run's.

    `captured` holds all of the person's work (see `capture`), `branch` was checked out at `head`.
    `base` is what an agent began from. `accepting` is the commit that the branch is moved to.
    """

    phase: Phase
    branch: str
    head: Commit
    captured: Commit
    base: Commit
    accepting: Commit | None = None


class IntentFile:
    """The file, replaced as a whole and on the disk when a call returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Intent | None:
        """What is written; None when the checkout is the person's.

        Raises:
            WorkspaceError: the file cannot be understood.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Intent)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise WorkspaceError(
                f"{self._path} is damaged ({error}); the person's work is under the ref that ends "
                "with in-place/captured, see `git for-each-ref refs/controlroom`"
            ) from error

    def write(self, intent: Intent) -> None:
        """Put the intent in the place of the one before."""
        temporary = self._path.with_name(self._path.name + ".new")
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(intent), indent=1))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        self._sync_folder()

    def remove(self) -> None:
        """The checkout is the person's again."""
        self._path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
