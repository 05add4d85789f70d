"""What is said of candidates and their scores, as facts."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.core import events as e
from engine.core.confidence import confidence
from engine.core.ids import CandidateId
from engine.core.metric import FORGEABLE
from engine.core.pairs.decided import Decision
from engine.core.pairs.words import amount_words
from engine.core.state import RunState
from engine.reports.final.book import Book, Figure, Trial
from engine.reports.final.facts import (
    At,
    Fact,
    Source,
    certainty,
    code,
    dig,
    field,
    number,
    percent_text,
    quote,
    unit_of,
)
from engine.reports.final.sheet import NOTHING, Part, Told, listed, tell

MEANS: Final[Mapping[str, str]] = {
    "exploratory": "measured in its own iteration only, or not shown again",
    "replicated": "its gain was shown again, by other processes at another moment",
    "stable": "every declared variant confirmed it",
}
_FEW, _MANY = 6, 12
_MOST_PARAMETERS: Final = 16


class Scores:
    """Facts about the candidates of a run.

    Args:
        book: its records.
        state: what they add up to.
    """

    def __init__(self, book: Book, state: RunState) -> None:
        self.book = book
        self.state = state
        self.metric = state.metric
        self._coarse = _digits(
            figure.value
            for reign in book.reigns
            if reign.champion
            for figure in book.trials[reign.champion].values[:1]
        )
        self._fine = _digits(figure.value for each in book.judged for figure in each.values)

    @property
    def name(self) -> Fact:
        """The metric's name."""
        return field(self.book.campaign, "metric.name")

    @property
    def direction(self) -> Fact:
        """Which values are better."""
        better = "lower" if self.metric.direction == "min" else "higher"
        return field(self.book.campaign, "metric.direction", better)

    @property
    def mark(self) -> Told:
        """What has to be known of the metric's figures wherever they are shown, in brackets."""
        parts: list[Part] = []
        if self.metric.label:
            parts.append(field(self.book.campaign, "metric.label", _label(self.metric.label)))
        if self.metric.forgeable:
            parts.append(field(self.book.campaign, "metric.forgeable", FORGEABLE))
        return tell(" ({marks})", marks=listed(parts)) if parts else NOTHING

    @property
    def unit(self) -> Told:
        """The unit, with a space before it."""
        return tell(" {unit}", unit=unit_of(self.book.campaign)) if self.metric.unit else NOTHING

    def figure(self, found: Figure, *, finely: bool = False) -> Fact:
        """A measured value: as many digits as tell champions apart, or, `finely`, all values."""
        digits = self._fine if finely else self._coarse
        return field(found.at, found.path, number(found.value, digits))

    def value(self, found: Figure) -> Told:
        """The value with its unit."""
        return tell("{value}{unit}", value=self.figure(found), unit=self.unit)

    def exactly(self, found: Figure) -> Told:
        """The value with its unit, its standard error where it has one, and its marks."""
        error = NOTHING
        if found.error_value:
            error = tell(
                " ± {error}", error=field(found.at, found.error, f"{found.error_value:.2g}")
            )
        return tell(
            "{value}{error}{unit}{mark}",
            value=self.figure(found),
            error=error,
            unit=self.unit,
            mark=self.mark,
        )

    def trial(self, candidate: CandidateId) -> Trial:
        """What is recorded of a candidate."""
        return self.book.trials[candidate]

    def id(self, candidate: CandidateId) -> Fact:
        """The candidate's id."""
        return field(self.trial(candidate).proposed, "candidate")

    def iteration(self, candidate: CandidateId) -> Fact:
        """The number of its iteration."""
        return field(self.trial(candidate).proposed, "iteration")

    def now(self, candidate: CandidateId) -> Figure | None:
        """The value that a leaderboard has of it: measured beside others, but not at the end."""
        known = [v for v in self.trial(candidate).values if not _at_end(v)]
        return known[-1] if known else None

    def again(self, candidate: CandidateId) -> Figure | None:
        """Its value when it was measured the last time after its iteration."""
        values = self.trial(candidate).values
        later = [v for v in values if not isinstance(v.at.event, e.VerdictReached)]
        return later[-1] if later else None

    def then(self, candidate: CandidateId) -> Figure | None:
        """Its value in its own iteration."""
        values = self.trial(candidate).values
        return values[0] if values and isinstance(values[0].at.event, e.VerdictReached) else None

    def gain(self, new: Figure | None, old: Figure | None) -> Fact | None:
        """How much better a value is than another; None where that is no share of it."""
        if new is None or old is None or not old.value:
            return None
        if not (math.isfinite(new.value) and math.isfinite(old.value)):
            return None
        share = self.metric.gain(new.value, old.value) / abs(old.value)
        of = (Source((new.at.seq,), new.path), Source((old.at.seq,), old.path))
        return Fact(percent_text(share), "gain", of)

    def over_baseline(self, candidate: CandidateId) -> Fact | None:
        """The gain over the baseline, by the values that the leaderboard has."""
        first = self.state.baseline
        if first is None or candidate == first:
            return None
        return self.gain(self.now(candidate), self.now(first))

    def label(self, candidate: CandidateId) -> Fact | None:
        """How far its score was shown again."""
        found = confidence(self.state, self.state.candidates[candidate])
        trial = self.trial(candidate)
        if found is None or trial.verdict is None:
            return None
        events = {trial.verdict.seq, *(v.at.seq for v in trial.values)}
        events |= {at.seq for at in self.book.rechecks_of(candidate)}
        return Fact(found, "label", (Source(tuple(sorted(events))),))

    def pairs(self, at: At[Any], path: str = "decision") -> Told:
        """What pairs said: estimate, interval, certainty and how many; empty without any."""
        found: Decision | None = dig(at, path)
        if found is None or found.estimate is None or found.low is None or found.high is None:
            return NOTHING
        width = (found.high - found.low) / 2
        reference = found.reference or 0.0
        ends = [
            _share(at, f"{path}.{name}", path, amount_words(end, reference, width))
            for name, end in (
                ("estimate", found.estimate),
                ("low", found.low),
                ("high", found.high),
            )
        ]
        return tell(
            "{estimate} [{low}, {high}] at {certainty}, {pairs} pairs",
            estimate=ends[0],
            low=ends[1],
            high=ends[2],
            certainty=certainty(at, f"{path}.error"),
            pairs=field(at, f"{path}.pairs"),
        )

    def parameters(self, candidate: CandidateId) -> Told:
        """The parameters of a candidate, on a line."""
        at = self.trial(candidate).proposed
        names = list(at.event.parameters)[:_MOST_PARAMETERS]
        return listed([_parameter(at, name) for name in names], " ")

    def changed(self, candidate: CandidateId) -> Told:
        """What it changes against its first parent: parameters, or what its agent says."""
        trial = self.trial(candidate)
        if (answered := trial.answered) is not None:
            said = answered.event.answer
            path = "answer.hypothesis" if said and said.hypothesis else "answer.summary"
            return tell("{said}", said=quote(answered, path))
        parents = trial.proposed.event.parents
        parent = self.book.trials.get(parents[0]) if parents else None
        return self._differences(trial, parent) if parent else self.parameters(candidate)

    def _differences(self, trial: Trial, parent: Trial) -> Told:
        before, after = parent.proposed.event.parameters, trial.proposed.event.parameters
        names = [name for name in after if before.get(name) != after[name]]
        told = [
            tell(
                "{was} → {new}",
                was=_parameter(parent.proposed, name),
                new=field(trial.proposed, f"parameters.{name}"),
            )
            if name in before
            else tell("{new}", new=_parameter(trial.proposed, name))
            for name in names[:_MOST_PARAMETERS]
        ]
        return listed(told)


def _parameter(at: At[e.CandidateProposed], name: str) -> Fact:
    shown = at.event.parameters[name]
    text = str(shown).lower() if isinstance(shown, bool) else str(shown)
    return field(at, f"parameters.{name}", code(f"{name}={text}"))


def _at_end(found: Figure) -> bool:
    return isinstance(found.at.event, e.RecheckEnded)


def _share(at: At[Any], path: str, decision: str, text: str) -> Fact:
    """A gain of pairs, in percent of the champion's value where that is not 0."""
    reference = f"{decision}.reference"
    if not dig(at, reference):
        return field(at, path, text)
    return Fact(text, "percent", (Source((at.seq,), path), Source((at.seq,), reference)))


def _label(label: str) -> str:
    return label if label.replace(" ", "").isalpha() else code(label)


def _digits(values: Iterable[float]) -> int:
    """How many significant digits tell the values apart: from 6 to 10."""
    different = {value for value in values if math.isfinite(value)}
    for digits in range(_FEW, 10):
        if len({number(value, digits) for value in different}) == len(different):
            return digits
    return 10
