"""What ends an engine against its will, in words and as an exit status."""

from typing import Final, cast

from engine.agents.protocol import AgentMissingError
from engine.agents.script import ScriptError
from engine.checks.interpreter import EnvironmentFailedError
from engine.journal import JournalError
from engine.knowledge.directives import DirectiveError
from engine.knowledge.templates import TemplateError
from engine.workspace.protocol import WorkspaceError

INTERNAL_ERROR: Final = 1
WRONG: Final = 2
UNUSABLE: Final = 5


class EngineFailedError(Exception):
    """The engine cannot go on, for a reason outside of it; the text says why."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def failure_of(error: Exception) -> EngineFailedError | None:
    """What the error means for a person; None when it is a mistake of this program."""
    match first(error):
        case EnvironmentFailedError() as cause:
            return EngineFailedError(f"environment: {cause}", WRONG)
        case AgentMissingError() | ScriptError() | TemplateError() | DirectiveError() as cause:
            return EngineFailedError(f"agent: {cause}", WRONG)
        case WorkspaceError() as cause:
            return EngineFailedError(f"workspace: {cause}", UNUSABLE)
        case JournalError() as cause:
            return EngineFailedError(str(cause), UNUSABLE)
        case OSError() as cause:
            place = f"{cause.filename}: " if cause.filename else ""
            return EngineFailedError(f"{place}{cause.strerror or cause}", UNUSABLE)
        case _:
            return None


def first(error: BaseException) -> BaseException:
    """The error itself, or the first in a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
