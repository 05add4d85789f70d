"""Whether a sandbox of ours stands round an agent on this machine, and in words what it lets in."""

from typing import Final

import msgspec

from engine.agents import claude
from engine.core.campaign.proposers import AGENTS, ONLY_ANSWERS, AgentSpec
from engine.executors import trial

BRING_THEIR_OWN: Final = ("codex", "claude")
"""Agents that put their commands into a sandbox themselves: it has to fit into ours."""

_NO_MODEL: Final = ("scripted",)
_CREDENTIALS: Final = (
    ".ssh", ".aws", ".azure", ".config", ".docker", ".gnupg", ".kube", ".netrc", ".git-credentials",
    ".npmrc", ".pypirc", ".password-store", ".mozilla", ".local/share/keyrings",
)  # fmt: skip


class Walls(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a sandbox stands, and if not, why.

    With `nesting` the agent can make its own within, with a /proc of its own if `own_proc`.
    """

    stand: bool
    why: str = ""
    nesting: bool = False
    own_proc: bool = False


def walls_of(spec: AgentSpec) -> Walls:
    """Those of a campaign's agent, here.

    Cost: two commands in sandboxes, the first time; it blocks.
    """
    if spec.sandbox == "off":
        return Walls(stand=False, why="the campaign says so (sandbox: off)")
    return walls_here(spec.agent)


def walls_here(agent: str) -> Walls:
    """Those that an agent of some kind gets on this machine; cost as of `walls_of`."""
    outer = trial.available()
    if not outer.works:
        return Walls(stand=False, why=outer.why)
    if agent in _NO_MODEL:
        return Walls(stand=True)
    inner = trial.nesting()
    if agent in BRING_THEIR_OWN and not inner.works:
        why = f"its own, which keeps its commands in, does not work within one here: {inner.why}"
        return Walls(stand=False, why=why)
    return Walls(stand=True, nesting=inner.works, own_proc=inner.own_proc)


def has_network(spec: AgentSpec) -> bool:
    """Whether the program itself has the network of this machine."""
    if spec.agent in _NO_MODEL:
        return spec.network is True
    return spec.network != "none"


def credentials() -> tuple[str, ...]:
    """What of a person's home is masked even where the home, or part of it, is shown."""
    return _CREDENTIALS


KINDS: Final = tuple(AGENTS)
FILES: Final = (
    "writes its tree and a home of the attempt's own; reads the system, its program, the objects "
    "of the repository, sandbox.read; your home, runs, refs, other trees and logins are not there"
)
NETWORK: Final = (
    "this machine's own where an agent has it: also what listens on localhost, and a cloud's "
    "metadata service; a campaign can say network: none for agents but codex and claude"
)


def policy(agent: str, path: str) -> tuple[bool, str]:
    """Whether an agent of a kind is kept in here, and its network and own sandbox, in words.

    Args:
        agent: the kind.
        path: the variable PATH, on which its sandbox's programs are.
    """
    walls = walls_here(agent)
    if not walls.stand:
        own = "its own sandbox alone" if agent in BRING_THEIR_OWN else "it has your rights"
        return False, f"no sandbox of ours, {own}: {walls.why}"
    if agent == claude.NAME and not claude.can_confine(path):
        return False, "in a sandbox, but its commands have none of its own: the network is theirs"
    return True, f"in a sandbox; {_network(agent)}; {_nested(agent, walls)}"


def _network(agent: str) -> str:
    if agent == ONLY_ANSWERS:
        return "network for its model; it runs no commands"
    if agent in _NO_MODEL:
        return "no network, unless network: true"
    if agent in BRING_THEIR_OWN:
        return "network for its model, none for its commands"
    return "network, unless network: none"


def _nested(agent: str, walls: Walls) -> str:
    if not walls.nesting:
        return "none within"
    proc = "" if walls.own_proc else ", without a /proc of its own"
    if agent in BRING_THEIR_OWN:
        return f"its own within{proc}"
    return f"it may make one within{proc}"
