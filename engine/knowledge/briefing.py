"""What an agent is told about the run: the parts of a prompt, in order, each with a cap.

All of it is made from the run's state: the same state gives the same text, to the byte.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec

from engine.core.ids import IterationNumber
from engine.core.metric import Metric
from engine.core.parts import AgentAnswer, Hotspot
from engine.core.reviews.parts import Instead
from engine.core.state import Candidate, Directive, RunState
from engine.knowledge import ideas
from engine.knowledge.chosen import tried
from engine.knowledge.deadline import deadline_lines
from engine.knowledge.escalation import Escalation, of_trials
from engine.knowledge.past import Trial, trials
from engine.knowledge.remembered import memory_texts
from engine.knowledge.reviewed import instead_lines, newest_lines
from engine.knowledge.wording import clip, figure, gain_share, one_line, percent, section

CAPS: Final = {
    "campaign": 1_800,
    "champion": 1_000,
    "results": 3_000,
    "hypotheses": 1_800,
    "negatives": 2_200,
    "hotspots": 900,
    "failure": 1_000,
    "storyline": 1_800,
    "mentor": 2_200,
    "todos": 2_000,
    "notes": 1_600,
    "exploration": 1_200,
    "directives": 6_500,
    "budget": 400,
    "escalation": 700,
    "device": 600,
    "protected": 600,
}
"""The most characters that each part may have; the names are those of a template's places."""

_RESULTS: Final = 8
_HOTSPOTS: Final = 5
_TITLE: Final = 120


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """What a prompt says beside the state: for which turn it is, and under which rules.

    `escalate_below` is a share. `protected` are patterns of paths. `minutes`, `tokens` and `usd`
    are what this iteration may use; None where nothing limits it. `device` is what the device
    broker offers, empty where it offers nothing. `mission` is what to look at above all,
    `instead` what a review put in the place of an earlier change.
    """

    iteration: int
    base: str
    trace: str = ""
    attempt: int = 1
    shortlist: int = 3
    escalate_below: float = 0.03
    protected: tuple[str, ...] = ()
    minutes: float | None = None
    tokens: int | None = None
    usd: float | None = None
    device: str = ""
    mission: str = ""
    instead: Instead | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A section of a prompt with its heading; the text is empty where there is nothing to say."""

    name: str
    text: str


class Briefing(msgspec.Struct, frozen=True, kw_only=True):
    """All parts in order, and what they were made of that the journal wants to know."""

    parts: tuple[Part, ...]
    directives: tuple[str, ...]
    escalation: Escalation


def brief(state: RunState, occasion: Occasion) -> Briefing:
    """The parts of the prompt for an iteration."""
    judged = trials(state)
    stands = of_trials(judged, occasion.escalate_below)
    in_force = [one for one in state.directives.values() if one.retired is None]
    texts = {
        "campaign": _campaign(state),
        "champion": _champion(state, judged, occasion.base),
        "results": _results(state, judged),
        "hypotheses": ideas.open_ideas(judged, _under_way(state), CAPS["hypotheses"]),
        "negatives": ideas.negatives(state.metric, judged, CAPS["negatives"]),
        "hotspots": _hotspots(state, judged),
        "mentor": section(
            "What the mentor says",
            [*instead_lines(occasion.instead), *newest_lines(state)],
            CAPS["mentor"],
        ),
        **memory_texts(state, judged, IterationNumber(occasion.iteration), CAPS),
        "directives": directives_text(in_force, CAPS["directives"]),
        "budget": _budget(state, occasion),
        "escalation": _escalation(stands),
        "device": section("The device", occasion.device.strip().splitlines(), CAPS["device"]),
        "protected": _protected(occasion.protected),
    }
    return Briefing(
        parts=tuple(Part(name=name, text=text) for name, text in texts.items()),
        directives=tuple(str(one.id) for one in in_force),
        escalation=stands,
    )


def _under_way(state: RunState) -> list[AgentAnswer]:
    turns = (state.candidates.get(t.candidate) for t in state.open.values() if t.candidate)
    return [one.code.answer for one in turns if one and one.code and one.code.answer]


def directives_text(in_force: Sequence[Directive], most: int) -> str:
    """The directives, oldest first. Where they do not all fit, the longest are cut, and say so."""
    heads = [f"### Directive {one.id}: {one_line(one.title, _TITLE)}" for one in in_force]
    intro = "Follow these, unless that would break a check or a rule below."
    room = most - len(intro) - 20 - sum(len(head) + 100 for head in heads)
    share = _fair_share([len(one.text.strip()) for one in in_force], room)
    blocks = [
        f"{head}\n\n{_cut(one.text.strip(), share)}"
        for head, one in zip(heads, in_force, strict=True)
    ]
    return clip("\n\n".join(["## Directives", intro, *blocks]), most) if blocks else ""


def _fair_share(lengths: Sequence[int], room: int) -> int:
    """The length to which all are cut so that they fit; what the short ones leave, others get."""
    left, waiting = max(0, room), sorted(lengths)
    for position, length in enumerate(waiting):
        share = left // (len(waiting) - position)
        if length > share:
            return share
        left -= length
    return max(waiting, default=0)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most].rstrip()}{'…'}\n(cut here; {len(text) - most} characters are left out)"


def _campaign(state: RunState) -> str:
    metric = state.metric
    about = one_line(_word(state.document, "about"), 300)
    lines = [f"{one_line(state.campaign, 80)}{f': {about}' if about else ''}"]
    better = "lower" if metric.direction == "min" else "higher"
    label = f" ({one_line(metric.caption, 80)})" if metric.caption else ""
    lines.append(f"- metric: {metric.name}{label}; {better} is better")
    lines += _goal(state)
    lines += [f"- check {line}" for line in _checks(state.document)]
    return section("Campaign", lines, CAPS["campaign"])


def _goal(state: RunState) -> list[str]:
    metric, best, first = state.metric, state.best(), state.first()
    lines: list[str] = []
    if first is not None and first.value is not None:
        lines.append(f"- baseline: {figure(first.value, metric.unit)}")
    if metric.target is not None:
        gap = _gap(metric, metric.target, best)
        lines.append(f"- target: {figure(metric.target, metric.unit)}{gap}")
    if metric.min_gain.amount:
        amount = metric.min_gain.amount
        least = f"{100 * amount:g} %" if metric.min_gain.relative else figure(amount, metric.unit)
        lines.append(f"- a gain below {least} does not count")
    return lines


def _gap(metric: Metric, target: float, best: Candidate | None) -> str:
    if best is None or best.value is None:
        return ""
    if metric.reaches_target(best.value):
        return "; reached"
    share = gain_share(metric, target, best.value)
    shown = "" if share is None else f", {percent(share)} over the champion"
    return f"; {figure(metric.gain(target, best.value), metric.unit)} to go{shown}"


def _checks(document: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for key in ("checks", "post_checks"):
        specs: object = document.get(key)
        for spec in cast("Iterable[object]", specs) if isinstance(specs, list | tuple) else ():
            fields = cast("dict[str, object]", spec) if isinstance(spec, dict) else {}
            command = fields.get("run", "")
            words = cast("list[object]", command) if isinstance(command, list) else [command]
            shown = one_line(" ".join(map(str, words)), 160)
            lines.append(f"{one_line(str(fields.get('name', '')), 40)}: {shown}")
    return lines


def _word(document: dict[str, Any], key: str) -> str:
    value: object = document.get(key)
    return value if isinstance(value, str) else ""


def _champion(state: RunState, judged: Sequence[Trial], base: str) -> str:
    best = state.best()
    if best is None:
        line = "There is none yet: the baseline has not been measured."
        return section("Champion", [line], CAPS["champion"])
    value = figure(best.value, state.metric.unit) if best.value is not None else "not measured"
    lines = [f"{best.id} of iteration {best.iteration}: {state.metric.name} = {value}"]
    if best.code is not None and best.code.commit:
        here = ", which your tree is at" if best.code.commit == base else ""
        lines.append(f"- commit {best.code.commit[:12]}{here}")
    own = next((trial for trial in judged if trial.id == best.id), None)
    if own is not None and own.gain is not None and own.reference is not None:
        lines.append(f"- gained {percent(own.gain)} over {own.reference.id}")
    lines += _said(best)
    if best.id == state.baseline:
        lines.append("- it is the baseline: nothing has been gained yet")
    if best.metrics:
        shown = [f"{name} {figure(value)}" for name, value in sorted(best.metrics.items())]
        lines.append(f"- all its metrics: {one_line(', '.join(shown), 300)}")
    return section("Champion", lines, CAPS["champion"])


def _said(one: Candidate) -> list[str]:
    answer = one.code.answer if one.code else None
    if answer is None:
        return []
    what = answer.summary or answer.hypothesis
    return [f"- what it changed: {one_line(what, 400)}"] if what else []


def _results(state: RunState, judged: Sequence[Trial]) -> str:
    lines = [_result(state, trial) for trial in judged[:_RESULTS]]
    if len(judged) > _RESULTS:
        lines.append(f"({len(judged) - _RESULTS} older ones are not shown)")
    return section("Last results, newest first", lines, CAPS["results"])


def _result(state: RunState, trial: Trial) -> str:
    one, answer = trial.candidate, trial.answer
    words = [f"- {one.id} {trial.verdict}"]
    words += [one_line(one.ruled, 160)] if one.ruled else []
    if one.value is not None:
        words.append(figure(one.value, state.metric.unit))
    if trial.gain is not None:
        words.append(f"gain {percent(trial.gain)}")
    line = ", ".join(words)
    if one.chosen is not None:
        line += f"; {tried(state, one, 240)}"
    if answer is not None and answer.hypothesis:
        line += f"; hypothesis: {one_line(answer.hypothesis, 160)}"
    if answer is not None and answer.prediction:
        line += f"; predicted: {one_line(answer.prediction, 60)}"
    return f"{line}; {one_line(one.reason, 120)}" if one.reason else line


def _hotspots(state: RunState, judged: Sequence[Trial]) -> str:
    best = state.best()
    lines: list[str] = []
    if best is not None and best.hotspots:
        lines.append(f"- champion {best.id}: {_shares(best.hotspots)}")
    last = next((trial.candidate for trial in judged if trial.candidate.hotspots), None)
    if last is not None and last is not best:
        lines.append(f"- last measured {last.id}: {_shares(last.hotspots)}")
    return section("Where the time goes", lines, CAPS["hotspots"])


def _shares(hotspots: Sequence[Hotspot]) -> str:
    largest = sorted(hotspots, key=lambda spot: (-spot.share, spot.name))[:_HOTSPOTS]
    return ", ".join(f"{one_line(spot.name, 60)} {100 * spot.share:.3g} %" for spot in largest)


def _budget(state: RunState, occasion: Occasion) -> str:
    limits, spend = state.limits, state.spend
    lines = deadline_lines(state, occasion.iteration)
    if limits.iterations is not None:
        lines.append(f"- iteration {occasion.iteration} of {limits.iterations}")
    if limits.usd is not None:
        lines.append(f"- run: {max(0.0, limits.usd - spend.usd):.2f} of {limits.usd:.2f} USD left")
    if limits.tokens is not None:
        left = max(0, limits.tokens - spend.tokens.total)
        lines.append(f"- run: {left} of {limits.tokens} tokens left")
    own = _own_budget(occasion)
    if own:
        lines.append(f"- this iteration: at most {', '.join(own)}")
    return section("Budget", lines, CAPS["budget"])


def _own_budget(occasion: Occasion) -> list[str]:
    own: list[str] = []
    if occasion.minutes is not None:
        own.append(f"{occasion.minutes:g} minutes")
    if occasion.tokens is not None:
        own.append(f"{occasion.tokens} tokens")
    if occasion.usd is not None:
        own.append(f"{occasion.usd:g} USD")
    return own


def _escalation(stands: Escalation) -> str:
    if not stands.stands:
        return ""
    lines = [
        f"{one_line(stands.why, 300)}. More of the same will not do:",
        "- choose an idea that is structural, and more radical than the last one;",
        "- a change of class scalar or scaffolding is refused without being measured.",
    ]
    return section("Escalation", lines, CAPS["escalation"])


def _protected(patterns: Sequence[str]) -> str:
    lines = [f"- {one_line(pattern, 120)}" for pattern in patterns]
    intro = ["A change to any of these makes the candidate invalid:"] if lines else []
    return section("Not to be touched", [*intro, *lines], CAPS["protected"])
