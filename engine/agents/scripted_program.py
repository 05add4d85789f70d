"""The program of the scripted agent: it plays a script, and does for real what the script says.

It is started like every agent's program, and prints its events as JSON lines. Run it with the path
of a script; `engine.agents.script` explains scripts. Its exit status is 0 when it came to the end
of its steps, 2 when the script is broken or a step cannot be done.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import msgspec

from engine.agents import asking
from engine.agents.protocol import (
    ATTEMPT_VARIABLE,
    ITERATION_VARIABLE,
    Answered,
    AnyAgentEvent,
    Asks,
    Began,
    Ended,
    FileChanged,
    Message,
    Reasoning,
    Spent,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from engine.agents.script import (
    Ask,
    Fail,
    Replace,
    ScriptError,
    Spend,
    Step,
    Substitute,
    Text,
    read_script,
    seconds,
)

_BROKEN: Final = 2
_POLL_S: Final = 0.01
_FOR_EVER_S: Final = 1e6
_COMMIT_EPOCH_S: Final = 1_700_000_000
_NAME: Final = "scripted agent"


def main() -> int:
    """Play the script that is named on the command line."""
    sys.stdin.buffer.read()  # the prompt; a script already knows what to do
    player = Player(Path.cwd(), _number(ITERATION_VARIABLE), _number(ATTEMPT_VARIABLE))
    try:
        script = read_script(Path(sys.argv[1]))
        _tell(Began(session=f"{player.iteration}-{player.attempt}", model=script.model))
        for step in script.steps(player.iteration, player.attempt):
            player.play(step)
    except (ScriptError, OSError) as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201
        return _BROKEN
    return 0


def _number(variable: str) -> int:
    text = os.environ.get(variable, "1")
    return int(text) if text.isdecimal() else 1


def _tell(event: AnyAgentEvent) -> None:
    _print(msgspec.json.encode(event))


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


class Player:
    """Does the steps of a script.

    Args:
        tree: the tree in which it works.
        iteration: for `{iteration}` in texts.
        attempt: for `{attempt}` in texts.
    """

    def __init__(self, tree: Path, iteration: int, attempt: int) -> None:
        self.tree = tree
        self.iteration = iteration
        self.attempt = attempt
        self._tools = 0
        self._questions = 0
        self._play: Mapping[str, Callable[[Any], object]] = {
            "say": lambda text: _tell(Message(text=text)),
            "think": lambda text: _tell(Reasoning(text=text)),
            "trouble": lambda text: _tell(Trouble(text=text)),
            "retry": lambda text: _tell(Trouble(text=text, retrying=True)),
            "replace": self._replace,
            "substitute": self._substitute,
            "write": self._write,
            "append": self._append,
            "delete": self._delete,
            "run": self._run,
            "commit": self._commit,
            "spend": _spend,
            "answer": _answer,
            "wait_for": self._wait_for,
            "ask": self._ask,
            "hang": _hang,
            "print": lambda text: _print(text.encode()),
            "errors": lambda text: print(text, file=sys.stderr, flush=True),  # noqa: T201
            "line": lambda size: _tell(Message(text="x" * size)),
            "garbage": lambda size: _print(random.Random(0).randbytes(size)),  # noqa: S311
            "fail": _fail,
            "exit": sys.exit,
            "kill": _kill,
        }

    def play(self, step: Step) -> None:
        """Do one step.

        Raises:
            ScriptError: it cannot be done.
            OSError: a file cannot be read or written.
        """
        try:
            if step.kind == "sleep":
                time.sleep(seconds(step, 0.0) or 0.0)
            elif step.kind == "limit":
                _limit(seconds(step, time.time()))
            else:
                self._play[step.kind](_filled(step.value, self.iteration, self.attempt))
        except ScriptError as error:
            raise ScriptError(f"{step.place}, {step.kind}: {error}") from error

    def _replace(self, value: Replace) -> None:
        text = self._read(value.file)
        if text.count(value.old) != 1:
            raise ScriptError(f"{value.old!r} is {text.count(value.old)} times in {value.file}")
        self._store(value.file, text.replace(value.old, value.new))

    def _substitute(self, value: Substitute) -> None:
        try:
            found = re.compile(value.pattern, re.MULTILINE)
            text, count = found.subn(value.new, self._read(value.file))
        except re.error as error:
            raise ScriptError(f"not a regular expression: {error}") from error
        if not count:
            raise ScriptError(f"{value.pattern!r} finds nothing in {value.file}")
        self._store(value.file, text)

    def _write(self, value: Text) -> None:
        self._store(value.file, value.text)

    def _append(self, value: Text) -> None:
        path = self.tree / value.file
        self._store(value.file, (self._read(value.file) if path.exists() else "") + value.text)

    def _delete(self, file: str) -> None:
        (self.tree / file).unlink()
        _tell(FileChanged(path=file, kind="delete"))

    def _read(self, file: str) -> str:
        return (self.tree / file).read_text(encoding="utf-8")

    def _store(self, file: str, text: str) -> None:
        path = self.tree / file
        there = path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        _tell(FileChanged(path=file, kind="update" if there else "add"))

    def _run(self, command: str) -> int:
        return self._tool(command, ["/bin/sh", "-c", command], {})

    def _commit(self, message: str) -> None:
        person: dict[str, str] = {}
        for role in ("AUTHOR", "COMMITTER"):
            person[f"GIT_{role}_NAME"] = _NAME
            person[f"GIT_{role}_EMAIL"] = "scripted@localhost"
            person[f"GIT_{role}_DATE"] = f"{_COMMIT_EPOCH_S + self.iteration} +0000"
        self._tool("git add -A", ["git", "add", "-A"], person)
        words = ["git", "commit", "-q", "-m", message]
        if self._tool(f"git commit -m {message!r}", words, person) != 0:
            raise ScriptError("git made no commit")

    def _tool(self, shown: str, words: list[str], more: dict[str, str]) -> int:
        self._tools += 1
        name = f"tool-{self._tools}"
        _tell(ToolStarted(id=name, tool="shell", text=shown))
        done = subprocess.run(
            words,
            cwd=self.tree,
            env=os.environ | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        ok = done.returncode == 0
        _tell(ToolFinished(id=name, ok=ok, exit_code=done.returncode, text=text))
        return done.returncode

    def _wait_for(self, file: str) -> None:
        while not (self.tree / file).exists():
            time.sleep(_POLL_S)

    def _ask(self, value: Ask) -> None:
        self._questions += 1
        question = Asks(
            id=f"q-{self._questions}",
            text=value.text,
            default=value.default,
            wait_s=value.wait_s,
        )
        _tell(question)
        approved = asking.wait_answer(asking.answers_folder(), question)
        _tell(Message(text="approved" if approved else "refused"))


def _filled(value: Any, iteration: int, attempt: int) -> Any:
    """The value with its placeholders replaced in all texts."""
    if isinstance(value, str):
        return value.replace("{iteration}", str(iteration)).replace("{attempt}", str(attempt))
    if isinstance(value, msgspec.Struct):
        filled = _filled(msgspec.structs.asdict(value), iteration, attempt)
        return type(value)(**filled)
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return {name: _filled(part, iteration, attempt) for name, part in parts.items()}
    if isinstance(value, list):
        return [_filled(part, iteration, attempt) for part in cast("list[Any]", value)]
    return value


def _spend(value: Spend) -> None:
    _tell(Spent(tokens=value.tokens, cost_usd=value.usd, model=value.model))


def _answer(value: str | dict[str, Any]) -> None:
    if isinstance(value, str):
        _tell(Answered(text=value))
    else:
        text = msgspec.json.encode(value).decode()
        _tell(Answered(text=text, structured=text))


def _hang(how: object) -> NoReturn:
    if how == "child":
        subprocess.Popen(["sleep", str(int(_FOR_EVER_S))], start_new_session=True)
    while True:
        time.sleep(_FOR_EVER_S)


def _limit(until_s: float | None) -> NoReturn:
    _tell(Ended(outcome="limited", detail="the usage limit is reached", retry_at=until_s))
    sys.exit(1)


def _fail(value: Fail) -> NoReturn:
    _tell(Ended(outcome=value.outcome, detail=value.detail))
    sys.exit(1)


def _kill(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
