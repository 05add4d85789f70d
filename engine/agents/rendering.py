"""What an agent did, as a person reads it in the log of an iteration."""

from typing import Final, assert_never

from engine.agents.protocol import (
    Answered,
    AnyAgentEvent,
    Asks,
    Began,
    Billed,
    Ended,
    FileChanged,
    Message,
    Reasoning,
    Spent,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    Trouble,
)

SHOWN_CHARACTERS: Final = 4000


def rendered(event: AnyAgentEvent) -> str:
    """The event in lines of text, each with its end; empty for what need not be shown."""
    text = _text(event)
    return text if not text or text.endswith("\n") else text + "\n"


def shortened(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """The text, with its middle left out when it is longer than about `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _text(event: AnyAgentEvent) -> str:
    match event:
        case Began():
            return " ".join(word for word in ("* began", event.model, event.session) if word)
        case Message() | ToolOutput():
            return shortened(event.text)
        case Reasoning():
            return _marked("~ ", event.text)
        case ToolStarted():
            return _marked("$ " if event.tool == "shell" else f"> {event.tool} ", event.text)
        case ToolFinished():
            return _finished(event)
        case FileChanged():
            return f"* {event.kind} {event.path}"
        case Spent():
            return _spent(event)
        case Billed():
            return f"* all of it cost ${event.cost_usd:.4f}"
        case Asks() | Trouble() | Answered():
            return _turning_point(event)
        case Ended():
            return " ".join(word for word in ("* ended:", event.outcome, event.detail) if word)
        case _:
            assert_never(event)


def _turning_point(event: Asks | Trouble | Answered) -> str:
    match event:
        case Asks():
            text = f"{event.text}\n(a person is asked; after {event.wait_s:g} s: {event.default})"
            return _marked("? ", text)
        case Trouble():
            return _marked("! ", event.text)
        case Answered():
            return _marked("= ", event.text)
        case _:
            assert_never(event)


def _marked(mark: str, text: str) -> str:
    return mark + shortened(text).replace("\n", "\n" + " " * len(mark))


def _finished(event: ToolFinished) -> str:
    text = shortened(event.text)
    if event.ok:
        return text
    status = "failed" if event.exit_code is None else f"exit status {event.exit_code}"
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}! {status}"


def _spent(event: Spent) -> str:
    cost = "" if event.cost_usd is None else f", ${event.cost_usd:.4f}"
    return f"* {event.tokens.input} tokens in, {event.tokens.output} out{cost}"
