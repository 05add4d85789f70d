"""What a model does in a test: steps of its turns, faults of its service, and their order."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from tests.models.usage import Usage

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"


class Think(msgspec.Struct, frozen=True):
    """The model shows a piece of its reasoning."""

    text: str


class Say(msgspec.Struct, frozen=True):
    """The model says something to the person. A text without spaces is sent as one long line."""

    text: str


class Shell(msgspec.Struct, frozen=True):
    """The model runs a shell command with the agent's own tool, which waits so long for it."""

    command: str
    wait_s: float = 20.0


class Read(msgspec.Struct, frozen=True):
    """The model reads a file: some agents let it edit only what it has read."""

    path: str


class Edit(msgspec.Struct, frozen=True):
    """The model replaces whole lines of a file with the agent's own tool."""

    path: str
    old: str
    new: str


class Create(msgspec.Struct, frozen=True):
    """The model writes a new file with the agent's own tool."""

    path: str
    text: str


class Answer(msgspec.Struct, frozen=True):
    """The model ends its work: with a text, or with an object where an output schema was given."""

    content: "str | Mapping[str, Json]"


Step = Think | Say | Shell | Read | Edit | Create | Answer


class Turn(msgspec.Struct, frozen=True):
    """One model call that succeeds: what the model does, its cost, and extra response headers.

    `pace_s` is the time between two pieces of the stream.
    """

    steps: tuple[Step, ...]
    usage: Usage = Usage()
    headers: dict[str, str] = {}
    pace_s: float = 0.0


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The service answers with an error status; `kind` is its own name for the error."""

    status: int
    kind: str = "mock_error"
    message: str = "the script says so"
    headers: dict[str, str] = {}
    times: int | None = 1


class UsageLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The plan is used up until a moment (seconds since 1970), or until nobody says when."""

    resets_at_s: int | None = None
    times: int | None = 1


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """The service goes silent: before the response's headers, or in the middle of the stream.

    It stays so for `lasts_s`, or until the server closes, and then drops the connection.
    """

    in_stream: bool
    lasts_s: float = 600.0
    usage: Usage = Usage()
    times: int | None = 1


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """The connection drops in the middle of the stream."""

    usage: Usage = Usage()
    times: int | None = 1


class Garbage(msgspec.Struct, frozen=True, kw_only=True):
    """The stream holds no JSON, in one line of so many bytes; then it ends."""

    line_bytes: int = 40
    times: int | None = 1


class StreamError(msgspec.Struct, frozen=True, kw_only=True):
    """The service reports an error as an event of a stream that began well."""

    kind: str
    message: str
    times: int | None = 1


Fault = Refusal | UsageLimit | Stall | Cut | Garbage | StreamError
"""A request that fails. `times` requests in a row fail so; None means that all do from then on."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """What the model can see of a request."""

    prompt: str
    """All that the person and the agent's program wrote to the model."""
    turns: int
    """How many turns of the model are in it already."""
    results: tuple[str, ...]
    """What its tools gave back."""
    model: str
    structured: bool
    """Whether an answer of a given form is asked for."""
    streamed: bool
    tooled: bool
    """Whether the model is given tools; a question without any is beside the agent's work."""


Choice = Callable[[Conversation], Turn | Fault | None]
Script = Sequence[Turn | Fault] | Choice
"""Turns and faults in order; or a choice by the conversation, whose None means: nothing fits."""


def rate_limited(*, retry_after_s: int | None = None, times: int | None = 1) -> Refusal:
    """Too many requests just now."""
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    text = "Rate limit reached for requests"
    return Refusal(status=429, kind="rate_limit_error", message=text, headers=headers, times=times)


def server_error(*, times: int | None = 1) -> Refusal:
    """The service broke down over a request."""
    return Refusal(status=500, kind="api_error", message="Internal server error", times=times)


def unauthorized(*, times: int | None = 1) -> Refusal:
    """The key is not accepted."""
    return Refusal(status=401, kind="authentication_error", message="invalid API key", times=times)


def follow(turns: Sequence[Turn]) -> Choice:
    """A choice for any number of agents at once: each gets the turn that its conversation is at."""

    def choose(conversation: Conversation) -> Turn | None:
        return turns[conversation.turns] if conversation.turns < len(turns) else None

    return choose


class InOrder:
    """A choice that hands out turns and faults in their order, whatever is asked."""

    def __init__(self, script: Sequence[Turn | Fault]) -> None:
        self._script = script
        self._position = 0
        self._given = 0

    def __call__(self, _conversation: Conversation) -> Turn | Fault | None:
        """What the next request gets."""
        if self._position == len(self._script):
            return None
        chosen = self._script[self._position]
        self._given += 1
        times = 1 if isinstance(chosen, Turn) else chosen.times
        if self._given == times:
            self._position, self._given = self._position + 1, 0
        return chosen
