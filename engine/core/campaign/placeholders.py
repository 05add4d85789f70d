"""The placeholders of a check's command: `{python}`, `{candidate}`, `{param.NAME}` and the like.

Only braces around one name are placeholders; `{{name}}` stands for `{name}` itself, and every other
brace is left alone, so that JSON, awk programs and `${HOME}` pass through.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Final

PLACEHOLDERS: Final = {
    "python": "the Python of `environment`",
    "candidate": "the path of the JSON file that describes the candidate",
    "result": "the path at which the check may write its result",
    "produced": "in a sealed check, the folder in which `produce` leaves files and `judge` finds "
    "them",
    "step_dir": "a folder for this iteration's scratch files, removed after its verdict",
    "seed": "the candidate's seed",
    "iteration": "the number of the iteration",
    "command": "the command of the worker's decision; where it stands alone, its words",
    "param.NAME": "the value of the parameter NAME, which must not have a `when`",
}
"""What each placeholder stands for."""

AGENT_PLACEHOLDERS: Final = {
    "prompt": "the path of the file that holds the prompt",
    "tree": "the folder that it may change, in which it is started",
    "answer": "the path at which it may write its answer, as the prompt asks for it",
    "folder": "a folder of this attempt's own, outside of the tree, that it may write",
}
"""The same for the command of an agent."""

_BRACED: Final = re.compile(r"\{\{[A-Za-z_][\w.-]*\}\}|(?<!\$)\{([A-Za-z_][\w.-]*)\}")


def placeholders(text: str) -> list[str]:
    """The names in braces in `text`, in their order."""
    return [match[1] for match in _BRACED.finditer(text) if match[1] is not None]


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with a value for every placeholder.

    Raises:
        KeyError: a placeholder has no value.
    """
    return _BRACED.sub(lambda found: _filled(found, values), text)


def fill_shell(text: str, values: Mapping[str, str]) -> str:
    """`text` for a shell: every value is one word, quoted where the shell would read into it."""
    return fill(text, {name: shlex.quote(value) for name, value in values.items()})


def with_command(text: str, command: str) -> str:
    """`text` with `{command}` replaced by the command as it is; its own placeholders stay."""
    return _BRACED.sub(lambda found: command if found[1] == "command" else found[0], text)


def split(text: str) -> list[str]:
    """The words of a command as a POSIX shell would part them; nothing is expanded.

    Raises:
        ValueError: a quotation is not closed.
    """
    return shlex.split(text)


def _filled(found: "re.Match[str]", values: Mapping[str, str]) -> str:
    return found[0][1:-1] if found[1] is None else values[found[1]]
