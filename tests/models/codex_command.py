"""Codex as the tests run it: the whole command, and reading what it tells of its cost."""

import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.models import programs
from tests.models.programs import Ended, Place
from tests.models.script import Answer, Turn
from tests.models.server import ModelServer
from tests.models.usage import Usage

KEY = f"sk-{uuid.uuid4().hex}"
"""Of this process alone: tools look for it in all of the machine's environments."""
MODEL = "gpt-5.5"
DONE = Turn((Answer("done"),))
QUIET = (
    *("-c", "analytics.enabled=false"),
    *("-c", "check_for_update_on_startup=false"),
    *("-c", 'web_search="disabled"'),
    *("--disable", "plugins"),
)
"""Without these codex calls its makers' and other hosts."""


@contextmanager
def codex_place(folder: Path) -> Generator[Place]:
    """A repository, and an isolated home with a key in the environment."""
    with Place(folder, "CODEX_HOME") as place:
        place.env["ROOM_API_KEY"] = KEY
        yield place


def argv(place: Place, url: str, *more: str, quiet: Sequence[str] = QUIET) -> list[str]:
    """A whole command: the prompt on standard input, events as JSON, all else shut off.

    A login's file is denied to the tools. To deny the whole home breaks codex where it finds a
    bubblewrap of the system; to deny what does not exist leaves an empty file there.
    """
    provider = (
        f'{{name="room",base_url="{url}/v1",wire_api="responses",env_key="ROOM_API_KEY",'
        "request_max_retries=1,stream_max_retries=1,stream_idle_timeout_ms=10000}"
    )
    login = place.state / "auth.json"
    denied = f'"{login}"="deny"' if login.exists() else ""
    permissions = f'{{extends=":workspace",filesystem={{{denied}}}}}'
    return [
        *(str(programs.codex()), "exec", "--json", "--ignore-user-config", "--ignore-rules"),
        *("-C", str(place.repository), "-m", MODEL, "-c", 'model_reasoning_effort="high"'),
        *("-c", 'default_permissions="room"', "-c", f"permissions.room={permissions}"),
        *("-c", "shell_environment_policy.ignore_default_excludes=false"),
        *("-c", 'model_provider="room"', "-c", f"model_providers.room={provider}"),
        *("--disable", "unbounded_connection_retries", *quiet, *more, "-"),
    ]


def run(place: Place, server: ModelServer, *more: str, prompt: str = "Improve it.") -> Ended:
    """Codex at its end."""
    return place.run(argv(place, server.url, *more), prompt)


def rollout(place: Place) -> list[dict[str, Any]]:
    """The lines of the session's file that are there until now."""
    (file,) = place.state.glob("sessions/*/*/*/rollout-*.jsonl") or (None,)
    if file is None:
        return []
    whole, _, _rest = file.read_bytes().rpartition(b"\n")
    return [msgspec.json.decode(line) for line in whole.splitlines() if line]


def called(place: Place) -> list[dict[str, Any]]:
    """The cost of each model call, as the session's file tells it."""
    lines = rollout(place)
    return [line["payload"]["usage"] for line in lines if line["type"] == "token_usage_record"]


def told(usage: Usage) -> dict[str, int]:
    """A cost in codex's words."""
    return {
        "input_tokens": usage.input,
        "cached_input_tokens": usage.cached,
        "cache_write_input_tokens": usage.cache_written,
        "output_tokens": usage.output,
        "reasoning_output_tokens": usage.reasoning,
    }


def items(ended: Ended, kind: str) -> list[dict[str, Any]]:
    """The completed items of a type."""
    done = [event["item"] for event in ended.of("item.completed")]
    return [item for item in done if item["type"] == kind]
