"""Claude as the tests run it: the whole command, and reading what it tells of its cost."""

import json
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.models import programs
from tests.models.programs import Ended, Place
from tests.models.script import Answer, Turn
from tests.models.server import ModelServer
from tests.models.usage import Prices, Usage

KEY = f"sk-{uuid.uuid4().hex}"
"""Of this process alone: tools look for it in all of the machine's environments."""
MODEL = "claude-sonnet-4-5"
LIST_PRICES = Prices(fresh_usd=3, cached_usd=0.3, cache_written_usd=3.75, output_usd=15)
DONE = Turn((Answer("done"),))


@contextmanager
def claude_place(folder: Path) -> Generator[Place]:
    """A repository, and an isolated home; nothing but the model is to be called."""
    with Place(folder, "CLAUDE_CONFIG_DIR") as place:
        place.env |= {
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
            "ANTHROPIC_API_KEY": KEY,
        }
        yield place


def argv(*more: str, mode: str = "acceptEdits", tools: str = "Bash") -> list[str]:
    """A whole command: the prompt on standard input, events as JSON, nobody is asked."""
    return [
        *(str(programs.claude()), "-p", "--output-format", "stream-json", "--verbose"),
        *("--include-partial-messages", "--model", MODEL, "--strict-mcp-config"),
        *("--permission-mode", mode, "--permission-prompts", "none", "--allowedTools", tools),
        *("--setting-sources", "", *more),
    ]


def run(
    place: Place, server: ModelServer, *more: str, prompt: str = "Improve it.", **env: str
) -> Ended:
    """Claude at its end."""
    place.env |= {"ANTHROPIC_BASE_URL": server.url} | env
    return place.run(argv(*more), prompt)


def deltas(events: Sequence[dict[str, Any]]) -> list[dict[str, int]]:
    """The final cost of each model call, as the stream tells it when the call ends."""
    streamed = [event["event"] for event in events if event["type"] == "stream_event"]
    return [event["usage"] for event in streamed if event["type"] == "message_delta"]


def told(usage: Usage) -> dict[str, int]:
    """A cost in the stream's words."""
    return {
        "input_tokens": usage.fresh,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.cache_written,
        "output_tokens": usage.output,
    }


def summed(ended: Ended) -> dict[str, int]:
    """What a run cost, from the only account of it that is always whole."""
    spent = ended.only("result")["modelUsage"][MODEL]
    return {
        "input_tokens": spent["inputTokens"],
        "cache_read_input_tokens": spent["cacheReadInputTokens"],
        "cache_creation_input_tokens": spent["cacheCreationInputTokens"],
        "output_tokens": spent["outputTokens"],
    }


def printed(ended: Ended) -> str:
    """All that the tools gave back."""
    return json.dumps([event["message"]["content"] for event in ended.of("user")])
