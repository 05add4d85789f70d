"""A titled part of the room, without a box."""

from collections.abc import Iterator

from textual.containers import Vertical
from textual.widget import Widget

from tui.ink import Line, Span, crop, spread, width_of
from tui.widgets.painted import Painted


class Pane(Vertical):
    """A quiet title over a body. The title of the pane that has the keys is marked."""

    def __init__(self, name: str, digit: str, title: str, body: Widget) -> None:
        super().__init__(id=f"pane-{name}")
        self._digit, self._title = digit, title
        self._note, self._aside = "", ""
        self._titles = Painted(classes="pane-title")
        self.body = body

    def compose(self) -> Iterator[Widget]:
        """The title and the body."""
        yield self._titles
        yield self.body

    def say(self, note: str = "", aside: str = "") -> None:
        """Words beside the title, and words at the right end."""
        if (note, aside) != (self._note, self._aside):
            self._note, self._aside = note, aside
            self.paint_title()

    def paint_title(self) -> None:
        """Paints the title again, when the keys came or went or the width changed."""
        focused = self.screen.focused is self.body
        self._titles.paint([self._line(self._titles.size.width, focused=focused)])

    def on_resize(self) -> None:
        """The words at the right end stay there."""
        self.paint_title()

    def _line(self, width: int, *, focused: bool) -> Line:
        head: Line = (
            Span("▸" if focused else " ", "accent"),
            Span(f"{self._digit} ", "quiet"),
            Span(self._title, "accent" if focused else "quiet"),
        )
        note = (Span(f"  {self._note}", "quiet"),) if self._note else ()
        room = width - width_of((*head, *note)) - 3
        aside = crop(self._aside, room) if room > 8 else ""
        return spread((*head, *note), (Span(f"{aside} ", "quiet"),) if aside else (), width)
