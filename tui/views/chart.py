"""What the chart shows: every measured candidate, the champion's steps, the target."""

from dataclasses import dataclass
from typing import Final

from engine.core.metric import Direction, Metric
from engine.core.state import Candidate, RunState
from tui.views.ranking import Ranking

Point = tuple[int, float]
"""An iteration and a value."""

NOTHING_YET: Final = "The curve starts with the first measured candidate."
"""What stands in place of the curve before there is one."""


@dataclass(frozen=True, slots=True)
class ChartView:
    """Points and steps in the order of iterations."""

    points: tuple[Point, ...] = ()
    steps: tuple[Point, ...] = ()
    last: int = 0
    target: float | None = None
    direction: Direction = "min"
    decimals: int = 3
    title: str = ""
    empty: str = NOTHING_YET


class ChartBuilder:
    """Collects points and champions as candidates are judged."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._points: list[Point] = []
        self._promoted: list[Point] = []

    def add(self, judged: list[Candidate]) -> None:
        """Takes in candidates that got their verdict."""
        for candidate in judged:
            if candidate.value is None or not candidate.scored:
                continue
            point = (candidate.iteration, candidate.value)
            self._points.append(point)
            if candidate.verdict == "promoted":
                self._promoted.append(point)

    def view(self, state: RunState, ranking: Ranking, decimals: int) -> ChartView:
        """The chart as it is now."""
        return ChartView(
            points=tuple(self._points),
            steps=self._steps(),
            last=state.last_iteration,
            target=self._metric.target,
            direction=self._metric.direction,
            decimals=decimals,
            title=chart_title(self._metric),
            empty=_empty(ranking),
        )

    def _steps(self) -> tuple[Point, ...]:
        """Promotions by iteration; slots may end out of order, the best so far never falls."""
        steps: list[Point] = []
        for point in sorted(self._promoted):
            if not steps or self._metric.gain(point[1], steps[-1][1]) > 0:
                steps.append(point)
        return tuple(steps)


def chart_title(metric: Metric) -> str:
    """The metric, its unit, which way is better, and what kind of figure it is."""
    unit = f"{metric.name}, {metric.unit}" if metric.unit else metric.name
    better = "lower" if metric.direction == "min" else "higher"
    label = f" · {metric.caption}" if metric.caption else ""
    return f"{unit}, {better} is better{label}"


def _empty(ranking: Ranking) -> str:
    if ranking.failed and not ranking.scored:
        return f"Nothing could be measured yet: {len(ranking.failed)} failed."
    return NOTHING_YET
