"""What a person reads of an agent's work."""

import pytest

from engine.agents.protocol import (
    Answered,
    AnyAgentEvent,
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
from engine.agents.rendering import rendered, shortened
from engine.core.parts import Tokens


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Began(session="s", model="m"), "* began m s\n"),
        (Began(), "* began\n"),
        (Message(text="one\ntwo"), "one\ntwo\n"),
        (Message(text=""), ""),
        (Reasoning(text="one\ntwo"), "~ one\n  two\n"),
        (ToolStarted(id="1", tool="shell", text="ls\nls"), "$ ls\n  ls\n"),
        (ToolStarted(id="1", tool="Read", text="a.py"), "> Read a.py\n"),
        (ToolOutput(id="1", text="part"), "part\n"),
        (ToolFinished(id="1", ok=True, text="out\n"), "out\n"),
        (ToolFinished(id="1", ok=True), ""),
        (ToolFinished(id="1", ok=False, exit_code=3, text="out"), "out\n! exit status 3\n"),
        (ToolFinished(id="1", ok=False), "! failed\n"),
        (FileChanged(path="a.py", kind="add"), "* add a.py\n"),
        (Spent(tokens=Tokens(input=5, output=2)), "* 5 tokens in, 2 out\n"),
        (Spent(tokens=Tokens(input=5), cost_usd=0.25), "* 5 tokens in, 0 out, $0.2500\n"),
        (Billed(cost_usd=1), "* all of it cost $1.0000\n"),
        (Trouble(text="x"), "! x\n"),
        (Answered(text="x"), "= x\n"),
        (Ended(outcome="limited", detail="later"), "* ended: limited later\n"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_each_event_has_its_lines(event: AnyAgentEvent, text: str) -> None:
    assert rendered(event) == text


def test_a_long_text_loses_its_middle() -> None:
    text = "a" * 5000 + "b" * 5000
    short = shortened(text, 100)
    assert short == "a" * 50 + "\n[... 9900 characters left out ...]\n" + "b" * 50
    assert shortened("a" * 100, 100) == "a" * 100
