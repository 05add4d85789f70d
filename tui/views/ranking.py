"""The candidates in order, kept up to date without sorting them all again."""

from bisect import insort
from collections.abc import Iterable
from itertools import islice

from engine.core.confidence import is_demoted
from engine.core.metric import Metric
from engine.core.state import Candidate, RunState


class Ranking:
    """Scored candidates best first, failed ones newest first; fed with a state that grows.

    Those that a confirmation demoted come after all others that are scored.

    Cost:
        O(new candidates * log n) an update.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._seen = 0
        self._demoted: list[str] = []
        self._open: list[Candidate] = []
        self.scored: list[Candidate] = []
        self.failed: list[Candidate] = []

    @property
    def running(self) -> tuple[Candidate, ...]:
        """Candidates without a verdict, oldest first."""
        return tuple(self._open)

    def update(self, state: RunState) -> list[Candidate]:
        """Takes in what is new; returns the candidates that got their verdict since."""
        fresh = islice(state.candidates.values(), self._seen, None)
        self._open.extend(fresh)
        self._seen = len(state.candidates)
        demoted = [n for n in state.rechecks.evidence if is_demoted(state.candidates[n])]
        if demoted != self._demoted:
            self._demoted = [*demoted]
            self.scored.sort(key=self._key)
        judged = [candidate for candidate in self._open if candidate.verdict is not None]
        if judged:
            self._open = [one for one in self._open if one.verdict is None]
            self._place(judged)
        return judged

    def _place(self, judged: Iterable[Candidate]) -> None:
        for candidate in judged:
            if candidate.scored:
                insort(self.scored, candidate, key=self._key)
            else:
                insort(self.failed, candidate, key=lambda one: -one.iteration)

    def _key(self, candidate: Candidate) -> tuple[bool, float, int]:
        value = candidate.value if candidate.value is not None else 0.0
        return (is_demoted(candidate), self._metric.sort_key(value), candidate.iteration)
