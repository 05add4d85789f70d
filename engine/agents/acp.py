"""Any agent that speaks the Agent Client Protocol, version 1, on its standard input and output.

The campaign's `command` starts it. `options` are words for the bridge that speaks with it, which
asks unless told otherwise:

| words | meaning |
| --- | --- |
| --permissions ask | work on files of the tree is allowed, a person is asked all else |
| --permissions allow | everything is allowed |
| --permissions refuse | work on files of the tree is allowed, all else refused |
| --wait 60s | how long a person is waited for; then it is refused |
"""

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Final

from engine.agents import programs
from engine.agents.command import CommandAgent, EventLines, answer_file
from engine.agents.protocol import AgentMissingError, AgentTask, Launch

NAME: Final = "acp"


class Acp:
    """An agent behind the protocol.

    Args:
        run: the words of its command; placeholders as for any command.
    """

    def __init__(self, run: Sequence[str]) -> None:
        self._command = CommandAgent(run)

    def launch(self, task: AgentTask) -> Launch:
        """How the bridge is started, which starts the agent.

        Raises:
            AgentMissingError: its program is not on this machine.
        """
        inner = self._command.launch(task)
        program = inner.argv[0] if inner.argv else ""
        if os.sep not in program and not shutil.which(program, path=task.env.get("PATH")):
            raise AgentMissingError(f"there is no program {program!r} on PATH; install it")
        # Not from the tree: what lies there must not stand in for what the program imports.
        bridge = (sys.executable, "-P", "-m", "engine.agents.acp_bridge")
        wishes = [f"--model={task.model}"] if task.model else []
        wishes += [f"--effort={task.effort}"] if task.effort else []
        words = (*bridge, *wishes, *task.options, "--", *inner.argv)
        return Launch(argv=words, env=inner.env, read=programs.of_ours(), programs=inner.argv[:1])

    def reader(self, task: AgentTask) -> EventLines:
        """A reader of the bridge's events."""
        return EventLines(answer_file(task), task.model or "")
