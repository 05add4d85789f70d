"""What a person or a screen may ask of a run: frozen, tagged, in the imperative."""

from typing import Final, assert_never

import msgspec

from engine.core.ids import CommandId


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


AnyCommand = Pause | Resume | Stop


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
    match command:
        case Pause():
            return "pause"
        case Resume():
            return "resume"
        case Stop():
            return "stop"
        case _:
            assert_never(command)
