"""What is said of pairs, noise and champions that are measured again, in a line each."""

from typing import assert_never

from engine.core.duration import format_duration
from engine.core.events import (
    ChampionAccepted,
    ChampionMeasured,
    ChampionRejected,
    NoiseMeasured,
)
from engine.core.metric import Metric
from engine.core.parts import Half


def half_text(half: Half | None) -> str:
    """Which half of which pair: " (pair 3, the champion c-0004)"; empty without one."""
    if half is None:
        return ""
    who = f"the champion {half.of}" if half.role == "champion" else "the candidate"
    return f" (making ready {who})" if half.prepares else f" (pair {half.pair}, {who})"


def noise_text(event: NoiseMeasured) -> str:
    """The noise, and what can be seen in it: "a 0.5 % gain needs about 40 pairs, 12m each"."""
    if event.noise is None or event.visible is None:
        return "the metric is 0 on average: its noise is no share of it"
    told = f"noise {_percent(event.noise)} ({event.pairs} pairs of the baseline): "
    if event.noise == 0:
        return told + "none; metric.noise: none would do"
    pair = f"{event.pair_s:.2g}s" if event.pair_s < 1 else format_duration(round(event.pair_s))
    many = "very many" if event.needed is None else f"about {event.needed}"
    told += f"a {_percent(event.gain)} gain needs {many} pairs, {pair} each"
    if event.needed is None or event.needed > event.most:
        told += f", more than the {event.most} allowed: these show {_percent(event.visible)}"
    return told


def champion_text(event: ChampionMeasured, metric: Metric | None) -> str:
    """The champion's value before and now, and why it was measured."""
    unit = f" {metric.unit}" if metric is not None and metric.unit else ""
    before = "unknown" if event.before is None else f"{event.before:.6g}"
    if not event.changed:
        return f"{event.candidate} measured again: {event.now:.6g}{unit} (before {before})"
    share = ""
    if event.before:
        share = f", {100 * (event.now - event.before) / abs(event.before):+.2g} %"
    return (
        f"the champion {event.candidate} is not what it was: {before} -> {event.now:.6g}{unit}"
        f"{share}; {event.why}{_doubted(event)}"
    )


def _doubted(event: ChampionMeasured) -> str:
    if not event.doubtful:
        return ""
    told = f"; in doubt is what it judged since: {', '.join(event.doubtful)}"
    if event.better is None:
        return told
    accept = f"controlroom champion accept {event.better} makes it champion"
    return f"{told}. {event.better} has a better value than it has now: {accept}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def ruling_text(event: ChampionAccepted | ChampionRejected) -> str:
    """What a person said of the champion, and who is it now."""
    match event:
        case ChampionAccepted():
            instead = f" instead of {event.before}" if event.before else ""
            return f"{event.candidate} is champion{instead}, says {event.by}: {event.reason}"
        case ChampionRejected():
            now = f"{event.champion} is champion" if event.champion else "there is no champion"
            return f"{event.candidate} is rejected by {event.by}, {now}: {event.reason}"
        case _:
            assert_never(event)
