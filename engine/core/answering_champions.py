"""What a person says of the champion: pure decisions, as events."""

from typing import Final

from engine.core import events as e
from engine.core.answering_steering import Refusal
from engine.core.commands import AcceptChampion, RejectChampion
from engine.core.ids import CandidateId
from engine.core.state import Candidate, RunState

_PASSED: Final = frozenset({"promoted", "rejected", "inconclusive"})
"""Verdicts of candidates that passed their checks, whatever their value."""


def rule(
    state: RunState, command: AcceptChampion | RejectChampion, *, by: str
) -> list[e.AnyEvent] | Refusal:
    """The event of a person's word on who is champion."""
    if not command.reason.strip():
        return Refusal("it needs a reason, which is kept with it")
    if isinstance(command, AcceptChampion):
        return _accept(state, command, by)
    return _reject(state, command, by)


def _accept(state: RunState, command: AcceptChampion, by: str) -> list[e.AnyEvent] | Refusal:
    candidate = state.candidates.get(command.candidate)
    if candidate is None:
        return Refusal(f"there is no candidate {command.candidate}")
    if candidate.id == state.champion:
        return Refusal(f"{candidate.id} is the champion")
    if candidate.verdict not in _PASSED or candidate.value is None:
        return Refusal(f"{candidate.id} has not passed its checks: {_fate(candidate)}")
    accepted = e.ChampionAccepted(
        candidate=candidate.id,
        iteration=candidate.iteration,
        before=state.champion,
        reason=command.reason,
        by=by,
    )
    return [accepted]


def _reject(state: RunState, command: RejectChampion, by: str) -> list[e.AnyEvent] | Refusal:
    name = command.candidate or state.champion
    candidate = state.candidates.get(name) if name else None
    if candidate is None:
        return Refusal(f"there is no candidate {name}" if name else "there is no champion yet")
    if candidate.id == state.baseline:
        return Refusal(f"{candidate.id} is the baseline: accept another candidate instead")
    if not candidate.reigned:
        return Refusal(f"{candidate.id} never was champion: {_fate(candidate)}")
    champion = state.champion
    if candidate.id == champion:
        champion = heir(state, candidate)
    rejected = e.ChampionRejected(
        candidate=candidate.id,
        iteration=candidate.iteration,
        champion=champion,
        reason=command.reason,
        by=by,
    )
    return [rejected]


def heir(state: RunState, champion: Candidate) -> CandidateId | None:
    """Who was champion before: the last of those who were and may be."""
    before = [each for each in state.candidates.values() if each.reigned and each is not champion]
    return max(before, key=lambda each: each.reigned).id if before else None


def _fate(candidate: Candidate) -> str:
    if candidate.verdict is None:
        return "its iteration is open"
    return f"{candidate.verdict}, {candidate.reason}" if candidate.reason else candidate.verdict
