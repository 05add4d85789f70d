r"""The script of a scripted agent: what it does in each iteration.

A script is a YAML (or JSON) file. Iteration 1 of a run is the baseline, so an agent's first one is
2. Steps are played from top to bottom; each is one key and its value:

    model: scripted-1                # optional: the model that it says it is
    iterations:
      2:                             # the steps of iteration 2
        - think: The inner loop is short.
        - say: I halve the chunk.
        - replace: {file: kernel.py, old: "CHUNK = 128", new: "CHUNK = 64"}
        - spend: {input: 1200, output: 80, usd: 0.01}
        - answer: {choice: 1, hypothesis: a smaller chunk fits}
      3/1: [{limit: 2s}]             # only the first attempt at iteration 3: a usage limit
      3: [{write: {file: notes.md, text: "tried\n"}}]
    otherwise:                       # every other iteration; without it, nothing is done
      - say: I have nothing left to try.

`iterations` may also be a list, whose first entry is played in iteration `first` (2 if it is not
given); `after` then says what follows the last entry: `end` (do nothing), `repeat` (the last entry
again) or `cycle` (from the first entry on). In texts, `{iteration}` and `{attempt}` are replaced.

| step | what it does |
| --- | --- |
| say, think: TEXT | tells a message, a reasoning |
| replace: {file, old, new} | replaces `old`, which must be there exactly once |
| substitute: {file, pattern, new} | replaces what a regular expression finds, which must be there |
| write: {file, text}, append: {file, text} | makes or extends a file, and its folders |
| delete: FILE | removes a file |
| run: COMMAND | runs it by the shell in the tree, and tells its output and exit status |
| commit: MESSAGE | commits everything in the tree |
| spend: {input, output, cached_input, cache_write, reasoning, usd, model} | tells what was used |
| answer: TEXT or {…} | tells its answer; a mapping becomes JSON |
| ask: {text, default, wait} | asks a person, waits, and tells the answer (`asking` says how) |
| trouble: TEXT, or retry: TEXT | tells a trouble, or that it tries again to reach its provider |
| sleep: 250ms | waits |
| wait_for: FILE | waits until there is such a file |
| hang: true, or hang: child | waits for ever, or leaves a child in a session of its own as well |
| print: TEXT, errors: TEXT | prints a line as it is, to its output or to standard error |
| line: 1000000 | prints one line of that many bytes |
| garbage: 1000 | prints that many bytes that are no text, the same each time |
| limit: 2s, or limit: TIME (ISO 8601), or limit: unknown | ends with a usage limit until then |
| fail: {outcome, detail} | ends with an outcome such as unreachable, login or crashed |
| exit: 3 | ends with that status |
| kill: true | kills itself, as a crash does |
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

import msgspec
import yaml

from engine.core.duration import parse_duration
from engine.core.parts import AgentOutcome, Tokens

FIRST: Final = 2
T = TypeVar("T")


class ScriptError(Exception):
    """A script that cannot be played; the text says where it is wrong and what would be right."""


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuses what it does not know."""


class Replace(_Strict, frozen=True, kw_only=True):
    """Put `new` in the place of `old`."""

    file: str
    old: str
    new: str


class Substitute(_Strict, frozen=True, kw_only=True):
    r"""Put `new` in the place of what `pattern` finds; `\1` stands for a group."""

    file: str
    pattern: str
    new: str


class Text(_Strict, frozen=True, kw_only=True):
    """Text for a file."""

    file: str
    text: str


class Spend(_Strict, frozen=True, kw_only=True):
    """What a model call used."""

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    usd: float | None = None
    model: str = ""

    @property
    def tokens(self) -> Tokens:
        """Its tokens."""
        return Tokens(
            input=self.input,
            cached_input=self.cached_input,
            cache_write=self.cache_write,
            output=self.output,
            reasoning=self.reasoning,
        )


class Ask(_Strict, frozen=True, kw_only=True):
    """A question to a person; after `wait`, a duration, the default holds."""

    text: str
    default: Literal["approve", "refuse"] = "refuse"
    wait: str = "60s"

    @property
    def wait_s(self) -> float:
        """How long an answer is waited for.

        Raises:
            ValueError: it is no duration.
        """
        return parse_duration(self.wait)


class Fail(_Strict, frozen=True, kw_only=True):
    """How it ends."""

    outcome: AgentOutcome
    detail: str = ""


Value: TypeAlias = (
    str | int | bool | dict[str, Any] | Replace | Substitute | Text | Spend | Ask | Fail
)

KINDS: Final[Mapping[str, Any]] = {
    "say": str, "think": str, "run": str, "commit": str, "delete": str, "wait_for": str,
    "trouble": str, "retry": str, "print": str, "errors": str, "sleep": str, "limit": str,
    "replace": Replace, "substitute": Substitute, "write": Text, "append": Text,
    "spend": Spend, "ask": Ask, "fail": Fail, "answer": str | dict[str, Any],
    "hang": bool | str, "kill": bool,
    "line": int, "garbage": int, "exit": int,
}  # fmt: skip


class Step(msgspec.Struct, frozen=True):
    """One thing to do; `place` says where it stands, for messages."""

    kind: str
    value: Value
    place: str


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A script that was read. Keys of `turns` are `N` or `N/ATTEMPT`."""

    model: str
    turns: dict[str, list[Step]]
    otherwise: list[Step]
    first: int = FIRST
    count: int = 0
    after: Literal["end", "repeat", "cycle"] = "end"

    def steps(self, iteration: int, attempt: int) -> list[Step]:
        """What is done in an attempt at an iteration."""
        for key in (f"{iteration}/{attempt}", str(iteration)):
            if key in self.turns:
                return self.turns[key]
        past = iteration - self.first
        if self.count and past >= self.count and self.after != "end":
            at = self.count - 1 if self.after == "repeat" else past % self.count
            return self.turns[str(self.first + at)]
        return self.otherwise


class _Form(_Strict, frozen=True, kw_only=True):
    """The keys of a script."""

    iterations: list[object] | dict[str, object]
    model: str = "scripted"
    first: int = FIRST
    after: Literal["end", "repeat", "cycle"] = "end"
    otherwise: list[object] = []


def read_script(path: Path) -> Script:
    """The script in a file.

    Raises:
        ScriptError: it cannot be read, or something in it is not as it has to be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"the script {path} cannot be read: {error}") from error
    try:
        return parse_script(text)
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from error


def parse_script(text: str) -> Script:
    """The script that a text is.

    Raises:
        ScriptError: something in it is not as it has to be.
    """
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ScriptError(f"not YAML: {error}") from error
    form = _as(data, _Form, "the script")
    listed = form.iterations if isinstance(form.iterations, list) else []
    turns = {str(form.first + at): steps for at, steps in enumerate(listed)}
    if isinstance(form.iterations, dict):
        turns = form.iterations
    return Script(
        model=form.model,
        turns={key: _steps(steps, f"iteration {_key(key)}") for key, steps in turns.items()},
        otherwise=_steps(form.otherwise, "otherwise"),
        first=form.first,
        count=len(listed),
        after=form.after,
    )


class _Loader(yaml.SafeLoader):
    """Reads keys as texts, each of which is there once."""


def _text(_: _Loader, node: yaml.ScalarNode) -> str:
    return str(node.value)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, object]:
    found: dict[str, object] = {}
    pairs: Sequence[tuple[yaml.Node, yaml.Node]] = node.value
    construct = cast("Callable[..., object]", loader.construct_object)  # pyright: ignore[reportUnknownMemberType]
    for key, value in pairs:
        name = str(key.value)
        if name in found:
            line = key.start_mark.line + 1
            raise yaml.YAMLError(f"line {line}: the key {name} is there twice")
        found[name] = construct(value, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def _key(key: str) -> str:
    if not all(part.isdecimal() for part in key.split("/", 1)):
        raise ScriptError(f"iterations: {key!r} is no iteration; write 7, or 7/2 for its attempt 2")
    return key


def _steps(data: object, place: str) -> list[Step]:
    if data is None:
        return []
    if not isinstance(data, list):
        raise ScriptError(f"{place}: a list of steps is wanted; begin each with a dash")
    items = cast("list[object]", data)
    return [_step(item, f"{place}, step {number}") for number, item in enumerate(items, 1)]


def _step(data: object, place: str) -> Step:
    parts = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    if len(parts) != 1:
        raise ScriptError(f"{place}: a step is one key and its value, such as `say: hello`")
    ((kind, value),) = parts.items()
    if kind not in KINDS:
        raise ScriptError(f"{place}: there is no step {kind!r}; there are {', '.join(KINDS)}")
    step = Step(kind, _as(value, KINDS[kind], f"{place}, {kind}"), place)
    if kind in ("sleep", "limit"):
        seconds(step, 0.0)
    if isinstance(step.value, Ask):
        _check_wait(step.value, place)
    return step


def _check_wait(value: Ask, place: str) -> None:
    try:
        value.wait_s  # noqa: B018
    except ValueError as error:
        raise ScriptError(f"{place}, wait: {error}") from error


def seconds(step: Step, now_s: float) -> float | None:
    """When a `sleep` or `limit` step ends, for the time `now_s`; None for `unknown`.

    Raises:
        ScriptError: it is no time.
    """
    text = str(step.value)
    if step.kind == "limit" and text == "unknown":
        return None
    try:
        return now_s + parse_duration(text)
    except ValueError as error:
        if step.kind == "sleep":
            raise ScriptError(f"{step.place}: {error}") from error
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise ScriptError(f"{step.place}: {text!r} is no duration and no ISO time") from error


def _as(data: object, kind: type[T], place: str) -> T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ScriptError(f"{place}: {error}") from error
