"""Candidates that are others over again: to measure them once more is another ticket in a lottery.

With luck alone one in so many equal candidates is promoted. So nobody gets a second try at the same
champion by the same files.
"""

from collections.abc import Iterator
from typing import Final

from engine.core.events import VerdictReached
from engine.core.ids import candidate_id
from engine.core.measuring import SYNC
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.verdict import Verdict
from engine.core.verdicts import verdict_of

_JUDGED: Final[frozenset[Verdict | None]] = frozenset({"rejected", "inconclusive", "infeasible"})
"""Verdicts by what was measured; what the machine did to a candidate is no judgement of it."""


def twin(state: RunState, turn: OpenIteration) -> VerdictReached | None:
    """The verdict on a candidate that was judged before: there is nothing to measure."""
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    candidate = state.candidates[turn.candidate]
    if state.champion is None or SYNC in candidate.tags:
        return None
    for other, what in _judged(state):
        if other.id != candidate.id and same(other, candidate):
            reason = f"it is the same as {other.id}{what}: nothing was measured"
            return verdict_of(state, turn, "inconclusive", reason)
    return None


def _judged(state: RunState) -> Iterator[tuple[Candidate, str]]:
    """The champion, those that did not beat it, and champions that were taken back; and how.

    Those whose verdicts are in doubt may be tried again.
    """
    champion = state.best()
    if champion is None:
        return
    yield champion, ""
    for number in state.rechecks.of(champion.id).judged:
        other = state.candidates[candidate_id(number)]
        in_doubt = state.rechecks.of(other.id).lost
        if other.verdict in _JUDGED and not in_doubt:
            yield other, f", which was {other.verdict} against {champion.id}"
    for other in state.candidates.values():
        if other.ruled and not other.reigned:
            yield other, f", which was {other.ruled}"


def same(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates have the same parameters, run the same, and have the same files."""
    if one.parameters != other.parameters or _runs(one) != _runs(other):
        return False
    if one.code is None or other.code is None:
        return one.code is other.code
    trees = {one.code.tree, other.code.tree}
    return one.code.commit == other.code.commit or (len(trees) == 1 and "" not in trees)


def _runs(one: Candidate) -> tuple[str, str]:
    """The command of a worker's that it runs, and where; empty for all others."""
    return (one.chosen.command, one.chosen.folder) if one.chosen else ("", "")
