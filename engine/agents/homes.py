"""Isolated homes: where the logins of agents live, apart from the person's own programs.

There is one for each kind of agent, in the person's data folder. It holds the login and nothing
else; each attempt has a home of its own beside its transcript.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, assert_never

import msgspec

from engine.agents import programs
from engine.executors.protocol import NotStarted, TimedOut
from engine.executors.tools import Captured, capture

HOME_VARIABLE: Final = "CONTROLROOM_HOME"
Kind = Literal["codex", "claude"]
KINDS: Final[tuple[Kind, ...]] = ("codex", "claude")
_STATUS_S: Final = 30.0
_FOLDER: Final = "controlroom"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an agent is logged in, and what its program says about it."""

    logged_in: bool
    text: str


class LoginCommand(msgspec.Struct, frozen=True, kw_only=True):
    """What a person runs to log in, with its whole environment."""

    argv: tuple[str, ...]
    env: dict[str, str]


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where the person's data of this program is, by the rules of the platform."""
    if environ.get(HOME_VARIABLE):
        return Path(environ[HOME_VARIABLE])
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / _FOLDER
    data = environ.get("XDG_DATA_HOME", "")
    # A relative path has to be ignored, says the specification of these variables.
    return (Path(data) if data.startswith("/") else home / ".local" / "share") / _FOLDER


def home_of(kind: Kind, environ: Mapping[str, str]) -> Path:
    """The isolated home of a kind of agent; it need not be there."""
    return data_folder(environ).absolute() / "agents" / kind


def make_home(kind: Kind, environ: Mapping[str, str]) -> Path:
    """The isolated home of a kind of agent; only its owner can look into it.

    Raises:
        OSError: it cannot be made.
    """
    home = home_of(kind, environ)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    return home


def login_command(kind: Kind, environ: Mapping[str, str]) -> LoginCommand:
    """How a person logs in to the isolated home, in a terminal.

    Raises:
        AgentMissingError: its program is not on this machine.
        OSError: the home cannot be made.
    """
    home = make_home(kind, environ)
    return LoginCommand(argv=_program(kind, environ, _LOGIN[kind]), env=_env(kind, environ, home))


async def login_status(kind: Kind, environ: Mapping[str, str]) -> Login:
    """Whether there is a login in the isolated home; no model is called.

    Raises:
        AgentMissingError: its program is not on this machine.
        OSError: the home cannot be made.
    """
    home = make_home(kind, environ)
    done = await capture(
        _program(kind, environ, _STATUS[kind]),
        cwd=home,
        env=_env(kind, environ, home),
        deadline_s=_STATUS_S,
    )
    match done:
        case Captured(exit_code=0):
            return Login(logged_in=True, text=_said(kind, done))
        case Captured():
            return Login(logged_in=False, text=_said(kind, done))
        case TimedOut(_, after_s):
            return Login(logged_in=False, text=f"it gave no answer in {after_s:.0f} s")
        case NotStarted(reason):
            return Login(logged_in=False, text=reason)
        case _:
            assert_never(done)


_LOGIN: Final[Mapping[Kind, tuple[str, ...]]] = {
    "codex": ("login",),
    "claude": ("auth", "login"),
}
_STATUS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "codex": ("login", "status"),
    "claude": ("auth", "status"),
}
STATE_VARIABLES: Final[Mapping[Kind, str]] = {
    "codex": "CODEX_HOME",
    "claude": "CLAUDE_CONFIG_DIR",
}
"""By which variable each program is told where its own files are."""

_SOURCES: Final[Mapping[Kind, programs.Source]] = {
    "codex": programs.CODEX,
    "claude": programs.CLAUDE,
}
_KEYS: Final = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN")


def _program(kind: Kind, environ: Mapping[str, str], words: tuple[str, ...]) -> tuple[str, ...]:
    return (str(programs.find(_SOURCES[kind], environ.get("PATH", os.defpath))), *words)


def _env(kind: Kind, environ: Mapping[str, str], home: Path) -> dict[str, str]:
    # A key in the environment is a login of its own: here the home's is asked for.
    kept = {name: value for name, value in environ.items() if name not in _KEYS}
    return kept | {STATE_VARIABLES[kind]: str(home)}


def _said(kind: Kind, done: Captured) -> str:
    if kind == "claude":
        try:
            status = msgspec.json.decode(done.out, type=dict[str, object])
        except msgspec.DecodeError:
            return done.err.decode(errors="replace").strip()
        return f"authMethod: {status.get('authMethod')}"
    return (done.err or done.out).decode(errors="replace").strip()
