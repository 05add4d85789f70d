"""What is looked at in an agent's change before anything of it is run."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio.to_thread

from engine.checks.files import UnreadableError, read_plain
from engine.core.parts import FileChange
from engine.core.state import RunState
from engine.knowledge.scalar_change import may_be_scalar, scalar_only
from engine.knowledge.suspicious import Suspicious, suspicious_in
from engine.loop.changes import tampering
from engine.workspace.protocol import Change, Workspace

_MOST_BYTES: Final = 1 << 18
_MOST_FILES: Final = 50


async def examined(
    workspace: Workspace, change: Change, protect: Sequence[str]
) -> tuple[str, bool]:
    """What the change must not touch and does, and whether it is of nothing but constants."""
    files = change.files
    if len(files) < change.changed:
        files = await workspace.files(change.base, change.commit)
    if reason := tampering(protect, files):
        return reason, False
    may = may_be_scalar(files)
    return "", may and scalar_only(await workspace.diff(change.base, change.commit))


async def suspicious(
    workspace: Workspace, slot: int, change: Change, state: RunState
) -> Suspicious:
    """What the change has that an honest one has no use for; what the base had is not the change's.

    The files are read where the agent left them: nobody works there any more.
    """
    files = [file for file in change.files if file.kind != "delete" and file.added][:_MOST_FILES]
    texts = await anyio.to_thread.run_sync(_texts, workspace.tree(slot), files)
    added = [file.path for file in files if file.kind == "add"]
    about = {"campaign": _campaign(workspace, state), "metric": state.metric.name}
    found = suspicious_in(texts, added, **about)
    if found == Suspicious() or texts.keys() == set(added):
        return found
    lines = _added_lines(await workspace.diff(change.base, change.commit))
    news = {path: text if path in added else _only(text, lines) for path, text in texts.items()}
    return suspicious_in(news, added, **about)


def _campaign(workspace: Workspace, state: RunState) -> str:
    return os.path.relpath(state.campaign_path, workspace.top)


def _texts(tree: Path, files: Sequence[FileChange]) -> dict[str, str]:
    """The files that are text and not too long, by path."""
    texts: dict[str, str] = {}
    for file in files:
        try:
            content = read_plain(tree / file.path, _MOST_BYTES)
        except UnreadableError:
            continue
        if content is not None and b"\0" not in content:
            texts[file.path] = content.decode(errors="replace")
    return texts


def _added_lines(diff: str) -> set[str]:
    return {line[1:] for line in diff.splitlines() if line.startswith("+")}


def _only(text: str, lines: set[str]) -> str:
    return "\n".join(line for line in text.splitlines() if line in lines)
