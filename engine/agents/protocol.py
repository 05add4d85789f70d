"""What every agent can do: say how it is started, and read what its program prints."""

from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec

from engine.core.parts import AgentOutcome, Tokens

ITERATION_VARIABLE: Final = "CONTROLROOM_ITERATION"
ATTEMPT_VARIABLE: Final = "CONTROLROOM_ATTEMPT"


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """The sandbox of ours that an agent's program runs in, beside what its attempt itself needs.

    `read` and `write` are shown, `hide` is masked wherever it would be, `hide_in_tree` within the
    agent's own tree; where what its program needs is looked up, no folder that holds `person`, the
    person's home, is shown for it. Without `network` it has none at all, and its model cannot be
    reached. With `nesting` it may make sandboxes of its own within, which can have a /proc of their
    own where `own_proc` says so.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    hide: tuple[Path, ...] = ()
    hide_in_tree: tuple[Path, ...] = ()
    person: Path | None = None
    network: bool = True
    nesting: bool = True
    own_proc: bool = False


class AgentTask(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of an agent at one iteration.

    `tree` is the working tree that it may change, and the folder in which it is started; `folder`
    holds the attempt's own files and lies outside of it; `home` is the isolated home, which holds
    the login. `env` is the allow-listed environment, secrets included, with `ITERATION_VARIABLE`
    and `ATTEMPT_VARIABLE`; `secrets` names those variables of it that are blacked out in all that
    is written, and that the agent's tools must not see. `options` are further words for the
    program's command line. Without `confinement` the program runs with the person's rights;
    `unconfined` then says why, which is told in the attempt.
    """

    prompt: Path
    tree: Path
    folder: Path
    home: Path
    env: dict[str, str]
    secrets: tuple[str, ...] = ()
    model: str | None = None
    effort: str | None = None
    answer_schema: Path | None = None
    budget_usd: float | None = None
    network: bool = False
    options: tuple[str, ...] = ()
    confinement: Confinement | None = None
    unconfined: str = ""

    @property
    def own_home(self) -> Path:
        """The home of this attempt, which its program may write."""
        return self.folder / "home"

    @property
    def out(self) -> Path:
        """The folder in which a program may leave what is neither the tree nor its home."""
        return self.folder / "out"


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent's program is started, in the tree; the prompt is its standard input.

    `read` and `write` are what its program needs in a sandbox, beside what all of them get;
    `programs` are others that it starts itself. One that `ends_at_once` is not asked to end.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    programs: tuple[str, ...] = ()
    ends_at_once: bool = False


class AgentEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that an agent did, in words that are the same for all agents."""


class Began(AgentEvent, frozen=True, kw_only=True, tag="began"):
    """A conversation was opened; `model` is what the program says that it uses."""

    session: str = ""
    model: str = ""


class Message(AgentEvent, frozen=True, kw_only=True, tag="message"):
    """It said something."""

    text: str


class Reasoning(AgentEvent, frozen=True, kw_only=True, tag="reasoning"):
    """It thought something, as far as the program shows it."""

    text: str


class ToolStarted(AgentEvent, frozen=True, kw_only=True, tag="tool_started"):
    """A tool begins; for a shell `text` is the command."""

    id: str
    tool: str
    text: str


class ToolOutput(AgentEvent, frozen=True, kw_only=True, tag="tool_output"):
    """A tool printed something while it runs."""

    id: str
    text: str


class ToolFinished(AgentEvent, frozen=True, kw_only=True, tag="tool_finished"):
    """A tool ended; `text` is what it printed and was not told before, cut to a few thousand."""

    id: str
    ok: bool
    exit_code: int | None = None
    text: str = ""


class FileChanged(AgentEvent, frozen=True, kw_only=True, tag="file_changed"):
    """The agent says that it changed a file; what counts is what the engine finds."""

    path: str
    kind: Literal["add", "update", "delete"]


class Spent(AgentEvent, frozen=True, kw_only=True, tag="spent"):
    """Tokens of model calls since the last event of this kind; never a running total.

    `cost_usd` is what the program itself says they cost; None where it does not say.
    """

    tokens: Tokens
    cost_usd: float | None = None
    model: str = ""


class Billed(AgentEvent, frozen=True, kw_only=True, tag="billed"):
    """What the program says in the end that all of it cost; it stands above what was reckoned."""

    cost_usd: float


class Asks(AgentEvent, frozen=True, kw_only=True, tag="asks"):
    """It asks a person, and waits for `answers/ID` in the attempt's folder: approve or refuse.

    `default` holds after `wait_s`; `id` is the program's own, and the name of a file.
    """

    id: str
    text: str
    default: Literal["approve", "refuse"] = "refuse"
    wait_s: float = 60.0


class Trouble(AgentEvent, frozen=True, kw_only=True, tag="trouble"):
    """Something went wrong; the agent may go on. `retrying`: it only tries again by itself."""

    text: str
    retrying: bool = False


class Answered(AgentEvent, frozen=True, kw_only=True, tag="answered"):
    """Its last word. `structured` is JSON where the program gave its answer as such."""

    text: str
    structured: str | None = None


class Ended(AgentEvent, frozen=True, kw_only=True, tag="ended"):
    """The program says how it ended; `retry_at` is in seconds since 1970, UTC."""

    outcome: AgentOutcome
    detail: str = ""
    retry_at: float | None = None


AnyAgentEvent = (
    Began
    | Message
    | Reasoning
    | ToolStarted
    | ToolOutput
    | ToolFinished
    | FileChanged
    | Spent
    | Billed
    | Asks
    | Trouble
    | Answered
    | Ended
)


class StreamReader(Protocol):
    """Turns the lines of one program run into events."""

    def read(self, line: bytes) -> list[AnyAgentEvent]:
        """The events in a line; a line that is garbage gives none, or Trouble, never an error."""
        ...

    def look(self) -> list[AnyAgentEvent]:
        """The events in what the program has written elsewhere since the last look.

        Called every half second. Cost: it must not take longer than some milliseconds.
        """
        ...

    def close(self, exit_code: int | None, errors: str) -> list[AnyAgentEvent]:
        """The last events, once the program has ended: among them exactly one Ended, the last.

        Args:
            exit_code: negative for a signal; None when the engine ended it.
            errors: the end of what it wrote to standard error.
        """
        ...


class Agent(Protocol):
    """A coding-agent program."""

    def launch(self, task: AgentTask) -> Launch:
        """How its program is started for the task; what it needs in the task's folder is made.

        Raises:
            AgentMissingError: the program is not on this machine; the text says what to install.
            OSError: the folder cannot be written.
        """
        ...

    def reader(self, task: AgentTask) -> StreamReader:
        """A reader for one run of the program."""
        ...


class AgentMissingError(Exception):
    """The agent's program is not there; the text says what to do."""
