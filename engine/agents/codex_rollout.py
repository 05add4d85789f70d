"""The file that codex keeps of a session: what each model call used, and what was denied.

It is written while codex runs. Its stream of events tells what was used at the end only, and
leaves out commands that the sandbox denied.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from engine.agents.lines import Lines
from engine.agents.protocol import AnyAgentEvent, Trouble
from engine.agents.rendering import shortened
from engine.core.parts import Tokens

_LOOK_BYTES: Final = 1 << 20
_WANTED: Final = (
    b'"token_usage_record"',
    b'"token_count"',
    b'"function_call',
    b'"task_complete"',
)
_DENIED: Final = ("Read-only file system", "Operation not permitted", "Permission denied")
_SHOWN_CHARACTERS: Final = 600


class Usage(msgspec.Struct, frozen=True):
    """All that a thread has used so far."""

    thread: str
    total: Tokens


def tokens_of(usage: object) -> Tokens:
    """Tokens as codex writes them; what is not a number counts as none."""
    numbers = cast("dict[str, Any]", usage) if isinstance(usage, dict) else {}

    def number(name: str) -> int:
        value = numbers.get(name, 0)
        return value if isinstance(value, int) and value > 0 else 0

    return Tokens(
        input=number("input_tokens"),
        cached_input=number("cached_input_tokens"),
        cache_write=number("cache_write_input_tokens"),
        output=number("output_tokens"),
        reasoning=number("reasoning_output_tokens"),
    )


class Rollout:
    """Reads the session files of a home as they grow.

    Attributes:
        resets_at_s: when the plan's usage limit ends, in seconds since 1970, if that was told.
        error: codex's own name for what ended its work, if it did not end well.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "sessions"
        self._files: dict[Path, _File] = {}
        self.resets_at_s: float | None = None
        self.error = ""

    def read(self, most_bytes: int = _LOOK_BYTES) -> list[Usage | AnyAgentEvent]:
        """What is new, reading about so many bytes of each file."""
        for path in sorted(self._folder.glob("*/*/*/rollout-*.jsonl")):
            self._files.setdefault(path, _File(path))
        return [
            found
            for file in self._files.values()
            for line in file.lines(most_bytes)
            for found in self._understand(file, line)
        ]

    def _understand(self, file: "_File", line: bytes) -> Iterator[Usage | AnyAgentEvent]:
        payload = _payload(line)
        match payload.get("type"):
            case "token_count":
                self._limits(payload.get("rate_limits"))
                info = payload.get("info")
                total = cast("dict[str, Any]", info) if isinstance(info, dict) else {}
                if "total_token_usage" in total:
                    yield Usage(file.thread, tokens_of(total["total_token_usage"]))
            case "function_call":
                file.calls[str(payload.get("call_id"))] = _command(payload)
            case "function_call_output":
                command = file.calls.pop(str(payload.get("call_id")), "")
                yield from _denied(command, payload.get("output"))
            case "task_complete":
                self._end(payload.get("error"))
            case _:
                if "thread_token_usage" in payload:
                    file.thread = str(payload.get("thread_id", file.thread))
                    yield Usage(file.thread, tokens_of(payload["thread_token_usage"]))

    def _limits(self, limits: object) -> None:
        """Take the moment at which the fullest window of the plan is empty again."""
        windows = cast("dict[str, Any]", limits) if isinstance(limits, dict) else {}
        found: list[tuple[float, float]] = []
        for name in ("primary", "secondary"):
            window = windows.get(name)
            if isinstance(window, dict):
                part = cast("dict[str, Any]", window)
                used, resets = part.get("used_percent"), part.get("resets_at")
                if isinstance(used, int | float) and isinstance(resets, int | float):
                    found.append((float(used), float(resets)))
        if found:
            self.resets_at_s = max(found)[1]

    def _end(self, error: object) -> None:
        part = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
        info = part.get("codex_error_info")
        if isinstance(info, dict):  # some names come with details, as the one key of a mapping
            info = next(iter(cast("dict[str, Any]", info)), "")
        self.error = str(info or "")


class _File:
    """One session file; what was read of it is not read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._lines = Lines()
        # The name ends in the thread's id, 36 characters long.
        self.thread = path.stem[-36:]
        self.calls: dict[str, str] = {}

    def lines(self, most_bytes: int) -> Iterator[bytes]:
        """The whole lines in the next bytes."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read(most_bytes)
        except OSError:
            return
        self._at += len(data)
        for line in self._lines.feed(data):
            if isinstance(line, bytes) and any(wanted in line for wanted in _WANTED):
                yield line


def _payload(line: bytes) -> dict[str, Any]:
    try:
        whole = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return {}
    payload = cast("dict[str, Any]", whole).get("payload") if isinstance(whole, dict) else None
    return cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}


def _command(payload: dict[str, Any]) -> str:
    try:
        arguments = msgspec.json.decode(str(payload.get("arguments", "")), type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        arguments = {}
    return str(arguments.get("cmd") or payload.get("name", ""))


def _denied(command: str, output: object) -> Iterator[Trouble]:
    text = output if isinstance(output, str) else ""
    if "Process exited with code 0\n" in text or not any(words in text for words in _DENIED):
        return
    last = [line for line in text.splitlines() if any(words in line for words in _DENIED)][-1]
    yield Trouble(text=shortened(f"denied: {command}\n{last}", _SHOWN_CHARACTERS))
