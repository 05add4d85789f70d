"""What an agent may do by itself, what a person is asked, and how either is told to it."""

from pathlib import Path
from typing import Final, Literal

from engine.agents.acp_files import inside
from engine.agents.acp_json import Json, part, parts, text

Policy = Literal["ask", "allow", "refuse"]
"""What becomes of that which is more than work on files of the tree."""

_FILES: Final = ("read", "edit", "delete", "move", "search")
_HARMLESS: Final = ("think",)
_APPROVE: Final = ("allow_once", "allow_always")
_REFUSE: Final = ("reject_once", "reject_always")


def verdict(policy: Policy, tree: Path, params: Json) -> Policy:
    """What to do about `session/request_permission`: work on files of the tree is allowed."""
    call = part(params, "toolCall")
    kind = text(call, "kind")
    if policy == "allow" or kind in _HARMLESS:
        return "allow"
    named = [*parts(call, "locations"), *parts(call, "content")]
    paths = [text(each, "path") for each in named if "path" in each]
    within = bool(paths) and all(inside(tree, path) is not None for path in paths)
    return "allow" if kind in _FILES and within else policy


def question(params: Json) -> str:
    """What a person is asked."""
    call = part(params, "toolCall")
    given = part(call, "rawInput")
    title, command = text(call, "title"), text(given, "command")
    words = [text(call, "kind") or "tool", title or "something that it does not name"]
    return ": ".join([*words, command] if command and command not in title else words)


def outcome(params: Json, *, approved: bool) -> Json:
    """The answer; the option that says it for this once is chosen before the one for always."""
    wanted = _APPROVE if approved else _REFUSE
    options = parts(params, "options")
    for kind in wanted:
        for option in options:
            if text(option, "kind") == kind:
                return {"outcome": {"outcome": "selected", "optionId": text(option, "optionId")}}
    return {"outcome": {"outcome": "cancelled"}}
