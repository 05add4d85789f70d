"""What a confirmation that failed means for who is champion."""

from engine.core.answering_champions import heir
from engine.core.confidence import is_demoted
from engine.core.events import AnyEvent, ChampionDemoted, RecheckEnded
from engine.core.ids import CandidateId, candidate_id
from engine.core.state import RunState


def recorded(state: RunState, found: RecheckEnded) -> list[AnyEvent]:
    """The events of what measuring again came to, a demotion among them where it follows."""
    demoted = _demotion(state, found)
    return [found, demoted] if demoted else [found]


def _demotion(state: RunState, found: RecheckEnded) -> ChampionDemoted | None:
    """The champion before reigns again. A person's word goes above a confirmation's."""
    candidate = state.candidates[found.candidate]
    if found.purpose != "confirm" or found.outcome != "failed" or not candidate.reigned:
        return None
    if candidate.ruled.startswith("accepted"):
        return None
    champion = state.champion
    if candidate.id == champion:
        champion = heir(state, candidate)
    judged = [candidate_id(number) for number in state.rechecks.of(candidate.id).judged]
    return ChampionDemoted(
        iteration=candidate.iteration,
        candidate=candidate.id,
        champion=champion,
        reason=f"{found.variant}: {found.reason}",
        judged=judged,
        better=best_of(state, judged, champion, _value(state, champion)),
    )


def _value(state: RunState, candidate: CandidateId | None) -> float | None:
    return state.candidates[candidate].value if candidate else None


def best_of(
    state: RunState, names: list[CandidateId], champion: CandidateId | None, now: float | None
) -> CandidateId | None:
    """The best of some candidates, where it is better than who is champion now.

    Args:
        state: the run.
        names: those that were judged.
        champion: who is champion.
        now: what that one is worth.
    """
    fit = [
        each
        for each in (state.candidates[name] for name in names)
        if each.value is not None
        and each.verdict in {"promoted", "rejected", "inconclusive"}
        and not is_demoted(each)
        and (now is None or state.metric.gain(each.value, now) > 0)
    ]
    best = min(fit, key=lambda each: state.metric.sort_key(each.value or 0.0), default=None)
    return None if best is None or best.id == champion else best.id
