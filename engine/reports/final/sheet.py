"""A page of Markdown that is made of facts alone."""

import re
import string
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from engine.reports.final.facts import Fact, Quote


class LiteralFigure(ValueError):  # noqa: N818  (names say what happened)
    """A template has a figure of its own: no event would speak for it."""


class Told(msgspec.Struct, frozen=True):
    """A text, and the facts and quotations that it is made of."""

    text: str
    facts: tuple[Fact, ...] = ()
    quotes: tuple[Quote, ...] = ()


Part = Fact | Quote | Told


class Sentence(msgspec.Struct, frozen=True):
    """A line or sentence of a page, below which heading it stands, and what it is made of."""

    page: str
    section: str
    told: Told


NOTHING: Final = Told("")
_FORMATTER: Final = string.Formatter()
_FIGURE: Final = re.compile(r"\d")


def tell(template: str, **parts: Part) -> Told:
    """The template with its places filled.

    Raises:
        LiteralFigure: the template has a digit.
        KeyError: a place has no part, or a part no place.
    """
    names = [name for _, name, _, _ in _FORMATTER.parse(template) if name is not None]
    if _FIGURE.search(template):
        raise LiteralFigure(template)
    if unknown := set(parts).symmetric_difference(names):
        raise KeyError(f"{template!r} and its parts differ in {sorted(unknown)}")
    texts = {name: part.text for name, part in parts.items()}
    return _made(template.format(**texts), [parts[name] for name in dict.fromkeys(names)])


def listed(parts: Sequence[Part], between: str = ", ") -> Told:
    """The parts in a row."""
    if _FIGURE.search(between):
        raise LiteralFigure(between)
    return _made(between.join(part.text for part in parts), parts)


def _made(text: str, parts: Iterable[Part]) -> Told:
    facts: list[Fact] = []
    quotes: list[Quote] = []
    for part in parts:
        match part:
            case Fact():
                facts.append(part)
            case Quote():
                quotes.append(part)
            case Told():
                facts += part.facts
                quotes += part.quotes
    return Told(text, tuple(facts), tuple(quotes))


class Sheet:
    """A page while it is written.

    Args:
        name: of its file.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.sentences: list[Sentence] = []
        self._blocks: list[str] = []
        self._running: list[str] = []
        self._section = ""

    def title(self, template: str, **parts: Part) -> None:
        """The heading of the page."""
        self._blocks.append(f"# {self._keep(tell(template, **parts))}")

    def section(self, title: str) -> None:
        """A heading; what follows stands below it."""
        self._end()
        self._section = tell(title).text
        self._blocks.append(f"## {title}")

    def say(self, template: str, **parts: Part) -> None:
        """A sentence of the paragraph that is being written."""
        self._running.append(self._keep(tell(template, **parts)))

    def gap(self) -> None:
        """The next sentence begins a paragraph."""
        self._end()

    def items(self, told: Sequence[Told]) -> None:
        """A list, an item for each."""
        self._end()
        if told:
            self._blocks.append("\n".join(f"- {self._keep(each)}" for each in told))

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Part]]) -> None:
        """A table; a column in which nothing stands is left out."""
        self._end()
        if not rows:
            return
        full = [i for i in range(len(heads)) if any(row[i].text for row in rows)]
        lines = [_line([tell(heads[i]).text for i in full]), _line(["---"] * len(full))]
        for row in rows:
            cells = [row[i] for i in full]
            line = _line([cell.text.replace("|", "\\|") for cell in cells])
            self._keep(_made(line, cells))
            lines.append(line)
        self._blocks.append("\n".join(lines))

    def picture(self, path: str, title: str, template: str, **parts: Part) -> None:
        """A figure, and what is to be seen in it."""
        self._end()
        self._blocks.append(f"![{tell(title).text}]({path})")
        self.say(template, **parts)
        self._end()

    def text(self) -> str:
        """The page as Markdown."""
        self._end()
        return "\n\n".join(self._blocks) + "\n"

    def _keep(self, told: Told) -> str:
        self.sentences.append(Sentence(self.name, self._section, told))
        return told.text

    def _end(self) -> None:
        if self._running:
            self._blocks.append(" ".join(self._running))
            self._running = []


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
