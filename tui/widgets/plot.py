"""The curve of the best so far as lines of text: pure, so that it can be tested as text."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tui.ink import EMPTY, Line, Span, line
from tui.views.chart import ChartView, Point
from tui.views.words import value_text
from tui.widgets.braille import Canvas

OUTLIERS: Final = 0.1
"""Share of the worst points that may lie outside, so that the climb fills the chart."""

FAR: Final = 3.0
"""A target more than this many times the data's range away does not stretch the axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` (bottom) to `high` (top)."""

    low: float
    high: float

    def pixel(self, value: float, pixels: int) -> int:
        """The pixel row of a value, 0 at the top; values outside go to the edge."""
        share = (self.high - value) / (self.high - self.low)
        return round(min(1.0, max(0.0, share)) * (pixels - 1))


def plot_lines(view: ChartView, width: int, height: int) -> list[Line]:
    """The chart in `width` by `height` cells, its axes included."""
    if not view.points or height < 3 or width < 20:
        return [line(f" {view.empty}", "quiet")] if not view.points else []
    axis, target_inside = axis_of(view)
    ticks = _ticks(axis, height - 1, view.decimals)
    label = max(len(text) for text in ticks.values()) + 1
    canvas = _drawn(view, axis, (width - label - 3, height - 1), target=target_inside)
    rows = [_row(canvas, row, ticks.get(row, ""), label) for row in range(height - 1)]
    return [*rows, _iterations(view.last, canvas.width, label + 2)]


def axis_of(view: ChartView) -> tuple[Axis, bool]:
    """The range of values to show, and whether the target lies inside."""
    values = sorted((value for _, value in view.points), reverse=view.direction == "min")
    champions = [value for _, value in view.steps]
    kept = values[int(len(values) * OUTLIERS) :] + champions
    low, high = min(kept), max(kept)
    span = (high - low) or abs(high) * 0.05 or 1.0
    target = view.target
    inside = target is not None and low - FAR * span <= target <= high + FAR * span
    if inside and target is not None:
        low, high = min(low, target), max(high, target)
    margin = 0.04 * ((high - low) or span)
    return Axis(low - margin, high + margin), inside


def _drawn(view: ChartView, axis: Axis, size: tuple[int, int], *, target: bool) -> Canvas:
    canvas = Canvas(max(1, size[0]), size[1])
    for point in view.points:
        canvas.dot(*_place(point, view, axis, canvas), "quiet")
    _draw_steps(view, axis, canvas)
    if target and view.target is not None:
        row = axis.pixel(view.target, canvas.height * 4) // 4
        label = f" target {value_text(view.target, view.decimals)}"
        canvas.rule(row, "quiet")
        if not canvas.write(row, label, "quiet"):
            canvas.write(row + 1 if row + 1 < canvas.height else row - 1, label, "quiet")
    return canvas


def _place(point: Point, view: ChartView, axis: Axis, canvas: Canvas) -> tuple[int, int]:
    iteration, value = point
    last = max(2, view.last)
    x = round((iteration - 1) / (last - 1) * (canvas.width * 2 - 1))
    return x, axis.pixel(value, canvas.height * 4)


def _draw_steps(view: ChartView, axis: Axis, canvas: Canvas) -> None:
    """Level until the next champion, then straight up or down to it."""
    if not view.steps:
        return
    end = (max(2, view.last), view.steps[-1][1])
    places = [_place(point, view, axis, canvas) for point in (*view.steps, end)]
    for (x, y), (next_x, next_y) in pairwise(places):
        for column in range(x, next_x + 1):
            canvas.dot(column, y, "accent")
        for row in range(min(y, next_y), max(y, next_y) + 1):
            canvas.dot(next_x, row, "accent")


def _ticks(axis: Axis, rows: int, decimals: int) -> dict[int, str]:
    """Labels by row: round values, two to five of them."""
    step, places = _round_step((axis.high - axis.low) / max(2, min(5, rows // 2)))
    ticks: dict[int, str] = {}
    value = math.ceil(axis.low / step) * step
    while value <= axis.high + step * 1e-9:
        row = axis.pixel(value, rows * 4) // 4
        ticks.setdefault(row, value_text(value + 0.0, min(places, max(decimals, 6))))
        value += step
    return ticks


def _round_step(rough: float) -> tuple[float, int]:
    """The next round number from `rough` up, and how many decimals its multiples need."""
    exponent = math.floor(math.log10(rough))
    factor = next(f for f in (1, 2, 2.5, 5, 10) if f * 10.0**exponent >= rough * 0.999)
    places = -exponent + (factor == 2.5) - (factor == 10)
    return factor * 10.0**exponent, max(0, places)


def _row(canvas: Canvas, row: int, tick: str, label: int) -> Line:
    mark = " ┤" if tick else " │"
    return (Span(f"{tick:>{label}}{mark}", "quiet"), *canvas.line(row))


def _iterations(last: int, width: int, left: int) -> Line:
    """Numbers of iterations under the curve: the first, the last and the middle."""
    if last < 2:
        return EMPTY
    cells = [" "] * (width + left)
    marks = [(1, 0.0), (last, 1.0)]
    if last >= 5 and width >= 30:
        marks.insert(1, ((last + 1) // 2, 0.5))
    for number, share in marks:
        text = str(number)
        at = left + round(share * (width - 1)) - round(share * (len(text) - 1))
        cells[at : at + len(text)] = list(text)
    return line("".join(cells), "quiet")
