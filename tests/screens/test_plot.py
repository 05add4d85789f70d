"""The curve as text."""

import pytest

from tui.ink import text_of, width_of
from tui.views.chart import ChartView
from tui.widgets.braille import Canvas
from tui.widgets.plot import axis_of, plot_lines


def view(**more: object) -> ChartView:
    facts: dict[str, object] = {
        "points": ((1, 1.4), (2, 1.6), (3, 1.0), (4, 1.1), (5, 0.9)),
        "steps": ((1, 1.4), (3, 1.0), (5, 0.9)),
        "last": 5,
        "target": 0.7,
        "direction": "min",
        "decimals": 2,
    }
    return ChartView(**(facts | more))  # type: ignore[arg-type]


def test_every_line_fits_and_the_axes_are_labelled() -> None:
    lines = plot_lines(view(), 50, 10)
    assert len(lines) == 10
    assert all(width_of(line) <= 50 for line in lines)
    text = "\n".join(map(text_of, lines))
    assert "1.50 ┤" in text
    assert "target 0.70" in text
    assert text_of(lines[-1]).split() == ["1", "3", "5"]


def test_the_champion_is_a_step_line_in_the_accent() -> None:
    lines = plot_lines(view(), 50, 10)
    accent = [span.text for line in lines for span in line if span.ink == "accent"]
    assert sum(map(len, accent)) >= 40


def test_a_far_target_does_not_flatten_the_curve() -> None:
    axis, inside = axis_of(view(target=-400.0))
    assert not inside
    assert axis.low > 0


def test_a_few_outliers_do_not_flatten_the_curve() -> None:
    points = (*((i, 1.0 + i / 1000) for i in range(1, 40)), (40, 1e6))
    axis, _ = axis_of(view(points=points, steps=((1, 1.001),), target=None, last=40))
    assert axis.high < 2


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e-12, 1e15])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_one_point_is_a_chart(value: float, direction: str) -> None:
    one = view(points=((1, value),), steps=((1, value),), last=1, target=None, direction=direction)
    assert len(plot_lines(one, 40, 8)) == 8


def test_an_empty_chart_says_what_to_expect() -> None:
    (line,) = plot_lines(view(points=(), steps=()), 50, 10)
    assert "first measured candidate" in text_of(line)


def test_dots_of_a_cell_add_up() -> None:
    canvas = Canvas(1, 1)
    for y in range(4):
        canvas.dot(0, y, "accent")
    canvas.dot(5, 9, "accent")
    assert text_of(canvas.line(0)) == "⡇"
