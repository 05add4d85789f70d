"""What was tried in a run: who proposed what in which way, and how widely."""

from collections.abc import Sequence
from typing import Any, Final

from engine.core.ids import CandidateId
from engine.reports.final.book import Figure, Trial
from engine.reports.final.facts import At, code, count, distinct, field, none, quote, total_s
from engine.reports.final.results import scale
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import NOTHING, Part, Sheet, listed, tell

_MOST_PARAMETERS: Final = 40
_HEADS: Final = (
    "by", "way", "candidates", "promoted", "not better", "not told apart", "failed", "best value",
    "time of checks",
)  # fmt: skip
_LOST: Final = ("rejected", "inconclusive")


def tried(sheet: Sheet, scores: Scores) -> None:
    """Who proposed what in which way, and what became of it."""
    book = scores.book
    if not book.trials:
        sheet.say(
            "{no} candidate was proposed.", no=none(book.first, book.last, "CandidateProposed")
        )
        return
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in book.trials.values():
        groups.setdefault(_way(trial), []).append(trial)
    sheet.say(
        "Candidates that were proposed: {all}, in {ways}.",
        all=count([trial.proposed for trial in book.trials.values()]),
        ways=tell("one way") if len(groups) == 1 else tell("these ways"),
    )
    scale(sheet, scores)
    sheet.table(_HEADS, [_group(scores, trials) for trials in groups.values()])
    _parameters(sheet, scores)


def _way(trial: Trial) -> tuple[str, str]:
    answered = trial.answered
    if answered is not None and answered.event.answer is not None:
        return trial.proposed.event.proposer, f"answer {answered.event.answer.change_class}"
    way = "no answer" if trial.agents else " ".join(trial.proposed.event.tags)
    return trial.proposed.event.proposer, way


def _group(scores: Scores, trials: Sequence[Trial]) -> list[Part]:
    book = scores.book
    best = _best(scores, trials)
    bad = [trial for trial in trials if trial.failed]
    took = [at for trial in trials for at in trial.checks]
    return [
        field(trials[0].proposed, "proposer"),
        _way_part(trials[0]),
        count([trial.proposed for trial in trials]),
        *(_some(book.verdicts(trials, name)) for name in ("promoted", *_LOST)),
        _some(book.verdicts(bad)),
        scores.value(best) if best else NOTHING,
        total_s([(took, "duration_s")]) if took else NOTHING,
    ]


def _way_part(trial: Trial) -> Part:
    if (answered := trial.answered) is not None:
        return quote(answered, "answer.change_class")
    if trial.agents:
        return tell("no answer")
    tags = trial.proposed.event.tags
    return listed([field(trial.proposed, f"tags.{index}", tag if tag.isalpha() else None)
                   for index, tag in enumerate(tags)])  # fmt: skip


def _some(events: Sequence[At[Any]]) -> Part:
    return count(events) if events else NOTHING


def _best(scores: Scores, trials: Sequence[Trial]) -> Figure | None:
    """The best value of those that were valid."""
    fit = [
        Figure(at, "value")
        for at in scores.book.verdicts(trials, "promoted", *_LOST)
        if at.event.value is not None
    ]
    return min(fit, key=lambda each: scores.metric.sort_key(each.value), default=None)


def _parameters(sheet: Sheet, scores: Scores) -> None:
    """How widely each parameter was varied, and where it was best."""
    book, state = scores.book, scores.state
    proposed = [trial.proposed for trial in book.trials.values()]
    names = dict.fromkeys(name for at in proposed for name in at.event.parameters)
    if not names or state.baseline is None:
        return
    rows: list[list[Part]] = []
    for name in list(names)[:_MOST_PARAMETERS]:
        have = [at for at in proposed if name in at.event.parameters]
        values = distinct(have, f"parameters.{name}")
        rows.append(
            [
                _name_of(have[0], name),
                values,
                _held(scores, state.baseline, name),
                _held(scores, state.champion, name),
            ]
        )
    sheet.table(["parameter", "different values tried", "baseline", "champion"], rows)


def _name_of(at: At[Any], name: str) -> Part:
    return field(at, f"parameters.{name}", code(name))


def _held(scores: Scores, candidate: CandidateId | None, name: str) -> Part:
    """The value that a candidate has of a parameter."""
    at = scores.trial(candidate).proposed if candidate else None
    if at is None or name not in at.event.parameters:
        return NOTHING
    shown = at.event.parameters[name]
    return field(at, f"parameters.{name}", code(str(shown)))
