"""What a person or a screen may ask of a run: frozen, tagged, in the imperative."""

from typing import Final

import msgspec

from engine.core.ids import (
    ApprovalId,
    CandidateId,
    CommandId,
    DirectiveId,
    IterationNumber,
    JobId,
    StashId,
    TodoId,
)


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="command"):
    """A wish; the engine answers it with an event."""


class Pause(Command, frozen=True, kw_only=True, tag="pause"):
    """Start no new step; with `now`, also interrupt the steps that run (they are done again)."""

    reason: str = ""
    now: bool = False


class Resume(Command, frozen=True, kw_only=True, tag="resume"):
    """Start steps again."""


class Stop(Command, frozen=True, kw_only=True, tag="stop"):
    """Drain and end the engine; with `now`, interrupt the steps that run."""

    reason: str = ""
    now: bool = False


class AddDirective(Command, frozen=True, kw_only=True, tag="directive add"):
    """Steer the prompts from the next one on; `source` says where the text came from."""

    title: str
    text: str
    source: str = "person"


class EditDirective(Command, frozen=True, kw_only=True, tag="directive edit"):
    """Let a directive say something else from the next prompt on."""

    directive: DirectiveId
    text: str


class RetireDirective(Command, frozen=True, kw_only=True, tag="directive retire"):
    """Keep a directive out of prompts from now on."""

    directive: DirectiveId
    reason: str = ""


class Stash(Command, frozen=True, kw_only=True, tag="stash"):
    """Put aside what is under way in an iteration, the only open one unless named."""

    iteration: IterationNumber | None = None
    reason: str = ""


class RestoreStash(Command, frozen=True, kw_only=True, tag="stash restore"):
    """Go on with a stash in a new iteration."""

    stash: StashId


class DropStash(Command, frozen=True, kw_only=True, tag="stash drop"):
    """Forget a stash."""

    stash: StashId


class Approve(Command, frozen=True, kw_only=True, tag="approve"):
    """Let an agent do what it asks."""

    approval: ApprovalId
    reason: str = ""


class Refuse(Command, frozen=True, kw_only=True, tag="refuse"):
    """Do not let an agent do what it asks."""

    approval: ApprovalId
    reason: str = ""


class AddTodo(Command, frozen=True, kw_only=True, tag="todo add"):
    """Let a piece of work be in the queue."""

    text: str


class EditTodo(Command, frozen=True, kw_only=True, tag="todo edit"):
    """Describe a piece of work in other words."""

    todo: TodoId
    text: str


class ResolveTodo(Command, frozen=True, kw_only=True, tag="todo resolve"):
    """Take a piece of work off the queue."""

    todo: TodoId
    reason: str = ""


class Review(Command, frozen=True, kw_only=True, tag="mentor"):
    """Let the mentor look now."""


class AcceptChampion(Command, frozen=True, kw_only=True, tag="champion accept"):
    """Let a candidate be the champion, whatever the referee said of it."""

    candidate: CandidateId
    reason: str


class RejectChampion(Command, frozen=True, kw_only=True, tag="champion reject"):
    """Let a candidate not be champion any more, nor again; the champion, unless named."""

    candidate: CandidateId | None = None
    reason: str


class Finish(Command, frozen=True, kw_only=True, tag="finish"):
    """Bring the run to its end: freeze, final rounds, leaders measured again, report, shutdown.

    `activate_at` and `deadline` are UTC, ISO 8601: without the first it begins at once, without the
    second it takes `minutes`. What is None is as the campaign says.
    """

    activate_at: str | None = None
    deadline: str | None = None
    minutes: float | None = None
    final_rounds: int | None = None
    top_k: int | None = None
    note: str = ""
    report_only: bool = False


class CancelFinish(Command, frozen=True, kw_only=True, tag="finish cancel"):
    """Let the run go on as if no finish had been planned."""


class StopJob(Command, frozen=True, kw_only=True, tag="job stop"):
    """End a detached job; its iteration is inconclusive then."""

    job: JobId
    reason: str = ""


AnyCommand = (
    Pause
    | Resume
    | Stop
    | AddDirective
    | EditDirective
    | RetireDirective
    | Stash
    | RestoreStash
    | DropStash
    | Approve
    | Refuse
    | AddTodo
    | EditTodo
    | ResolveTodo
    | Review
    | AcceptChampion
    | RejectChampion
    | Finish
    | CancelFinish
    | StopJob
)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it lies in the inbox."""

    id: CommandId
    by: str
    command: AnyCommand


_DECODER: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)


def encode(envelope: Envelope) -> bytes:
    """The envelope as JSON."""
    return msgspec.json.encode(envelope)


def decode(text: bytes) -> Envelope:
    """The envelope in `text`.

    Raises:
        msgspec.DecodeError: it is not JSON, or not a command that this version knows.
    """
    return _DECODER.decode(text)


def name_of(command: AnyCommand) -> str:
    """The command's name as a person types it."""
    return str(command.__struct_config__.tag)
