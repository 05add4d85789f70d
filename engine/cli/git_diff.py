"""The difference between two commits of a person's repository; only objects are read."""

import os
from pathlib import Path

import anyio

from engine.cli.exits import Exit, fail
from engine.workspace.history import diff as diff_of
from engine.workspace.protocol import WorkspaceError
from engine.workspace.repository import open_repository


def diff(repo: Path, base: str, commit: str, most_bytes: int) -> bytes:
    """What differs, as people read it; exits with 5 when the repository cannot say it."""

    async def read() -> str:
        repository = await open_repository(repo, os.environ)
        return await diff_of(repository.git, base, commit, most_bytes)

    try:
        return anyio.run(read).encode(errors="replace")
    except WorkspaceError as error:
        fail(str(error), Exit.UNUSABLE)
