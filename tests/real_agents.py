"""Campaigns whose agent is a real program, with a scripted service in the place of its model."""

import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.coding import Json, Toy
from tests.driving import wait_for
from tests.models import messages, responses
from tests.models.script import Choice, Conversation, Edit, Fault, Read, Script, Turn
from tests.models.server import ModelServer
from tests.models.usage import Prices

KEY: Final = f"sk-not-a-key-{uuid.uuid4().hex}"
"""Another one in each process: tools that look at all processes would see another test's."""

FIRST: Final = 10
"""The toy's number as the person wrote it."""

_ITERATION = "This is iteration {} (trace "


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A real program as a campaign names it.

    `proposer` gives the keys of the campaign that send it to a service; `prices` are what its
    calls cost in the campaigns here.
    """

    name: str
    serve: Callable[[Script], ModelServer]
    proposer: Callable[[str], Json]
    key: str
    prices: Prices

    def __str__(self) -> str:
        return self.name


def _codex_at(url: str) -> Json:
    provider = (
        f'{{name="mock",base_url="{url}/v1",wire_api="responses",env_key="CODEX_API_KEY",'
        "request_max_retries=0,stream_max_retries=0,stream_idle_timeout_ms=3000}"
    )
    words = ["-c", 'model_provider="mock"', "-c", f"model_providers.mock={provider}"]
    return {"model": "gpt-5.5", "options": words, "env": {"secret": ["CODEX_API_KEY"]}}


def _claude_at(url: str) -> Json:
    short = {
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
        "API_TIMEOUT_MS": "4000",
    }
    return {
        "model": "claude-sonnet-4-5",
        "env": {"set": short, "secret": ["ANTHROPIC_API_KEY"]},
    }


def _claude_with_a_plan_at(url: str) -> Json:
    keys = _claude_at(url)
    return keys | {"env": keys["env"] | {"secret": ["CLAUDE_CODE_OAUTH_TOKEN"]}}


CODEX: Final = Program(
    name="codex",
    serve=responses.serve,
    proposer=_codex_at,
    key="CODEX_API_KEY",
    prices=Prices(fresh_usd=2, cached_usd=0.25, cache_written_usd=3, output_usd=16),
)
CLAUDE: Final = Program(
    name="claude",
    serve=messages.serve,
    proposer=_claude_at,
    key="ANTHROPIC_API_KEY",
    # It says itself what it costs, by the list.
    prices=Prices(fresh_usd=3, cached_usd=0.3, cache_written_usd=3.75, output_usd=15),
)
SUBSCRIBER: Final = msgspec.structs.replace(
    CLAUDE, key="CLAUDE_CODE_OAUTH_TOKEN", proposer=_claude_with_a_plan_at
)
"""With a plan of its maker's: only of those limits it says when they end."""

OWN_PRICES: Final[Json] = {
    "gpt-5.5": {"input": 2, "cached_input": 0.25, "cache_write": 3, "output": 16}
}


def hire(
    folder: Path, program: Program, url: str, *, agent: Json | None = None, **campaign: Any
) -> Toy:
    """The toy with a real program as its agent, whose model is at the address."""
    sections = campaign_of(program, url, agent=agent, **campaign)
    return Toy(folder, {}, **sections)


def campaign_of(
    program: Program, url: str, *, agent: Json | None = None, **campaign: Any
) -> dict[str, Any]:
    """The sections of the campaign in which they differ from those of other toys."""
    keys: Json = {"kind": "agent", "agent": program.name, "answer": "required", "idle": "30s"}
    keys |= {"retries": 0, "backoff": "100ms"} | program.proposer(url) | (agent or {})
    budget = {"prices": OWN_PRICES} | campaign.pop("budget", {})
    if "mentor" in campaign:
        mentor: Json = {"agent": program.name, "idle": "30s"} | program.proposer(url)
        campaign["mentor"] = mentor | campaign["mentor"]
    return campaign | {"proposers": [keys], "budget": budget}


def surroundings(program: Program, folder: Path, key: str = KEY) -> dict[str, str]:
    """The variables of the person: their key, and a short temporary folder for codex."""
    # Claude's sandbox puts sockets into the temporary folder: the path must be short.
    if program.name == "claude":
        return {program.key: key}
    (folder / "tmp").mkdir(exist_ok=True)
    return {program.key: key, "TMPDIR": str(folder / "tmp")}


def edits(old: int, new: int) -> list[Turn]:
    """The two turns that change the toy's number, and not that constant alone."""
    was = f"VALUE = {old}" if old == FIRST else f"VALUE = {old}  # v{old}"
    change = Edit("work.py", was, f"VALUE = {new}  # v{new}")
    return [Turn((Read("work.py"),)), Turn((change,))]


Story = Mapping[int, Sequence[Turn | Fault] | Choice]


def by_iteration(story: Story) -> Choice:
    """What the model does in each iteration.

    A list is gone through by each attempt from its beginning; its last entry is for all the rest.
    """

    def choose(conversation: Conversation) -> Turn | Fault | None:
        number = iteration_of(conversation)
        told = story.get(number) if number is not None else None
        if told is None or callable(told):
            return told and told(conversation)
        return told[min(conversation.turns, len(told) - 1)]

    return choose


def iteration_of(conversation: Conversation) -> int | None:
    """The iteration that a prompt says that it is of."""
    found = (n for n in range(1, 100) if _ITERATION.format(n) in conversation.prompt)
    return next(found, None)


def words_on_command_lines() -> list[str]:
    """The command line of each process of this machine, its words run together."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace"))
    return found


def named_by(text: str) -> list[int]:
    """The processes that have a text, such as a folder, in their environment or command line."""
    found: set[int] = set()
    for path in (*Path("/proc").glob("[0-9]*/environ"), *Path("/proc").glob("[0-9]*/cmdline")):
        with contextlib.suppress(OSError):
            if text.encode() in path.read_bytes():
                found.add(int(path.parent.name))
    return sorted(found)


def wait_state(toy: Toy, state: str, deadline_s: float = 60.0) -> Json:
    """The run's status, as soon as it is in a state."""

    def found() -> list[Json]:
        status = toy.status() if toy.paths.journal.exists() else {}
        return [status] if status.get("state") == state else []

    return wait_for(found, deadline_s)[0]


def unique_s() -> str:
    """Ten minutes, written as nobody else does: to be found again on command lines."""
    return f"600.{uuid.uuid4().int % 10**12:012d}"


class Hiring:
    """Makes toys with real programs, and the services behind them; closes and ends them all.

    Attributes:
        person: the variables of the person who runs the campaign.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self.person: dict[str, str] = {}

    def __call__(
        self, program: Program, script: Script, **campaign: Any
    ) -> tuple[Toy, ModelServer]:
        """A toy with a program, and the service that plays the script."""
        server = self._open.enter_context(program.serve(script))
        return self.at(program, server.url, **campaign), server

    def at(self, program: Program, url: str, **campaign: Any) -> Toy:
        """A toy with a program whose service is at an address."""
        self.person = surroundings(program, self._folder)
        toy = hire(self._folder, program, url, **campaign)
        self._open.callback(toy.end)
        return toy

    def close(self) -> None:
        """End what runs; fails where a person's work was touched, or a request not expected."""
        self._open.close()
