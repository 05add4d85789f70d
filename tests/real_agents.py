"""Campaigns whose agent is a real program, with a scripted service in the place of its model."""

import uuid
from collections.abc import Callable, Mapping, Sequence
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
        "request_max_retries=0,stream_max_retries=0,stream_idle_timeout_ms=1500}"
    )
    words = ["-c", 'model_provider="mock"', "-c", f"model_providers.mock={provider}"]
    return {"model": "gpt-5.5", "options": words, "env": {"secret": ["CODEX_API_KEY"]}}


def _claude_at(url: str) -> Json:
    short = {
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
        "API_TIMEOUT_MS": "2000",
    }
    return {
        "model": "claude-sonnet-4-5",
        "env": {"set": short, "secret": ["ANTHROPIC_API_KEY"]},
    }


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
    return campaign | {"proposers": [keys], "budget": budget}


def surroundings(program: Program, folder: Path, key: str = KEY) -> dict[str, str]:
    """The variables of the person: their key, and a short temporary folder for codex."""
    # Claude's sandbox puts sockets into the temporary folder: the path must be short.
    if program.name == "claude":
        return {program.key: key}
    (folder / "tmp").mkdir(exist_ok=True)
    return {program.key: key, "TMPDIR": str(folder / "tmp")}


def edits(old: int, new: int) -> list[Turn]:
    """The two turns that change the toy's number."""
    change = Edit("work.py", f"VALUE = {old}", f"VALUE = {new}")
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


def shows_on_a_command_line(text: str) -> bool:
    """Whether any process of this machine has the text among its words."""
    return any(text.encode() in words for words in _command_lines())


def _command_lines() -> list[bytes]:
    found: list[bytes] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:
            continue
    return found


def wait_state(toy: Toy, state: str) -> Json:
    """The run's status, as soon as it is in a state."""
    wait_for(lambda: toy.paths.journal.exists())
    return wait_for(lambda: status if (status := toy.status())["state"] == state else None)
