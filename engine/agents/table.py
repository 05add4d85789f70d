"""The agents by name: the one table through which a campaign gets them."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast

import msgspec

from engine.agents import acp, claude, codex, command, llm, scripted
from engine.agents.protocol import Agent, AgentMissingError


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign gives to the maker of an agent; relative paths are meant from `folder`."""

    folder: Path
    command: tuple[str, ...] = ()
    script: str | None = None


Maker = Callable[[Setup], Agent]


def _codex(_: Setup) -> Agent:
    return codex.Codex()


def _claude(_: Setup) -> Agent:
    return claude.Claude()


def _command(setup: Setup) -> Agent:
    return command.CommandAgent(setup.command)


def _acp(setup: Setup) -> Agent:
    return acp.Acp(setup.command)


def _scripted(setup: Setup) -> Agent:
    return scripted.Scripted(setup.folder / (setup.script or ""))


def _llm(_: Setup) -> Agent:
    return llm.Llm()


AGENTS: Final[Mapping[str, Maker]] = {
    codex.NAME: _codex,
    claude.NAME: _claude,
    command.NAME: _command,
    scripted.NAME: _scripted,
    acp.NAME: _acp,
    llm.NAME: _llm,
}


def make(name: str, setup: Setup) -> Agent:
    """The agent of a name of the table, or of a dotted path `module:maker` to one's own.

    Raises:
        AgentMissingError: there is no such agent, or its module cannot be imported.
        ScriptError: the script of a scripted agent cannot be played.
    """
    if name in AGENTS:
        return AGENTS[name](setup)
    if ":" not in name:
        known = ", ".join(AGENTS)
        raise AgentMissingError(
            f"there is no agent {name}; write one of {known}, or the dotted path module:maker"
        )
    agent = _maker(name)(setup)
    for method in ("launch", "reader"):
        if not callable(getattr(agent, method, None)):
            raise AgentMissingError(f"what {name} made is no agent: it has no method {method}")
    return agent


def _maker(path: str) -> Maker:
    module, _, attribute = path.partition(":")
    try:
        maker = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise AgentMissingError(
            f"{path} cannot be imported: {error}; install it where controlroom is installed"
        ) from error
    except AttributeError as error:
        raise AgentMissingError(f"{path} is not there: {error}") from error
    if not callable(maker):
        raise AgentMissingError(f"{path} is nothing that makes an agent")
    return cast("Maker", maker)
