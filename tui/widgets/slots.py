"""The slots and what they do."""

from tui.views.slots import SlotsView, slot_lines
from tui.widgets.painted import Painted


class SlotsPane(Painted, can_focus=True):
    """A row for each slot; ages grow once a second."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane-body")
        self._view = SlotsView()
        self._now = 0.0

    def show(self, view: SlotsView, now: float) -> None:
        """Shows the slots as they are now."""
        self._view = view
        self.tick(now)

    def tick(self, now: float) -> None:
        """Shows the ages of this moment."""
        self._now = now
        self.paint(slot_lines(self._view, max(self.size.width, 24), now))

    def on_resize(self) -> None:
        """The columns fill the pane."""
        self.tick(self._now)
