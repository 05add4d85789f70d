"""The champion's curve."""

from tui.views.chart import ChartView
from tui.widgets.painted import Painted
from tui.widgets.plot import plot_lines


class ChartPane(Painted, can_focus=True):
    """Draws the curve again when it or the room for it changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane-body")
        self._view = ChartView()

    def show(self, view: ChartView) -> None:
        """Shows the curve as it is now."""
        self._view = view
        self._draw()

    def on_resize(self) -> None:
        """The curve fills its pane."""
        self._draw()

    def _draw(self) -> None:
        self.paint(plot_lines(self._view, self.size.width, self.size.height))
