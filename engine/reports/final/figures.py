"""Draws the figures of a report. The only importer of matplotlib: half a second, and only here."""

# matplotlib's own types leave the keywords of most of its methods open.
# pyright: reportUnknownMemberType=false

import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from engine.reports.final.charts import Chart, Point, Series
from engine.reports.final.parts import FIGURES, Page

_INCHES: Final = (8.0, 4.5)
_DPI: Final = 150
_STYLE: Final[dict[str, Any]] = {
    "svg.hashsalt": "controlroom",  # the same points give the same bytes
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 9.0,
    "text.usetex": False,
    "text.parse_math": False,  # a metric may be named $x$
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}
_LOOKS: Final[dict[str, tuple[str, str]]] = {
    "promoted": ("#1b7837", "o"),
    "rejected": ("#8a8a8a", "o"),
    "inconclusive": ("#2f6db3", "s"),
    "infeasible": ("#b35806", "D"),
    "failed": ("#b2182b", "x"),
}
_NO_VERDICTS: Final = frozenset({"champion", "failed", "baseline"})
_OTHER: Final = ("#555555", "o")
_LINES: Final = ("#1b7837", "#2f6db3", "#b35806", "#762a83")
_MARGIN: Final = 0.08
_KEPT: Final = 0.8
"""So large a part of the values decides what the axis shows; those far off stand at its edge."""


def drawn(charts: Sequence[Chart]) -> Iterator[Page]:
    """Each figure as SVG and as PNG."""
    matplotlib.use("Agg")
    for chart in charts:
        with matplotlib.rc_context(cast("Any", _STYLE)):
            figure = _figure(chart)
            for ending in ("svg", "png"):
                yield Page(name=f"{FIGURES}/{chart.name}.{ending}", content=_saved(figure, ending))


def _saved(figure: Figure, ending: str) -> bytes:
    """The file, without a date and a version: it does not change when nothing has."""
    told: dict[str, Any] = (
        {"Date": None, "Creator": None} if ending == "svg" else {"Software": None}
    )
    out = io.BytesIO()
    figure.savefig(out, format=ending, dpi=_DPI, metadata=told)
    return out.getvalue()


def _figure(chart: Chart) -> Figure:
    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_title(chart.title, loc="left")
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.set_axisbelow(True)
    _DRAW[chart.name](axes, chart)
    return figure


def _champion(axes: Axes, chart: Chart) -> None:
    """Candidates as points, failures at the foot, the champion as a line above them."""
    scored = [each for each in chart.series if each.name not in _NO_VERDICTS]
    low, high = _span(chart)
    axes.set_ylim(low, high)
    for series in scored:
        _scatter(axes, series, low, high)
    for series in chart.series:
        if series.name == "failed" and series.points:
            foot = [low + 0.02 * (high - low)] * len(series.points)
            axes.scatter(_xs(series), foot, c="#b2182b", marker="x", s=22, label="failed")
        if series.name == "baseline" and series.points:
            axes.axhline(series.points[0].y, color="#555555", ls=":", lw=1.2, label="baseline")
        if series.name == "champion" and series.points:
            axes.step(_xs(series), _ys(series), where="post", color="#1b7837", label="champion")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _scatter(axes: Axes, series: Series, low: float, high: float) -> None:
    """The points that lie on the axis, and signs at its edges for those beyond."""
    color, marker = _LOOKS.get(series.name, _OTHER)
    room = 0.02 * (high - low)
    seen = [point for point in series.points if low <= point.y <= high]
    axes.scatter(
        [p.x for p in seen], [p.y for p in seen], c=color, marker=marker, s=20, label=series.name,
        zorder=4 if series.name == "promoted" else 3,
    )  # fmt: skip
    for sign, edge, beyond in (
        ("^", high - room, [p for p in series.points if p.y > high]),
        ("v", low + room, [p for p in series.points if p.y < low]),
    ):
        if beyond:
            label = f"{series.name}, beyond the axis"
            axes.scatter(
                [p.x for p in beyond], [edge] * len(beyond), c=color, marker=sign, s=24, label=label
            )


def _span(chart: Chart) -> tuple[float, float]:
    """What the axis shows: the champion's way, and most of all values."""
    values = sorted(
        point.y
        for each in chart.series
        if each.name != "failed"
        for point in each.points
        if math.isfinite(point.y)
    )
    if not values:
        return 0.0, 1.0
    left_out = int((1 - _KEPT) * len(values))
    good = values[: len(values) - left_out] if chart.better == "min" else values[left_out:]
    way = [p.y for each in chart.series if each.name == "champion" for p in each.points]
    low, high = min([*good, *way]), max([*good, *way])
    room = _MARGIN * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _again(axes: Axes, chart: Chart) -> None:
    """Two points for each leader, with bars of two standard errors."""
    for shift, color, marker, series in zip(
        (-0.12, 0.12), ("#8a8a8a", "#1b7837"), ("o", "s"), chart.series, strict=True
    ):
        axes.errorbar(
            [point.x + shift for point in series.points],
            _ys(series),
            yerr=[2 * point.error for point in series.points],
            fmt=marker,
            color=color,
            capsize=3,
            label=series.name,
        )
    names = chart.series[0].labels
    axes.set_xticks(range(len(names)), names, rotation=30 if len(names) > 6 else 0)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _spend(axes: Axes, chart: Chart) -> None:
    for color, series in zip(_LINES, chart.series, strict=False):
        start = Point(0.0, 0.0, 0)
        points = [start, *series.points]
        axes.step(
            [p.x for p in points], [p.y for p in points], where="post", color=color,
            label=series.name,
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _xs(series: Series) -> list[float]:
    return [point.x for point in series.points]


def _ys(series: Series) -> list[float]:
    return [point.y for point in series.points]


_DRAW: Final[dict[str, Callable[[Axes, Chart], None]]] = {
    "champion": _champion,
    "then_and_again": _again,
    "spend": _spend,
}
