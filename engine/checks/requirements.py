"""What an environment is made of, as a name that changes when any of it does."""

import hashlib
import platform
import shlex
from pathlib import Path
from typing import Final

_INCLUDES: Final = ("-r", "--requirement", "-c", "--constraint")


class RequirementsError(Exception):
    """A requirements file cannot be read; the text names it."""


def environment_name(tool: str, python: str, requirements: Path) -> str:
    """The name of the environment that `tool` makes of a Python and requirements.

    Raises:
        RequirementsError: the file, or one that it includes, cannot be read.
    """
    digest = hashlib.sha256()
    for part in (tool, python, platform.platform(), *_contents(requirements, set())):
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:16]


def _contents(path: Path, seen: set[Path]) -> list[str]:
    """The texts of the file and of those that it includes, each once."""
    path = path.resolve()
    if path in seen:
        return []
    seen.add(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RequirementsError(f"the requirements file {path} cannot be read: {reason}") from error
    texts = [text]
    for line in text.splitlines():
        if (included := _included(line)) is not None:
            texts += _contents(path.parent / included, seen)
    return texts


def _included(line: str) -> str | None:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    if not words or "://" in line:
        return None
    option, _, value = words[0].partition("=")
    if option in _INCLUDES:
        return value or (words[1] if len(words) > 1 else None)
    glued = words[0][2:] if words[0][:2] in _INCLUDES and words[0][1] != "-" else ""
    return glued or None
