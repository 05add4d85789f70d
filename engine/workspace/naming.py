"""Names of refs, and file names as people are shown them."""

import re
from typing import Final

from engine.workspace.protocol import JUDGE

_NOT_IN_REFS: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//+|\.(?=/|$)|\.lock(?=/|$)")
_BEGINNING: Final = re.compile(r"(^|/)[.-]+")
PRIVATE: Final = "refs/controlroom/"
BRANCHES: Final = "refs/heads/"


def ref_part(text: str) -> str:
    """The text as a part of a ref's name: what git does not allow there becomes a dash."""
    part = _BEGINNING.sub(r"\1", _NOT_IN_REFS.sub("-", text).strip("/"))
    return part.replace("/", "-") or "unnamed"


def private_ref(run: str, name: str) -> str:
    """The private ref `name` of a run, such as refs/controlroom/climb-s0/candidates/00007."""
    parts = (ref_part(part) for part in name.split("/"))
    return f"{PRIVATE}{ref_part(run)}/{'/'.join(parts)}"


def run_branch(campaign: str, run: str) -> str:
    """The branch that accepted commits go to."""
    return f"{BRANCHES}controlroom/{ref_part(campaign)}/{ref_part(run)}"


def shown(name: bytes) -> str:
    r"""A file's name as text; bytes that are no UTF-8 are written as \xff."""
    return name.decode("utf-8", "backslashreplace")


def slot_name(slot: int) -> str:
    """The name of a slot's tree."""
    return "judge" if slot == JUDGE else f"{slot:02d}"
