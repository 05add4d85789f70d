"""Working trees of commits on a host, made from bundles by its git. Standard library alone."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine.executors import programs


def checkout(request: dict[str, Any]) -> dict[str, Any]:
    """Have the tree of `commit` at `tree`; the repository takes the bundle that follows.

    Without enough of the history, the answer says which commits it `has` of those asked for.

    Raises:
        OSError: it cannot be done.
        ValueError: git refused it.
    """
    repository, tree, commit = Path(request["repository"]), Path(request["tree"]), request["commit"]
    programs.on_path("git", os.environ.get("PATH", os.defpath))
    if not (repository / "HEAD").exists():
        _git(None, "init", "--quiet", "--bare", str(repository))
    if size := request["size"]:
        with tempfile.NamedTemporaryFile(dir=repository, suffix=".bundle") as bundle:
            while size and (data := sys.stdin.buffer.read(min(size, 65536))):
                bundle.write(data)
                size -= len(data)
            bundle.flush()
            _git(repository, "fetch", "--quiet", bundle.name, f"+{request['ref']}:{request['ref']}")
    elif not _has(repository, commit):
        return {"has": [each for each in request["known"] if _has(repository, each)]}
    if not tree.is_dir():
        tree.parent.mkdir(parents=True, exist_ok=True)
        _git(repository, "worktree", "prune")
        _git(repository, "worktree", "add", "--quiet", "--detach", str(tree), commit)
    else:
        _git_in(tree, "checkout", "--quiet", "--force", "--detach", commit)
        _git_in(tree, "clean", "--quiet", "-ffdx")
    return {"commit": _git_in(tree, "rev-parse", "HEAD").strip()}


def _has(repository: Path, commit: str) -> bool:
    words = ["git", f"--git-dir={repository}", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _git(repository: Path | None, *words: str) -> str:
    where = [] if repository is None else [f"--git-dir={repository}"]
    return _run(["git", *where, *words], None)


def _git_in(tree: Path, *words: str) -> str:
    return _run(["git", *words], tree)


def _run(words: list[str], folder: Path | None) -> str:
    quiet = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        [words[0], "-c", "core.hooksPath=/dev/null", *words[1:]],
        cwd=folder,
        env=os.environ | quiet,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise ValueError(f"git {words[-2]} failed on the host: {done.stderr.strip()[-300:]}")
    return done.stdout
