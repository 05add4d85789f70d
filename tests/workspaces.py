"""What tests of workspaces share: a person with a repository, and all that can be seen of it."""

import hashlib
import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runfolder.paths import RunPaths, create_run_folder

ENVIRON: dict[str, str] = {
    name: text for name, text in os.environ.items() if not name.startswith("GIT_")
} | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
"""For git as tests run it: nothing of this machine's configuration."""


def git(folder: Path, *words: str | bytes, check: bool = True, **env: str) -> str:
    """What git prints in the folder, without the last line's end."""
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        env=ENVIRON | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert not check or done.returncode == 0, f"git {words}: {done.stderr.decode()}"
    return done.stdout.decode(errors="surrogateescape").removesuffix("\n")


class Person:
    """A repository as people have them: with a history, ignored data, and whatever a test adds."""

    def __init__(self, top: Path, *init: str) -> None:
        self.top = top
        top.mkdir(parents=True)
        git(top, "init", "-q", "-b", "main", *init)
        git(top, "config", "user.name", "Ada")
        git(top, "config", "user.email", "ada@example.org")
        self.write(
            {".gitignore": "*.o\ndata/\n", "a.txt": "one\ntwo\nthree\n", "src/b.py": "b = 1\n"}
        )
        self.write({"src/c.py": "c = 1\n", "run.sh": "#!/bin/sh\nexit 0\n"})
        (top / "run.sh").chmod(0o755)
        (top / "link").symlink_to("a.txt")
        git(top, "add", "-A")
        git(top, "commit", "-qm", "First")
        self.write({"a.txt": "one\ntwo\nthree\nfour\n"})
        git(top, "commit", "-qam", "Second")
        git(top, "pack-refs", "--all")
        self.write({"data/set.bin": "ignored data", "src/b.o": "object"})

    @classmethod
    def of(cls, top: Path) -> "Person":
        """The person whose repository is there already."""
        person = cls.__new__(cls)
        person.top = top
        return person

    @property
    def head(self) -> str:
        return git(self.top, "rev-parse", "HEAD")

    @property
    def paths(self) -> RunPaths:
        return create_run_folder(RunPaths.of(self.top, "climb-s0").root)

    def write(self, files: Mapping[str, str]) -> None:
        write(self.top, files)

    def make_dirty(self) -> None:
        """Work of every kind that is not committed."""
        self.write({"src/c.py": "c = 'stash me'\n"})
        git(self.top, "stash", "push", "-qm", "an older thought")
        self.write({"src/b.py": "b = 'staged'\n", "staged.txt": "new and staged\n"})
        git(self.top, "add", "src/b.py", "staged.txt")
        self.write({"src/b.py": "b = 'staged'\nb += 'and more'\n", "new/untracked.txt": "new\n"})
        self.write({"secret.env": "KEY=1\n"})
        (self.top / "secret.env").chmod(0o600)
        (self.top / "src" / "c.py").unlink()
        (self.top / "empty").mkdir()
        (self.top / "new" / "dangling").symlink_to("nowhere")
        git(self.top, "config", "alias.me", "log")

    def state(self) -> dict[str, Any]:
        """Everything that must stay as it is, of the checkout and of the repository."""
        top = self.top
        folder = Path(git(top, "rev-parse", "--absolute-git-dir"))
        common = Path(git(top, "rev-parse", "--path-format=absolute", "--git-common-dir"))
        index = (folder / "index").read_bytes()  # first: git diff refreshes it
        asked = {
            "staged": ("ls-files", "--stage", "-z"),
            "cached": ("diff", "--cached", "--binary"),
            "unstaged": ("diff", "--binary"),
            "status": ("status", "--porcelain=v2", "--branch", "-z"),
            "stashes": ("stash", "list", "--format=%H %gd %gs"),
            "symbolic": ("symbolic-ref", "-q", "HEAD"),
            "refs": ("for-each-ref", "--format=%(objectname) %(refname)"),
        }
        state: dict[str, Any] = {
            name: git(top, "-c", "diff.autoRefreshIndex=false", *words, check=False)
            for name, words in asked.items()
        }
        state["refs"] = [
            line
            for line in state["refs"].splitlines()
            if " refs/controlroom/" not in line and " refs/heads/controlroom/" not in line
        ]
        state["git"] = sorted({path.name for path in folder.iterdir()} - {"logs"})
        state["config"] = (common / "config").read_bytes()
        state["index"] = index
        state["files"] = contents(top)
        return state


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def contents(top: Path) -> dict[bytes, tuple[str, str]]:
    """Every file, link and folder outside of .git and of runs: its mode and its content."""
    found: dict[bytes, tuple[str, str]] = {}
    for inner, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in {".git", ".controlroom"}]
        for path in (Path(inner, name) for name in (*folders, *files)):
            mode = path.lstat().st_mode
            name = os.fsencode(path.relative_to(top))
            found[name] = (stat.filemode(mode), _content(path, mode))
    return found


def _content(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return str(path.readlink())
    if stat.S_ISREG(mode):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What two states differ in; empty when they are the same."""
    found: dict[str, Any] = {}
    for name, old in before.items():
        new = after[name]
        if old != new and isinstance(old, dict):
            keys = old.keys() | new.keys()
            found[name] = {
                key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)
            }
        elif old != new:
            found[name] = (old, new)
    return found


def tree_files(top: Path, commit: str) -> dict[str, str]:
    """The modes and names of a commit's files."""
    out = git(top, "ls-tree", "-r", "-z", commit)
    rows = (row.split("\t", 1) for row in out.split("\0") if row)
    return {name: head.split()[0] for head, name in rows}
