"""What a campaign says about its workspace."""

from pathlib import Path
from typing import Final, Literal

import msgspec

MOST_FILE_BYTES: Final = 50 << 20


class WorkspaceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The repository, and what is to become of what lies in its trees.

    `repo` is any folder in the person's checkout. `keep` are patterns, as in .gitignore, of
    ignored and new files that survive in a slot's tree from one iteration to the next. `link` are
    paths of the person's checkout that are there in every tree by a symbolic link, whoever writes
    to them. `branch` is where accepted commits go, if not to the usual place. `dirty` and
    `restore` are for the mode in-place.
    """

    repo: Path
    campaign: str
    base: str = "HEAD"
    branch: str | None = None
    keep: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    max_file_bytes: int = MOST_FILE_BYTES
    dirty: Literal["fail", "stash", "allow"] = "fail"
    restore: Literal["warn-keep", "fail"] = "warn-keep"
