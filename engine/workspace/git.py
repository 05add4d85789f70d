"""Running git on the person's repository, unmoved by hooks, surroundings and other git programs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, assert_never

import msgspec

from engine.executors.protocol import NotStarted, TimedOut
from engine.executors.tools import MOST_BYTES, Captured, capture
from engine.workspace.protocol import FullDiskError, WorkspaceError

DEADLINE_S: Final = 300.0
_LITTLE_BYTES: Final = 1 << 16
_SAID_CHARACTERS: Final = 600

_SETTINGS: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.splitIndex": "false",
    "core.sparseCheckout": "false",
    # An agent may set the times of a file; only what cannot be set tells that it was written.
    "core.trustctime": "true",
    "core.checkStat": "default",
    # How long git tries, in milliseconds, while another git holds a lock.
    "core.filesRefLockTimeout": "5000",
    "core.packedRefsTimeout": "5000",
    "commit.gpgSign": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.writeCommitGraph": "false",
    "i18n.commitEncoding": "UTF-8",
    "advice.addEmbeddedRepo": "false",
}
_HARMLESS: Final = frozenset(
    {"cat-file", "commit-tree", "diff-files", "diff-tree", "for-each-ref", "ls-files", "ls-tree"}
    | {"merge-base", "rev-list", "rev-parse", "show"}
)
"""These change no file that anything refers to, and are over at once."""

_KEPT: Final = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_CONNECTING: Final = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_SSL_CAINFO")
_NO_ROOM: Final = {
    "No space left on device": "the disk is full; make room and start again",
    "Disk quota exceeded": "your quota is used up; make room and start again",
}
_ADVICE: Final = {
    "Read-only file system": "it lies on a file system that cannot be written",
    "Permission denied": "give this user the right to write there",
    "insufficient permission": "give this user the right to write there",
    "dubious ownership": "it belongs to another user; allow it by the command that git names",
    "File exists": "another git is at work there, or died; if none is, remove that file",
}


class Place(msgspec.Struct, frozen=True):
    """A working tree and the index that goes with it; both may lie anywhere."""

    tree: Path
    index: Path


class Git:
    """Git on one repository.

    Args:
        cwd: where commands run that have no working tree.
        git_dir: the repository; None leaves it to git to find it from `cwd`.
        environ: the surrounding environment; of its GIT_ variables only those count that say where
            a person's configuration is.
        identity: more variables, for commits.
    """

    def __init__(
        self,
        cwd: Path,
        git_dir: Path | None,
        environ: Mapping[str, str],
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self.cwd = cwd
        self._argv = ["git", *(word for item in _SETTINGS.items() for word in _setting(*item))]
        self._environ = environ
        self._env = {k: v for k, v in environ.items() if k in _KEPT or not k.startswith("GIT_")}
        self._env |= {
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_LITERAL_PATHSPECS": "1",
        }
        self._env.update(identity or {})
        if git_dir is not None:
            self._env["GIT_DIR"] = str(git_dir)
        self.trees: dict[str, str] = {}
        """The trees of commits as far as they are known: a commit's is always the same."""

    async def ask(
        self,
        *words: str,
        place: Place | None = None,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
        most_bytes: int = MOST_BYTES,
    ) -> Captured:
        """How git ended and what it said.

        Raises:
            WorkspaceError: git is not there, or did not end in time.
        """
        variables = {**self._env, **(env or {})}
        if place is not None:
            variables |= {"GIT_WORK_TREE": str(place.tree), "GIT_INDEX_FILE": str(place.index)}
        ended = await capture(
            [*self._argv, *words],
            cwd=place.tree if place else self.cwd,
            env=variables,
            stdin=stdin,
            deadline_s=deadline_s,
            most_bytes=most_bytes,
            harmless=words[0] in _HARMLESS,
        )
        match ended:
            case Captured():
                return ended
            case TimedOut(after_s=after_s):
                raise WorkspaceError(
                    f"git {words[0]} in {self.cwd} was stopped: it took over {after_s:g} s"
                )
            case NotStarted(reason=reason):
                advice = "; install git 2.38 or newer" if "no program" in reason else ""
                raise WorkspaceError(f"{reason}{advice}")
            case _:
                assert_never(ended)

    async def run(
        self,
        *words: str,
        place: Place | None = None,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
        most_bytes: int = MOST_BYTES,
    ) -> bytes:
        """What git printed.

        Raises:
            WorkspaceError: git failed; the text has its last words.
        """
        ended = await self.ask(
            *words, place=place, stdin=stdin, env=env, deadline_s=deadline_s, most_bytes=most_bytes
        )
        if ended.exit_code != 0 or ended.cut:
            raise failure(words[0], self.cwd, ended)
        return ended.out

    async def line(self, *words: str, place: Place | None = None, stdin: bytes = b"") -> str:
        """The one line that git printed.

        Raises:
            WorkspaceError: git failed.
        """
        return os.fsdecode((await self.run(*words, place=place, stdin=stdin)).removesuffix(b"\n"))

    def connecting(self) -> dict[str, str]:
        """The variables of the surrounding environment by which a person reaches remotes."""
        return {name: self._environ[name] for name in _CONNECTING if name in self._environ}


def failure(verb: str, where: Path, ended: Captured) -> WorkspaceError:
    """What to say of a git that failed; a FullDiskError where room is all that was missing."""
    if ended.cut:
        return WorkspaceError(f"git {verb} in {where} printed more than can be taken")
    said = ended.err.decode(errors="replace").strip() or f"status {ended.exit_code}"
    no_room, advice = _said_in(said, _NO_ROOM), _said_in(said, _ADVICE)
    if not no_room and not advice and _full(where):  # git does not always say why it cannot write
        no_room = _NO_ROOM["No space left on device"]
    said = " / ".join(said[-_SAID_CHARACTERS:].splitlines())
    text = f"git {verb} failed in {where}: {said}"
    if no_room:
        return FullDiskError(f"{text} ({no_room})")
    return WorkspaceError(f"{text}{advice and f' ({advice})'}")


def _said_in(said: str, advice: Mapping[str, str]) -> str:
    return next((text for words, text in advice.items() if words in said), "")


def _full(where: Path) -> bool:
    try:
        status = os.statvfs(where)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _LITTLE_BYTES


def _setting(name: str, value: str) -> tuple[str, str]:
    return "-c", f"{name}={value}"
