"""Widgets that are painted from lines, row by row, at a constant cost."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.ink import EMPTY, Ink, Line

INK_CLASSES: set[str] = {"ink--quiet", "ink--strong", "ink--accent", "ink--alarm"}


def style_of(widget: Widget, ink: Ink) -> Style:
    """The terminal style of an ink inside a widget, from the style sheet."""
    if ink == "plain":
        return widget.rich_style
    return widget.get_component_rich_style(f"ink--{ink}")


def strip_of(widget: Widget, pieces: Line) -> Strip:
    """The line as Textual paints it. Text is never read as markup."""
    return Strip([Segment(text, style_of(widget, ink)) for text, ink in pieces if text])


class Painted(Widget):
    """A widget that shows the lines it was last given; only rows that changed are painted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = INK_CLASSES

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []

    @property
    def lines(self) -> list[Line]:
        """What is shown."""
        return self._lines

    def paint(self, lines: list[Line]) -> None:
        """Shows these lines."""
        old, self._lines = self._lines, lines
        if len(old) != len(lines) and self.styles.auto_dimensions:
            self.refresh(layout=True)
            return
        rows = max(len(old), len(lines))
        changed = [y for y in range(rows) if _at(old, y) != _at(lines, y)]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as there are lines, when the height is automatic."""
        del container, viewport, width
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Row `y` of the widget."""
        width = self.size.width
        strip = strip_of(self, _at(self._lines, y))
        return strip.crop_extend(0, width, self.rich_style)


def _at(lines: list[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else EMPTY
