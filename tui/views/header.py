"""The first line: is it alive, is it winning, how long still."""

from dataclasses import dataclass, field

from engine.core.agent_lines import usd_text
from engine.core.confidence_words import trust_text
from engine.core.state import RunState, Spend
from tui.fitting import Field, fit, joined, optional
from tui.ink import Line, Span, line, spread, width_of
from tui.views.condition import MARKS, Condition
from tui.views.finish import FinishView, countdown, finish_of
from tui.views.words import age_text, change_text, count_text, duration_text, value_text


@dataclass(frozen=True, slots=True)
class Champion:
    """The best value so far as the header says it."""

    value: str
    unit: str
    change: str
    label: str
    short_label: str
    better: bool


@dataclass(frozen=True, slots=True)
class HeaderView:
    """What the first line says; ages are computed when it is painted."""

    campaign: str
    condition: Condition
    iteration: int = 0
    limit: int | None = None
    champion: Champion | None = None
    for_s: float | None = None
    alive_s: float = 0.0
    spend: tuple[str, str] = ("", "")
    has_mentor: bool = False
    finish: FinishView = field(default_factory=FinishView)


def header_of(state: RunState | None, condition: Condition, name: str, decimals: int) -> HeaderView:
    """The header of a run; before the first event it knows the run's name only."""
    if state is None:
        return HeaderView(campaign=name, condition=condition)
    return HeaderView(
        campaign=state.campaign,
        condition=condition,
        iteration=state.last_iteration,
        limit=state.limits.iterations,
        champion=_champion(state, decimals),
        for_s=state.limits.for_s,
        alive_s=state.alive_s,
        spend=_spend(state.spend),
        has_mentor=bool(state.document.get("mentor")),
        finish=finish_of(state),
    )


def _spend(spend: Spend) -> tuple[str, str]:
    """What agents have used, longer and shorter; empty where nothing was."""
    tokens, unknown = spend.tokens.total, bool(spend.unpriced or spend.untold)
    if not tokens and not spend.usd:
        return ("cost unknown", "? USD") if unknown else ("", "")
    if unknown and not spend.usd:
        return f"{count_text(tokens)} tokens, price unknown", f"{count_text(tokens)} tokens"
    short = f"{usd_text(spend.usd)}{' + ?' if unknown else ''} USD"
    return f"{count_text(tokens)} tokens {short}", short


def _champion(state: RunState, decimals: int) -> Champion | None:
    best, first = state.best(), state.first()
    if best is None or best.value is None:
        return None
    reference = first.value if first else None
    metric = state.metric
    return Champion(
        value=value_text(best.value, decimals),
        unit=metric.unit or metric.name,
        change=change_text(best.value, reference) if reference is not None else "",
        label=", ".join(filter(None, (metric.caption, trust_text(state, best), _drift(state)))),
        short_label=metric.short_caption,
        better=reference is not None and metric.gain(best.value, reference) > 0,
    )


def _drift(state: RunState) -> str:
    """How far the baseline went since it was measured first, where that is more than noise."""
    drift = state.rechecks.drift
    if drift is None or not drift.changed or drift.share is None:
        return ""
    return f"baseline {100 * drift.share:+.2g} %"


def header_line(view: HeaderView, width: int, now: float) -> Line:
    """The header in `width` cells: the condition and the champion are the last to go."""
    left = [
        Field((line(view.campaign, "strong"), line(_short(view.campaign, 12), "strong")), 6),
        Field((_word(view.condition),), 0),
        _iteration(view),
        _heartbeat(view.condition, now),
    ]
    right = [*_champion_fields(view.champion), _spend_field(view), _time(view, now)]
    forms = fit([*left, *right], width - 3, 2)
    middle = len(left)
    end = (*joined(forms[middle:], 2), Span(" "))
    wide = (Span(" "), *joined(forms[:middle], 3))
    if width >= 100 and width_of(wide) + width_of(end) < width:
        return spread(wide, end, width)
    return spread((Span(" "), *joined(forms[:middle], 2)), end, width)


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _word(condition: Condition) -> Line:
    return line(f"{MARKS[condition.word]} {condition.word}", condition.ink)


def _iteration(view: HeaderView) -> Field:
    count = f"{view.iteration}/{view.limit}" if view.limit else str(view.iteration)
    long = (Span("iteration ", "quiet"), Span(count))
    return Field((long, line(count)), 5)


def _heartbeat(condition: Condition, now: float) -> Field:
    if condition.beat_at is None:
        return optional(rank=3)
    age = now - condition.beat_at
    if not condition.live:
        return optional(line(f"♥ last {duration_text(age)} ago", "quiet"), rank=7)
    ink = "alarm" if condition.word == "stalled" else "plain"
    return optional((Span("♥ ", "quiet"), Span(age_text(age), ink)), rank=3)


def _champion_fields(champion: Champion | None) -> list[Field]:
    if champion is None:
        return [optional(line("no champion yet", "quiet"), rank=8)]
    value = Span(f"{champion.value} {champion.unit}", "strong")
    change = (Span(champion.change, "accent" if champion.better else "plain"),)
    label = (Span(champion.label, "quiet"),) if champion.label else ()
    short = line(champion.short_label, "quiet") if champion.short_label else ()
    return [
        Field(((Span("champion ", "quiet"), value), (value,)), 4),
        optional(change if champion.change else (), rank=1),
        Field((label, short), 2),
    ]


def _spend_field(view: HeaderView) -> Field:
    if not view.spend[0]:
        return optional(rank=9)
    return optional(*(line(form, "quiet") for form in view.spend), rank=9)


def _alive_s(view: HeaderView, now: float) -> float:
    """How long engines have worked on the run: the heartbeat knows it better than the journal."""
    condition = view.condition
    if condition.alive_s is None or condition.beat_at is None:
        return view.alive_s
    return condition.alive_s + (now - condition.beat_at if condition.live else 0.0)


def _time(view: HeaderView, now: float) -> Field:
    before, clock = countdown(view.finish, now)
    if clock and view.condition.live:
        ink = "plain" if view.finish.phase == "scheduled" else "strong"
        return optional((Span(before, "quiet"), Span(clock, ink)), line(clock, ink), rank=1)
    alive = _alive_s(view, now)
    if not alive:
        return optional(rank=7)
    if view.for_s is not None and view.condition.live:
        left = duration_text(view.for_s - alive)
        return optional((Span(left), Span(" left", "quiet")), line(left), rank=7)
    elapsed = duration_text(alive)
    return optional((Span(elapsed), Span(" elapsed", "quiet")), line(elapsed), rank=7)
