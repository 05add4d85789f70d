"""The iterations of a run that have a verdict, as an agent wants to hear of them. Pure."""

from collections.abc import Mapping

import msgspec

from engine.core.ids import CandidateId
from engine.core.parts import AgentAnswer, Hotspot
from engine.core.state import Candidate, RunState
from engine.core.verdict import Verdict
from engine.knowledge.wording import gain_share


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that was judged.

    `reference` is what it was made from and compared with: the champion of its time. `gain` is the
    share by which it is better, None where one of the two was not measured.
    """

    candidate: Candidate
    verdict: Verdict
    reference: Candidate | None
    gain: float | None

    @property
    def id(self) -> CandidateId:
        """The candidate's."""
        return self.candidate.id

    @property
    def by_agent(self) -> bool:
        """Whether an agent made it."""
        return self.candidate.code is not None and self.candidate.code.agent is not None

    @property
    def answer(self) -> AgentAnswer | None:
        """What its agent said of it."""
        return self.candidate.code.answer if self.candidate.code else None

    @property
    def dominant(self) -> str | None:
        """The name of its dominant hotspot, where its checks reported any."""
        return dominant(self.candidate.hotspots)


def trials(state: RunState) -> list[Trial]:
    """Everything that was judged so far, the newest iteration first."""
    by_commit = {
        candidate.code.commit: candidate
        for candidate in sorted(state.candidates.values(), key=_age, reverse=True)
        if candidate.code is not None and candidate.code.commit
    }
    judged = [trial for c in state.candidates.values() if (trial := _trial(state, c, by_commit))]
    return sorted(judged, key=lambda trial: trial.candidate.iteration, reverse=True)


def dominant(hotspots: list[Hotspot]) -> str | None:
    """The name of the hotspot with the largest share; of equal ones the first by name."""
    largest = min(hotspots, key=lambda spot: (-spot.share, spot.name), default=None)
    return largest.name if largest else None


def _age(candidate: Candidate) -> int:
    return candidate.iteration


def _trial(state: RunState, one: Candidate, by_commit: Mapping[str, Candidate]) -> Trial | None:
    if one.verdict is None:
        return None
    reference = _reference(state, one, by_commit)
    gain = None
    if one.scored and one.value is not None and reference and reference.value is not None:
        gain = gain_share(state.metric, one.value, reference.value)
    return Trial(candidate=one, verdict=one.verdict, reference=reference, gain=gain)


def _reference(
    state: RunState, one: Candidate, by_commit: Mapping[str, Candidate]
) -> Candidate | None:
    """The owner of the commit that it stands on; a parent says less once a change was carried."""
    owner = by_commit.get(one.code.stands_on) if one.code else None
    if owner is not None and owner.id != one.id:
        return owner
    return state.candidates.get(one.parents[0]) if one.parents else None
