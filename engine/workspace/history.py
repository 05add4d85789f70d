"""Commits and what lies between them; nothing here looks at a tree on the disk."""

import itertools
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from engine.core.parts import FileChange
from engine.workspace.git import Git, failure
from engine.workspace.naming import shown
from engine.workspace.protocol import MOST_FILES, Change, Commit, Conflict

DIFF_BYTES: Final = 256 << 10
_MOST_TREES: Final = 1000
_KINDS: Final[dict[bytes, Literal["add", "delete"]]] = {b"A": "add", b"D": "delete"}


class Tip(NamedTuple):
    """What an iteration came to: a commit, and how it came about."""

    commit: Commit
    tree: str
    commits: int = 0
    left: bool = False
    rewrote: bool = False


async def change(git: Git, base: Commit, tip: Tip) -> Change:
    """The change from `base` to the tip, described."""
    changed = await files(git, base, tip.commit)
    return Change(
        commit=tip.commit,
        tree=tip.tree,
        base=base,
        commits=tip.commits,
        left=tip.left,
        rewrote=tip.rewrote,
        changed=len(changed),
        files=changed[:MOST_FILES],
    )


async def files(git: Git, base: str, commit: str) -> list[FileChange]:
    """All files that differ, in the order of their names."""
    out = await git.run("diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames", base, commit)
    fields = iter(out.split(b"\0"))
    kinds, first_count = _kinds(fields)
    counts = itertools.chain([first_count], fields)
    return [
        FileChange(
            path=shown(path),
            kind=_KINDS.get(kinds[path], "update"),
            added=_count(added),
            removed=_count(removed),
        )
        for added, removed, path in (field.split(b"\t", 2) for field in counts if field)
    ]


def _kinds(fields: Iterator[bytes]) -> tuple[dict[bytes, bytes], bytes]:
    """What became of each path, and the field after those that say so."""
    kinds: dict[bytes, bytes] = {}
    for field in fields:
        if not field.startswith(b":"):
            return kinds, field
        kinds[next(fields)] = field[-1:]
    return kinds, b""


def _count(text: bytes) -> int | None:
    return None if text == b"-" else int(text)


async def diff(git: Git, base: str, commit: str, most_bytes: int = DIFF_BYTES) -> str:
    """The difference as people read it, cut after `most_bytes`."""
    words = ("-r", "-p", "--stat", "--summary", "--find-renames", "--no-ext-diff", "--no-textconv")
    ended = await git.ask("diff-tree", *words, "--no-color", base, commit, most_bytes=most_bytes)
    if ended.exit_code != 0 and not ended.cut:
        raise failure("diff-tree", git.cwd, ended)
    text = ended.out.decode(errors="replace")
    return f"{text}\n(cut after {most_bytes} bytes)\n" if ended.cut else text


async def trees_of(git: Git, *commits: str) -> list[str]:
    """The trees of some commits, given by their full names."""
    known = {commit: git.trees[commit] for commit in commits if commit in git.trees}
    unknown = [commit for commit in commits if commit not in known]
    if unknown:
        found = await git.line("rev-parse", *(f"{commit}^{{tree}}" for commit in unknown))
        known |= zip(unknown, found.splitlines(), strict=True)
        _keep_in_mind(git, known)
    return [known[commit] for commit in commits]


def _keep_in_mind(git: Git, trees: dict[str, str]) -> None:
    if len(git.trees) > _MOST_TREES:
        git.trees.clear()
    git.trees.update(trees)


async def commit_tree(
    git: Git, tree: str, parents: list[str], message: str, author: dict[str, str] | None = None
) -> Commit:
    """A new commit; a message that is empty is said to be so."""
    words = [word for parent in parents for word in ("-p", parent)]
    text = (message.strip() or "No message").replace("\0", "")
    stdin = f"{text}\n".encode(errors="replace")
    out = await git.run("commit-tree", tree, *words, "-F", "-", stdin=stdin, env=author)
    made = Commit(out.decode().strip())
    _keep_in_mind(git, {made: tree})
    return made


async def is_ancestor(git: Git, older: str, newer: str) -> bool:
    """Whether everything in `older` is in `newer`.

    Raises:
        WorkspaceError: one of them is not there.
    """
    ended = await git.ask("merge-base", "--is-ancestor", older, newer)
    if ended.exit_code not in (0, 1):
        raise failure("merge-base", git.cwd, ended)
    return ended.exit_code == 0


async def merged_tree(git: Git, ours: str, theirs: str) -> str | Conflict:
    """The tree in which both lines of work are joined, by their own merge base."""
    words = ("--write-tree", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories")
    ended = await git.ask("merge-tree", *words, ours, theirs)
    if ended.exit_code not in (0, 1) or ended.cut:
        raise failure("merge-tree", git.cwd, ended)
    tree, *paths = ended.out.rstrip(b"\0").split(b"\0")
    if ended.exit_code == 0:
        return tree.decode()
    return Conflict(paths=sorted({shown(path) for path in paths if path}))


async def moved_tree(git: Git, commit: str, base: str, onto: str) -> str | Conflict:
    """The tree of `onto` with the change from `base` to `commit` in it."""
    tree, onto_tree = await trees_of(git, commit, onto)
    # git 2.39 cannot be told the merge base: these two have no other than `base`.
    ours = await commit_tree(git, onto_tree, [base], "onto")
    theirs = await commit_tree(git, tree, [base], "change")
    return await merged_tree(git, ours, theirs)


async def message_of(git: Git, commit: str) -> tuple[str, dict[str, str]]:
    """A commit's message and, as variables, its author."""
    out = await git.run(
        "show",
        "-s",
        "--no-show-signature",
        "--format=%an%x00%ae%x00%ad%x00%B",
        "--date=raw",
        commit,
    )
    name, email, date, message = out.decode(errors="replace").split("\0", 3)
    author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": date}
    return message, {key: text for key, text in author.items() if text}
