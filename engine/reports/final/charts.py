"""What the figures of a report show, as plain points with the numbers of their events. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from engine.core import events as e
from engine.core.decisions.events import DecisionAnswered, DecisionInterrupted
from engine.core.event import Event
from engine.reports.final.book import Book, Figure, Reign, between_s
from engine.reports.final.facts import At, dig
from engine.reports.final.parts import FinalRequest
from engine.reports.final.scores import Scores
from engine.reports.leaderboard import leaderboard

MOST_LEADERS = 20


class Point(msgspec.Struct, frozen=True):
    """A point, its standard error, and the event that it comes from."""

    x: float
    y: float
    event: int
    error: float = 0.0


class Series(msgspec.Struct, frozen=True):
    """Points of a kind; `labels` name them where they have names."""

    name: str
    points: list[Point]
    labels: list[str] = []


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A figure: `name` is that of its file, `y_label` says the unit and what has to be known."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: list[Series]
    better: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be seen in it."""
        return not any(each.points for each in self.series)


def charts(scores: Scores, request: FinalRequest) -> list[Chart]:
    """All figures in which there is something to be seen."""
    made = [_champion(scores), _again(scores, request), _spend(scores)]
    return [chart for chart in made if not chart.empty]


def _y_label(scores: Scores) -> str:
    metric = scores.metric
    unit = f" in {metric.unit}" if metric.unit else ""
    caption = f"\n{metric.caption}" if metric.caption else ""
    return f"{metric.name}{unit}{caption}"


def _champion(scores: Scores) -> Chart:
    """The champion's value over the iterations, and every candidate with its verdict."""
    kinds: dict[str, list[Point]] = {}
    failed: list[Point] = []
    for at in scores.book.verdicts(scores.book.judged):
        value = at.event.value
        if value is None or at.event.verdict == "invalid":
            failed.append(Point(at.event.iteration, 0.0, at.seq))
            continue
        point = Point(at.event.iteration, value, at.seq, at.event.value_error)
        kinds.setdefault(at.event.verdict, []).append(point)
    return Chart(
        name="champion",
        title="The champion, and every candidate with its verdict",
        x_label="iteration",
        y_label=_y_label(scores),
        series=[
            Series("champion", _reigning(scores)),
            *(Series(name, points) for name, points in kinds.items()),
            Series("failed", failed),
            Series("baseline", _baseline(scores)),
        ],
        better=scores.metric.direction,
    )


def _baseline(scores: Scores) -> list[Point]:
    first = scores.state.baseline
    known = scores.now(first) if first else None
    return [Point(1, known.value, known.at.seq, known.error_value)] if known else []


def _reigning(scores: Scores) -> list[Point]:
    """The steps of the champion's value; where there was none any more, none follows."""
    steps = [_step(scores, reign) for reign in scores.book.reigns]
    points = [step for step in steps if step is not None]
    last = scores.book.verdicts(scores.book.judged)[-1:]
    if points and last:
        number = max(each.started.event.iteration for each in scores.book.judged)
        points.append(Point(number, points[-1].y, points[-1].event))
    return points


def _step(scores: Scores, reign: Reign) -> Point | None:
    if reign.champion is None:
        return None
    event = reign.at.event
    value = event.value if isinstance(event, e.VerdictReached) else None
    known = scores.now(reign.champion)
    if value is None and known is not None:
        value = known.value
    if isinstance(event, e.VerdictReached):
        place = event.iteration
    else:
        # A person's word or a demotion comes after the iterations that had begun by then.
        began = scores.book.all(e.IterationStarted)
        place = max((at.event.iteration for at in began if at.seq < reign.at.seq), default=1)
    return None if value is None else Point(place, value, reign.at.seq)


def _again(scores: Scores, request: FinalRequest) -> Chart:
    """The leaders' values then, and when they were measured again."""
    rows = leaderboard(scores.state, min(request.top_k, MOST_LEADERS)).rows
    names = [str(row.candidate) for row in rows]
    then = [_point(place, scores.then(row.candidate)) for place, row in enumerate(rows)]
    again = [_point(place, scores.again(row.candidate)) for place, row in enumerate(rows)]
    return Chart(
        name="then_and_again",
        title="Leaders: the value then, and when measured again",
        x_label="leader",
        y_label=_y_label(scores),
        series=[
            Series("then", [each for each in then if each], names),
            Series("measured again", [each for each in again if each], names),
        ],
        better=scores.metric.direction,
    )


def _point(place: int, figure: Figure | None) -> Point | None:
    if figure is None:
        return None
    return Point(place, figure.value, figure.at.seq, figure.error_value)


def _spend(scores: Scores) -> Chart:
    """What was spent as time went by: money where it is known, else tokens, else time."""
    book = scores.book
    calls: list[At[Any]] = [
        *book.all(e.AgentFinished),
        *book.all(DecisionAnswered),
        *book.all(DecisionInterrupted),
        *book.all(e.AgentInterrupted),
        *book.all(e.ReviewFinished),
        *book.all(e.ReviewInterrupted),
    ]
    if any(at.event.cost_usd for at in calls):
        parts, label = (
            {"agents and mentor": _sums(book, calls, "cost_usd")},
            "USD, as far as prices are known",
        )
    elif any(at.event.tokens.total for at in calls):
        sides = ("input", "output")
        parts = {f"{side} tokens": _sums(book, calls, f"tokens.{side}") for side in sides}
        label = "tokens"
    else:
        parts, label = _seconds(book), "seconds of work, all slots together"
    return Chart(
        name="spend",
        title="What was spent",
        x_label=f"{_clock(book)[0]} since the run began",
        y_label=label,
        series=[Series(name, points) for name, points in parts.items() if points],
    )


def _clock(book: Book) -> tuple[str, float]:
    """In which unit the time of the run is counted, and how many seconds that has."""
    whole_s = between_s(book.first, book.last)
    if whole_s < 5 * 60:
        return "seconds", 1.0
    return ("minutes", 60.0) if whole_s < 5 * 3600 else ("hours", 3600.0)


def _seconds(book: Book) -> dict[str, list[Point]]:
    checks = book.all(e.CheckFinished)
    return {
        "checks": _sums(book, [at for at in checks if at.event.half is None], "duration_s"),
        "pairs": _sums(book, [at for at in checks if at.event.half is not None], "duration_s"),
        "measuring again": _sums(book, book.all(e.RecheckChecked), "report.duration_s"),
    }


def _sums(book: Book, events: Iterable[At[Event]], path: str) -> list[Point]:
    """What a field has added up to by the time of each event."""
    whole, points, unit_s = 0.0, list[Point](), _clock(book)[1]
    for at in sorted(events, key=lambda each: each.seq):
        whole += dig(at, path) or 0
        points.append(Point(between_s(book.first, at) / unit_s, whole, at.seq))
    if points:
        points.append(Point(between_s(book.first, book.last) / unit_s, whole, book.last.seq))
    return points
