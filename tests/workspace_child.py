"""One iteration in a workspace without the engine, in a process that tests kill.

`python -m tests.workspace_child TOP MODE DIRTY WHAT [FAILPOINT[:HIT]]`, where WHAT is `iterate`
(an agent works, its candidate is checked, nothing is accepted), `accept` (it is accepted as well)
or `open`. The candidate's commit is printed as soon as there is one.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio

from engine.core import failpoints
from engine.executors.trees import kill_leftovers
from engine.runfolder.paths import RunPaths, create_run_folder
from engine.workspace.inplace import InPlace
from engine.workspace.pool import Pool
from engine.workspace.protocol import Change, Workspace
from engine.workspace.settings import WorkspaceSettings
from tests.workspaces import ENVIRON, git, write

REPOSITORY = Path(__file__).parent.parent
RUN = "climb-s0"
NAME = "candidates/00002"
CHANGED = {"a.txt": "ONE\ntwo\nthree\nfour\n", "fresh/f.txt": "fresh\n"}


def workspace_of(top: Path, mode: str, dirty: str) -> Workspace:
    """The workspace of the run in the repository."""
    paths = create_run_folder(RunPaths.of(top, RUN).root)
    settings = WorkspaceSettings(repo=top, campaign="climb", dirty=dirty)  # type: ignore[arg-type]
    kind = {"worktree": Pool, "in-place": InPlace}[mode]
    return kind(paths, settings, ENVIRON)


def start(top: Path, *words: str) -> "subprocess.Popen[str]":
    """The child, at work."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.workspace_child", str(top), *words],
        cwd=REPOSITORY,
        env=ENVIRON,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_at(top: Path, *words: str) -> str:
    """What the child had printed when the failpoint that the last word names killed it."""
    child = start(top, *words)
    said, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL, f"{words[-1]} was never reached"
    return said.strip()


async def _iterate(workspace: Workspace, *, accept: bool) -> None:
    base = await workspace.open()
    tree = await workspace.lend(0, base)
    write(tree, {"half.txt": "half an idea\n"})
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Half")
    (tree / "half.txt").unlink()
    write(tree, CHANGED)
    change = await workspace.collect(0, base, NAME, "Candidate")
    assert isinstance(change, Change)
    print(change.commit, flush=True)
    await workspace.check_out(0, change.commit)
    write(tree, {"fresh/out.o": "built\n"})
    if accept:
        await workspace.accept(change.commit)
    await workspace.give_back(0)
    await workspace.close()


def _kill_at(failpoint: str) -> None:
    name, _, hit = failpoint.partition(":")
    left = [int(hit or 1)]

    def action(reached: str) -> None:
        left[0] -= reached == name
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.arm(action)


async def main() -> None:
    """Do what the command line says."""
    top, mode, dirty, what, *failpoint = sys.argv[1:]
    if failpoint:
        _kill_at(failpoint[0])
    workspace = workspace_of(Path(top), mode, dirty)
    kill_leftovers(RunPaths.of(Path(top), RUN).run_marker)  # as an engine does, first of all
    if what == "open":
        await workspace.open()
    else:
        await _iterate(workspace, accept=what == "accept")


if __name__ == "__main__":
    anyio.run(main)
