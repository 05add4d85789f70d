"""A model without a program: the prompt goes to its service, and its answer comes back.

For roles that only answer, such as the mentor: it edits no files. The library that speaks to the
services, pydantic-ai, is an extra of the distribution (`llm`) and runs in a process of its own.
"""

import importlib.util
import sys
from typing import Final

from engine.agents import programs
from engine.agents.command import EventLines, answer_file
from engine.agents.protocol import AgentMissingError, AgentTask, Launch

NAME: Final = "llm"
LIBRARY: Final = "pydantic_ai"
INSTALL: Final = "{python} -m pip install 'pydantic-ai-slim[openai,anthropic]'"


def command_to_install() -> str:
    """What installs the library where controlroom is installed."""
    return INSTALL.replace("{python}", sys.executable)


def missing_library(library: str = LIBRARY) -> str:
    """What to do where the library is not installed; empty where it is."""
    if importlib.util.find_spec(library) is not None:
        return ""
    return f"it needs the library {library}, which is not installed: {command_to_install()}"


class Llm:
    """Asks a model by its service.

    Args:
        library: the module that has to be there; another one in tests.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        self._library = library

    def launch(self, task: AgentTask) -> Launch:
        """How the program is started that asks.

        Raises:
            AgentMissingError: the library is not installed, or no model is named.
        """
        if problem := missing_library(self._library):
            raise AgentMissingError(problem)
        if task.model is None:
            raise AgentMissingError("the agent llm needs a model, such as openai:gpt-5.5")
        words = ["--model", task.model]
        words += [] if task.effort is None else ["--effort", task.effort]
        words += [] if task.answer_schema is None else ["--schema", str(task.answer_schema)]
        words += ["--web-search"] if task.network else []
        # Not from the tree: what lies there must not stand in for what the program imports.
        program = (sys.executable, "-P", "-m", "engine.agents.llm_program")
        return Launch(
            argv=(*program, *words, *task.options),
            env=task.env,
            read=programs.of_ours(),
        )

    def reader(self, task: AgentTask) -> EventLines:
        """A reader of its events."""
        return EventLines(answer_file(task), name_of(task.model or ""))


def name_of(model: str) -> str:
    """A model's own name, by which its price is known: without the service before it."""
    return model.partition(":")[2] or model
