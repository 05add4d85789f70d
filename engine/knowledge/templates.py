"""Prompt templates: texts with `{{name}}` in them, strict about every name.

A template is checked when it is loaded, so that a misspelt name stops a run before its first
iteration and not after the first bill. Values are put in as they are: `{{` in one means nothing.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import msgspec

from engine.core.campaign.nearest import did_you_mean

MOST_CHARACTERS: Final = 200_000
SHIPPED: Final = Path(__file__).resolve().parents[2] / "prompts"
"""The templates and directives that ship, beside the engine."""

_NAME: Final = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}")
_BRACES: Final = re.compile(r"\{\{[^\n]{0,40}|[^\n]{0,40}\}\}")
_ALONE: Final = r"^[ \t]*\{\{\s*%s\s*\}\}[ \t]*\n\n?"


class TemplateError(Exception):
    """A template cannot be used; the text says which, where and what to write."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A checked template; `names` are those that stand in it, in the order of their first use."""

    source: str
    text: str
    names: tuple[str, ...]


def parse(
    text: str, *, source: str, required: Collection[str], free: Collection[str] = ()
) -> Template:
    """The template that a text is.

    Args:
        text: with `{{name}}` where a value goes.
        source: what errors call it: a path.
        required: names that must stand in it.
        free: further names that may.

    Raises:
        TemplateError: a name that is not known, one that is missing, braces that name nothing.
    """
    if not text.strip():
        raise TemplateError(f"{source}: the template is empty")
    names = tuple(dict.fromkeys(match[1] for match in _NAME.finditer(text)))
    _check_braces(text, source)
    known = sorted({*required, *free})
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, f"known names: {', '.join(known)}")
            where = _line_of(text, name)
            raise TemplateError(f"{source}:{where}: {{{{{name}}}}} is not known; {hint}")
    missing = sorted(set(required) - set(names))
    if missing:
        shown = ", ".join(f"{{{{{name}}}}}" for name in missing)
        raise TemplateError(f"{source}: the template has no {shown}; put it where it belongs")
    return Template(source=source, text=text, names=names)


def fill(template: Template, values: Mapping[str, str]) -> str:
    """The template with its values in place.

    A name that stands alone on its line and has an empty value takes the line with it, and the
    empty line below.

    Raises:
        TemplateError: a name has no value.
    """
    missing = [name for name in template.names if name not in values]
    if missing:
        raise TemplateError(f"{template.source}: no value for {', '.join(missing)}")
    text = template.text
    for name in template.names:
        if not values[name]:
            text = re.sub(_ALONE % name, "", text, flags=re.MULTILINE)
    return _NAME.sub(lambda match: values[match[1]], text)


def read_text(path: Path) -> str:
    """The text of a template or directive file, without a byte order mark.

    Raises:
        TemplateError: it cannot be read, is not UTF-8 or is far too long.
    """
    try:
        if path.stat().st_size > 4 * MOST_CHARACTERS:
            raise TemplateError(f"{path}: longer than {MOST_CHARACTERS} characters")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TemplateError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: not UTF-8 at byte {error.start}") from error
    except ValueError as error:  # a zero byte in the path
        raise TemplateError(f"{str(path)!r}: cannot be read: {error}") from error
    if len(text) > MOST_CHARACTERS:
        raise TemplateError(f"{path}: longer than {MOST_CHARACTERS} characters")
    return text.replace("\r\n", "\n")


def shipped(name: str) -> Path:
    """The path of a file that ships in `prompts/`.

    Raises:
        TemplateError: it is not there: the installation is not whole.
    """
    path = SHIPPED / name
    if not path.is_file():
        raise TemplateError(f"{path}: not there; the installation lacks its prompts folder")
    return path


def _check_braces(text: str, source: str) -> None:
    left_over = _BRACES.search(_NAME.sub("", text))
    if left_over:
        shown = left_over[0].strip()[:30]
        raise TemplateError(f"{source}: {shown!r} is no name in double braces, as {{{{name}}}} is")


def _line_of(text: str, name: str) -> int:
    found = next(match for match in _NAME.finditer(text) if match[1] == name)
    return text.count("\n", 0, found.start()) + 1
