"""The page about agents: its commands and its campaign are real."""

import re
import shlex
from pathlib import Path

import click
import pytest

from engine.cli.main import main
from engine.core.campaign.load import load_campaign
from tests.driving import REPOSITORY

PAGE = (REPOSITORY / "docs" / "agents.md").read_text()


def blocks(kind: str) -> list[str]:
    """What stands in the page's blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    """The command lines of the page, those inside of sentences too."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    inline = [text for text in re.findall(r"`(controlroom [^`]+)`", PAGE) if text.islower()]
    return [*lines, *inline, *re.findall(r"`(controlroom login AGENT[^`]*)`", PAGE)]


def test_there_are_commands_to_look_at() -> None:
    assert len(commands()) > 20


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_page_is_one(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert words[0] == "controlroom"
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group):
        context = click.Context(command, resilient_parsing=True)
        name = rest[0] if rest[0] in command.commands else "put"
        rest = rest[1:] if rest[0] in command.commands else rest
        found = command.get_command(context, name)
        assert found is not None, line
        command = found
    if "--help" not in rest:
        command.make_context(words[1], rest)


def test_the_campaign_of_the_page_is_one(tmp_path: Path) -> None:
    (text, *_) = blocks("yaml")
    path = tmp_path / "climb.yaml"
    path.write_text(text)
    loaded = load_campaign(path)
    assert loaded.campaign.campaign == "climb"
    assert loaded.repo == tmp_path.resolve()
