"""Steering texts: presets that ship, files, and texts given inline.

A preset or a file begins with its title as a heading of the first level; without one the title is
the file's name. What is recorded is the text as it is now: a file that changes later changes no
run, until the directive is edited.
"""

import os
import re
from pathlib import Path
from typing import Final

import msgspec

from engine.core.campaign.nearest import did_you_mean
from engine.knowledge.templates import SHIPPED, TemplateError, read_text
from engine.knowledge.wording import one_line

MOST_CHARACTERS: Final = 6_000
_MOST_TITLE: Final = 100
_HEADING: Final = re.compile(r"\s*#[ \t]+(?P<title>[^\n]*)\n?")


class DirectiveError(Exception):
    """A directive cannot be used; the text says which, why and what to do."""


class DirectiveText(msgspec.Struct, frozen=True, kw_only=True):
    """A directive before a run has it. `source` is `preset NAME`, `file PATH` or `inline`."""

    title: str
    text: str
    source: str


def presets() -> list[str]:
    """The names of the directives that ship, sorted."""
    return sorted(path.stem for path in (SHIPPED / "directives").glob("*.md"))


def is_path(word: str) -> bool:
    """Whether a word in a campaign means a file and not a preset: it has a dot or a slash."""
    return "." in word or "/" in word


def find(word: str, folder: Path) -> DirectiveText:
    """The directive that a word means: a preset by its name, or a file.

    Args:
        word: of a campaign or a command line.
        folder: that a relative path starts from.

    Raises:
        DirectiveError: no such preset or file, or the file cannot be used.
    """
    # A home that nobody has stays as it is written, and is then not found.
    path = os.path.expanduser(word)  # noqa: PTH111
    return from_file(folder / path) if is_path(word) else preset(word)


def preset(name: str) -> DirectiveText:
    """The shipped directive of that name.

    Raises:
        DirectiveError: there is none; the text names the one that was probably meant.
    """
    known = presets()
    if name not in known:
        listed = f"presets: {', '.join(known)}" if known else "the prompts folder is not there"
        raise DirectiveError(f"no preset {name!r}; {did_you_mean(name, known, listed)}")
    return _read(SHIPPED / "directives" / f"{name}.md", f"preset {name}")


def from_file(path: Path) -> DirectiveText:
    """The directive in a file.

    Raises:
        DirectiveError: the file cannot be read, is empty, too long or not UTF-8.
    """
    return _read(path, f"file {path}")


def inline(text: str, title: str = "") -> DirectiveText:
    """A text that a person gives as it is; without a title it is called by its first words.

    Raises:
        DirectiveError: the text is empty or too long.
    """
    clean = _checked(text, "the directive")
    shown = one_line(title, _MOST_TITLE) or one_line(clean, 60)
    return DirectiveText(title=shown, text=clean, source="inline")


def _read(path: Path, source: str) -> DirectiveText:
    try:
        text = read_text(path)
    except TemplateError as error:
        raise DirectiveError(f"directive {error}") from error
    heading = _HEADING.match(text)
    body = text[heading.end() :] if heading else text
    title = one_line(heading["title"], _MOST_TITLE) if heading else ""
    clean = _checked(body, f"directive {path}")
    return DirectiveText(title=title or path.stem, text=clean, source=source)


def _checked(text: str, what: str) -> str:
    clean = text.replace("\x00", "").strip()
    if not clean:
        raise DirectiveError(f"{what}: it is empty; write what the agent has to do")
    if len(clean) > MOST_CHARACTERS:
        raise DirectiveError(
            f"{what}: {len(clean)} characters; at most {MOST_CHARACTERS} go into a prompt"
        )
    return clean
