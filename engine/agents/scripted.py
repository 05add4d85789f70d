"""A real agent without a model: it plays a script. For tests, demos and first steps."""

import sys
from pathlib import Path
from typing import Final

from engine.agents import asking, programs
from engine.agents.command import EventLines, answer_file
from engine.agents.protocol import AgentTask, Launch
from engine.agents.script import read_script

NAME: Final = "scripted"


class Scripted:
    """An agent that plays a script; see `engine.agents.script` for how one is written.

    Args:
        script: the script's file.

    Raises:
        ScriptError: it cannot be played; the text says why.
    """

    def __init__(self, script: Path) -> None:
        self._script = script.absolute()
        read_script(self._script)

    def launch(self, task: AgentTask) -> Launch:
        """How the player is started."""
        # Not from the tree: what lies there must not stand in for what the program imports.
        program = (sys.executable, "-P", "-m", "engine.agents.scripted_program")
        return Launch(
            argv=(*program, str(self._script)),
            env=asking.env_of(task),
            read=programs.of_ours(),
        )

    def reader(self, task: AgentTask) -> EventLines:
        """A reader of its events."""
        return EventLines(answer_file(task), task.model or "")
