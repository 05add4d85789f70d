"""The repository of a slot's tree: the agent's own, to do with as it likes.

It borrows the person's objects and shares nothing else, so whatever an agent does to it is undone
by making it anew. The engine never runs git in it. It reads HEAD as a plain file, and objects by
their names through the person's repository; its configuration and hooks are never looked at.
"""

import os
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio.to_thread
import msgspec

from engine.workspace.folders import is_folder, remove
from engine.workspace.git import Git, Place, failure
from engine.workspace.protocol import Commit, FullDiskError
from engine.workspace.repository import Repository

_OID: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF: Final = re.compile(rb"ref: (refs/[^\0\n]+)\n?")
_FOLDERS: Final = (
    "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags", "info",
)  # fmt: skip
_MOST_BYTES: Final = 1 << 22
_MOST_PACK: Final = 512 << 20
_COPIED_SETTINGS: Final = re.compile(
    r"(?i)^(user\.(name|email)|filter\..*|merge\..*\.(name|driver)|diff\..*\.(textconv|binary)|"
    r"core\.(autocrlf|eol|safecrlf|filemode|symlinks|ignorecase|attributesfile|excludesfile))$"
)


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """What every private repository of a run begins with."""

    config: str
    alternates: bytes
    exclude: bytes
    attributes: bytes
    shallow: bytes


async def template(repository: Repository, without: Sequence[str]) -> Template:
    """A template after the person's repository.

    Args:
        repository: the person's.
        without: patterns of paths that are put into the tree and are nobody's change.
    """
    out = await repository.git.run("config", "--local", "--includes", "-z", "--list")
    entries = [entry.partition("\n") for entry in os.fsdecode(out).split("\0") if entry]
    copied = [
        (key, value if given else "true")
        for key, given, value in entries
        if _COPIED_SETTINGS.match(key)
    ]
    info = repository.common_dir / "info"
    patterns = "".join(f"{pattern}\n" for pattern in without)
    return Template(
        config=_config(repository, copied),
        alternates=_quoted(os.fsencode(repository.objects)) + b"\n",
        exclude=_content(info / "exclude") + b"\n" + os.fsencode(patterns),
        attributes=_content(info / "attributes"),
        shallow=_content(repository.common_dir / "shallow"),
    )


def make(place: Place, commit: str, like: Template) -> None:
    """Put a new private repository into the tree: HEAD at the commit, no index yet.

    Raises:
        OSError: it cannot be written.
    """
    folder = place.tree / ".git"
    _make_empty(folder)
    for name in _FOLDERS:
        (folder / name).mkdir()
    (folder / "objects" / "info" / "alternates").write_bytes(like.alternates)
    (folder / "config").write_text(like.config, encoding="utf-8", errors="surrogateescape")
    (folder / "info" / "exclude").write_bytes(like.exclude)
    if like.attributes:
        (folder / "info" / "attributes").write_bytes(like.attributes)
    if like.shallow:
        (folder / "shallow").write_bytes(like.shallow)
    (folder / "HEAD").write_text(f"{commit}\n", encoding="ascii")


def know_index(place: Place) -> None:
    """Let the private repository know the files in the tree, by the index that is of them.

    Raises:
        OSError: it cannot be written.
    """
    # The time of the copy tells git what is surely unchanged.
    shutil.copy2(place.index, place.tree / ".git" / "index")


def _make_empty(folder: Path) -> None:
    """Let there be an empty folder; one that is there stays the same.

    What a sandbox has mounted over it, so that it does not see it, would go with it.
    """
    if not is_folder(folder) or not _is_plain(folder):
        remove(folder)
        folder.mkdir()
        return
    for name in os.listdir(folder):  # noqa: PTH208  (bytes and odd names alike)
        remove(folder / name)


def _is_plain(folder: Path) -> bool:
    """Whether its mode is as `mkdir` makes one."""
    return stat.S_IMODE(folder.lstat().st_mode) & 0o7700 == stat.S_IRWXU


def head(tree: Path) -> str | None:
    """The commit that the agent's HEAD names; None when that cannot be told."""
    folder = tree / ".git"
    if not is_folder(folder):
        return None
    text = _plain(folder / "HEAD")
    ref = _REF.fullmatch(text)
    if ref is None:
        return _oid(text)
    name = ref[1]
    if b".." in name or b"//" in name:
        return None
    return _oid(_plain(folder / os.fsdecode(name))) or _packed(folder, name)


def _packed(folder: Path, name: bytes) -> str | None:
    for line in _plain(folder / "packed-refs").splitlines():
        oid, _, ref = line.partition(b" ")
        if ref == name:
            return _oid(oid)
    return None


class OwnCommits(msgspec.Struct, frozen=True, kw_only=True):
    """The agent's own commits, in the person's objects now; `follows` tells that they do the base.

    Where they could not be read `head` is the base. `big` tells that a file in them is too big;
    then nothing was brought.
    """

    head: Commit
    count: int
    follows: bool
    big: bool = False


async def bring(
    git: Git, tree: Path, base: Commit, most_file_bytes: int, like: Template
) -> OwnCommits | None:
    """The agent's commits since `base`, brought over; None when its HEAD is at the base."""
    unreadable = OwnCommits(head=base, count=0, follows=False)
    tip = head(tree)
    if tip == base:
        return None
    objects = tree / ".git" / "objects"
    if tip is None or not await anyio.to_thread.run_sync(_lead_nowhere, objects, like.alternates):
        return unreadable
    borrowed = os.fsdecode(_quoted(os.fsencode(objects)))
    env = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": borrowed}
    found = await since(git, tip, base, most_file_bytes, env)
    if found is None:
        return unreadable
    own, names = found
    return own if own.big or await _copied(git, names, env) else unreadable


def _lead_nowhere(objects: Path, alternates: bytes) -> bool:
    """Whether these objects are the agent's own, and borrow from where they did at first.

    Git would follow it elsewhere with the engine's rights: into any repository of this machine.
    """
    if not is_folder(objects) or _plain(objects / "info" / "alternates") != alternates:
        return False
    for folder, folders, files in os.walk(objects):
        if any(os.path.islink(os.path.join(folder, name)) for name in (*folders, *files)):  # noqa: PTH114, PTH118
            return False
    return True


async def since(
    git: Git, tip: str, base: str, most_file_bytes: int, env: dict[str, str]
) -> tuple[OwnCommits, bytes] | None:
    """The commits from `base` to `tip`, and the names of their objects; None if unreadable."""
    limit = f"--filter=blob:limit={most_file_bytes + 1}"
    words = ("rev-list", "--objects", limit, "--filter-print-omitted", tip, f"^{base}")
    listed = await git.ask(*words, env=env)
    if listed.exit_code != 0 or listed.cut:
        return None
    count = await git.ask("rev-list", "--count", tip, f"^{base}", env=env)
    follows = await git.ask("merge-base", "--is-ancestor", base, tip, env=env)
    lines = listed.out.splitlines()
    own = OwnCommits(
        head=Commit(tip),
        count=int(count.out or b"0"),
        follows=follows.exit_code == 0,
        big=any(line.startswith(b"~") for line in lines),
    )
    return own, b"".join(line.split(b" ", 1)[0] + b"\n" for line in lines)


async def _copied(git: Git, names: bytes, env: dict[str, str]) -> bool:
    if not names:
        return True
    pack = await git.ask(
        "pack-objects", "--stdout", "-q", stdin=names, env=env, most_bytes=_MOST_PACK
    )
    if pack.exit_code != 0 or pack.cut:
        return False
    ended = await git.ask("unpack-objects", "-q", "--strict", stdin=pack.out)
    if ended.exit_code == 0:
        return True
    if isinstance(error := failure("unpack-objects", git.cwd, ended), FullDiskError):
        raise error  # they can be read: only the room for them is missing
    return False


def _config(repository: Repository, copied: list[tuple[str, str]]) -> str:
    version = 1 if repository.object_format != "sha1" else 0
    lines = ["[core]", f"\trepositoryformatversion = {version}", "\tbare = false"]
    lines += ["\tlogallrefupdates = true", "[gc]", "\tauto = 0", "[maintenance]", "\tauto = false"]
    if version:
        lines += ["[extensions]", f"\tobjectFormat = {repository.object_format}"]
    for key, value in copied:
        section, _, rest = key.partition(".")
        subsection, _, name = rest.rpartition(".")
        lines += [f'[{section} "{_escaped(subsection)}"]' if subsection else f"[{section}]"]
        lines += [f'\t{name} = "{_escaped(value)}"']
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _quoted(path: bytes) -> bytes:
    """A path for lists of object folders, which split at colons and lines."""
    if not re.search(rb'[:"\n\\]|^#', path):
        return path
    text = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + text + b'"'


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _plain(path: Path) -> bytes:
    """The content of an ordinary file of the agent's; empty for anything else. Never waits."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_MOST_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def _oid(text: bytes) -> str | None:
    found = text.strip()
    return found.decode() if _OID.fullmatch(found) else None
