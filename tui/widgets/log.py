"""The live log: capped, fed in batches, painted only where it is seen.

Our own instead of Textual's `Log`, which stops painting at its cap, and `RichLog`, which renders
every line when it is written.
"""

from datetime import tzinfo
from itertools import chain
from typing import Final

from tui.ink import Line, line
from tui.views.log import LogEntry, LogRow, log_line, rows_of
from tui.widgets.rows import Rows

CAP: Final = 20_000
EMPTY_TEXT: Final = " No output yet: what checks write, and verdicts."


class LogPane(Rows):
    """Follows its end until a person scrolls up; then it stands still, whatever arrives."""

    def __init__(self, zone: tzinfo | None, cap: int = CAP, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._zone = zone
        self._cap = cap
        self._rows: list[LogRow] = []
        self._wrapped_at = 0
        self._moving = False
        self.following = True
        self.unseen = 0

    @property
    def rows(self) -> list[LogRow]:
        """The rows that are kept, oldest first: never more than the cap."""
        return self._rows

    @property
    def standing(self) -> str:
        """Whether it follows, in words for the pane's title."""
        if self.following:
            return "following"
        return f"standing still, {self.unseen:,} new, End follows"

    def extend(self, fresh: list[LogEntry]) -> None:
        """Adds lines at the end and drops as many of the oldest rows as are over the cap.

        The number of rows stays the same once the cap is reached.
        """
        if not fresh:
            return
        width = self._wrapped_at
        self._rows.extend(chain.from_iterable(rows_of(entry, width) for entry in fresh))
        over = max(0, len(self._rows) - self._cap)
        del self._rows[:over]
        self._recount()
        if self.following:
            self._to_end()
        else:
            self.unseen += len(fresh)
            self._keep_place(over)

    def follow(self) -> None:
        """Goes to the end and stays there."""
        self.following, self.unseen = True, 0
        self._to_end()

    def row(self, index: int, width: int) -> Line:
        """A line, or a further part of one."""
        del width
        return log_line(self._rows[index], self._zone)

    def when_empty(self) -> Line:
        """What to expect here."""
        return line(EMPTY_TEXT, "quiet")

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """A person's scrolling decides whether the end is followed."""
        super().watch_scroll_y(old_value, new_value)
        if self._moving or old_value == new_value:
            return
        self.following = new_value >= self.max_scroll_y
        if self.following:
            self.unseen = 0

    def on_resize(self) -> None:
        """Long lines are wrapped anew, and the end stays in view."""
        if self.size.width != self._wrapped_at:
            self._wrapped_at = self.size.width
            entries = [row.entry for row in self._rows if row.first]
            rows = chain.from_iterable(rows_of(entry, self._wrapped_at) for entry in entries)
            self._rows = list(rows)[-self._cap :]
        self._recount()
        if self.following:
            self._to_end()

    def _recount(self) -> None:
        self._moving = True
        self.set_count(len(self._rows))
        self._moving = False

    def _to_end(self) -> None:
        self._moving = True
        self.scroll_end(animate=False, immediate=True, x_axis=False)
        self._moving = False

    def _keep_place(self, dropped: int) -> None:
        if dropped:
            self._moving = True
            self.scroll_to(y=max(0, self.scroll_y - dropped), animate=False, immediate=True)
            self._moving = False
