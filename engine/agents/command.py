"""Any command as an agent: it reads the prompt, changes the tree and ends.

What it prints is told as it comes. A line that is one of our own events as JSON is understood:
`{"type": "spent", "tokens": {"input": 1200, "output": 80}, "cost_usd": 0.01}`. Its answer is what
it writes to the file `{answer}`, else what it says with an `answered` event, else its last line.
It may ask a person: see `engine.agents.asking`.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.agents import answers, asking
from engine.agents.protocol import (
    AgentTask,
    Answered,
    AnyAgentEvent,
    Asks,
    Ended,
    Launch,
    Message,
    Spent,
    Trouble,
)
from engine.agents.rendering import shortened

NAME: Final = "command"
PLACEHOLDERS: Final = ("prompt", "tree", "answer", "folder")
_DETAIL_CHARACTERS: Final = 500


def answer_file(task: AgentTask) -> Path:
    """Where a command may write its answer."""
    return task.out / "answer"


class CommandAgent:
    """A command of the campaign as an agent.

    Args:
        run: the words of the command; `{prompt}`, `{tree}`, `{answer}` and `{folder}` are replaced
            by paths. The prompt is also its standard input.
    """

    def __init__(self, run: Sequence[str]) -> None:
        self._run = tuple(run)

    def launch(self, task: AgentTask) -> Launch:
        """How it is started; its variables are the task's, secrets included: it is its own tool.

        Raises:
            OSError: its folder cannot be made.
        """
        paths = {
            "prompt": task.prompt,
            "tree": task.tree,
            "answer": answer_file(task),
            "folder": task.out,
        }
        task.out.mkdir(parents=True, exist_ok=True)
        return Launch(
            argv=tuple(_filled(word, paths) for word in self._run), env=asking.env_of(task)
        )

    def reader(self, task: AgentTask) -> "EventLines":
        """A reader of its lines."""
        return EventLines(answer_file(task), task.model or "")


def _filled(word: str, paths: dict[str, Path]) -> str:
    for name, path in paths.items():
        word = word.replace(f"{{{name}}}", str(path))
    return word


class EventLines:
    """Reads lines that are text, or events of ours as JSON.

    Args:
        answer: the file in which the program may leave its answer.
        model: the model of what is spent, where a line does not name it.
    """

    def __init__(self, answer: Path, model: str = "") -> None:
        self._answer = answer
        self._model = model
        self._last = ""
        self._said: Answered | None = None
        self._ended: Ended | None = None

    def read(self, line: bytes) -> list[AnyAgentEvent]:
        """The event that a line is, or the line as a message."""
        event = _event_in(line)
        match event:
            case Ended():
                self._ended = event
                return []
            case Answered():
                self._said = event
                return []
            case Spent():
                return _sound(event, self._model)
            case Asks():
                return [asking.sound(event)]
            case Message():
                self._last = event.text
            case _:
                pass
        return [event]

    def look(self) -> list[AnyAgentEvent]:
        """Nothing: all that it tells is in its lines."""
        return []

    def close(self, exit_code: int | None, errors: str) -> list[AnyAgentEvent]:
        """Its answer and its end: exit status 0 is an answer, unless it said otherwise."""
        ended = self._ended or _end(exit_code, errors)
        if ended.outcome != "answered":
            return [ended]
        return [self._answered(), ended]

    def _answered(self) -> Answered:
        text = _content(self._answer)
        if text is None:
            if self._said is not None:
                return self._said
            text = self._last
        return Answered(text=text, structured=answers.structured_in(text))


def _event_in(line: bytes) -> AnyAgentEvent:
    if line.startswith(b"{"):
        try:
            return msgspec.json.decode(line, type=AnyAgentEvent)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            pass  # JSON of its own is text to us
    return Message(text=shortened(line.decode(errors="replace").rstrip("\r")))


def _sound(event: Spent, model: str) -> list[AnyAgentEvent]:
    numbers = msgspec.structs.astuple(event.tokens)
    if min(numbers) < 0 or not 0 <= (event.cost_usd or 0.0) < float("inf"):
        return [Trouble(text="it says that it spent less than nothing; not counted")]
    return [msgspec.structs.replace(event, model=event.model or model)]


def _content(path: Path) -> str | None:
    """What an ordinary file holds; a link would lead out of the sandbox, a pipe would never end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(answers.LONGEST_CHARACTERS).decode(errors="replace").strip()


def _end(exit_code: int | None, errors: str) -> Ended:
    if exit_code == 0:
        return Ended(outcome="answered")
    return Ended(outcome="crashed", detail=end_detail(exit_code, errors))


def end_detail(exit_code: int | None, errors: str) -> str:
    """Why a program failed, as far as its exit status and its standard error tell."""
    if exit_code is None:
        how = "it was ended"
    elif exit_code < 0:
        how = f"ended by signal {-exit_code}"
    else:
        how = f"exit status {exit_code}"
    last = [line.strip() for line in errors.splitlines() if line.strip()][-3:]
    return ": ".join([how, "; ".join(last)[-_DETAIL_CHARACTERS:]]) if last else how
