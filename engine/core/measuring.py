"""Pairs of measurements within an iteration: which half comes next, and who has to wait."""

import hashlib
import math
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.core.events import CheckFinished, PairDrawn
from engine.core.ids import CandidateId
from engine.core.pairs.decided import Pair
from engine.core.parts import Half, Role
from engine.core.plan import Plan, PlannedReferee
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import DrawPair, RunCheck, TakeTurns

SYNC: Final = "sync"
"""The tag of a candidate that is the champion with the main branch merged into it."""

_AB: Final[tuple[Role, Role]] = ("champion", "candidate")
_BA: Final[tuple[Role, Role]] = ("candidate", "champion")


def drawn_of(turn: OpenIteration, champion: CandidateId, pair: int) -> PairDrawn | None:
    """What chance has said of a pair; None where it was not asked, as older versions never did."""
    found = [each for each in turn.drawn if (each.against, each.pair) == (champion, pair)]
    return found[-1] if found else None


def order_of(turn: OpenIteration, champion: CandidateId, pair: int) -> tuple[Role, Role]:
    """Who is measured first and who second."""
    drawn = drawn_of(turn, champion, pair)
    champion_first = pair % 2 if drawn is None else drawn.first == "champion"
    return _AB if champion_first else _BA


def next_half(
    turn: OpenIteration, champion: CandidateId, referee: PlannedReferee, wanted: int
) -> RunCheck | DrawPair | None:
    """The next measurement on the way to so many pairs; None where all are there.

    What was measured of a champion that is none any more counts for nothing.

    Args:
        turn: the iteration.
        champion: whom its candidate is measured against.
        referee: which checks are run.
        wanted: how many pairs.
    """
    halves = [_half(report) for report in _passed(turn, champion)]
    there = {(half.pair, half.role) for half in halves if not half.prepares}
    for pair in range(1, wanted + 1):
        missing: list[Role] = [
            role for role in order_of(turn, champion, pair) if (pair, role) not in there
        ]
        if len(missing) == len(_AB) and (draw := _draw(turn, champion, referee, pair)):
            return draw
        for role in missing:
            half = _half_of(pair, role, turn, champion)
            return _readying(turn, half, referee) or RunCheck(name=referee.check, half=half)
    return None


def _draw(
    turn: OpenIteration, champion: CandidateId, referee: PlannedReferee, pair: int
) -> DrawPair | None:
    """What chance has to say before the pair; the second of two has the other's order, turned."""
    if not referee.drawn or drawn_of(turn, champion, pair) is not None:
        return None
    first = None if pair % 2 else order_of(turn, champion, pair - 1)[1]
    return DrawPair(pair=pair, against=champion, first=first)


def made_ready_again(
    turn: OpenIteration, champion: CandidateId, referee: PlannedReferee
) -> RunCheck | None:
    """What has to be run before other checks of a candidate whose tree was used for pairs."""
    if not referee.one_tree or not turn.halves:
        return None
    return _readying(turn, _half_of(0, "candidate", turn, champion), referee)


def _readying(turn: OpenIteration, half: Half, referee: PlannedReferee) -> RunCheck | None:
    """The next check that makes ready for a half; None where all is ready."""
    if not referee.one_tree:
        half = _half_of(0, "champion", turn, half.against)
    half = msgspec.structs.replace(half, prepares=True)
    ready = {report.check for report in _passed(turn, half.against) if report.half == half}
    for name in referee.prepare:
        if name not in ready:
            return RunCheck(name=name, half=half)
    return None


def _half_of(pair: int, role: Role, turn: OpenIteration, champion: CandidateId) -> Half:
    of = champion if role == "champion" else _candidate(turn)
    return Half(pair=pair, role=role, of=of, against=champion)


def pairs_of(turn: OpenIteration, champion: CandidateId, metric: str) -> list[Pair]:
    """The pairs that are whole, in their order."""
    values: dict[tuple[int, Role], float] = {}
    for report in _passed(turn, champion):
        half = _half(report)
        if not half.prepares and metric in report.metrics:
            values[half.pair, half.role] = report.metrics[metric]
    return [
        Pair(
            champion=values[pair, "champion"],
            candidate=values[pair, "candidate"],
            first=order_of(turn, champion, pair)[0],
        )
        for pair in sorted({pair for pair, _ in values})
        if (pair, "champion") in values and (pair, "candidate") in values
    ]


def was_begun(turn: OpenIteration, half: Half | None, *, one_tree: bool) -> bool:
    """Whether the tree in which a check is to run has what earlier ones left there for it.

    Args:
        turn: the iteration.
        half: what the check runs for; None for the candidate itself.
        one_tree: champion and candidate have the same tree in turn.
    """
    halves = [_half(report) for report in turn.halves]
    if half is None:
        used = one_tree and bool(halves)
        return any(each.pair == 0 for each in halves) if used else bool(turn.finished)
    if one_tree:
        return any((each.pair, each.role) == (half.pair, half.role) for each in halves)
    if half.role == "candidate":
        return bool(turn.finished)
    return any((each.role, each.of) == ("champion", half.of) for each in halves)


def pair_s(turn: OpenIteration) -> float:
    """Seconds that a pair takes, on average; 0 without one."""
    measured = sum(not _half(report).prepares for report in turn.halves)
    took = [report.duration_s for report in turn.halves if _half(report).pair]
    return 2 * math.fsum(took) / measured if measured else 0.0


def _passed(turn: OpenIteration, champion: CandidateId) -> list[CheckFinished]:
    """The halves that count: those of pairs with this champion."""
    return [
        report
        for report in turn.halves
        if report.outcome != "failed" and _half(report).against == champion
    ]


def _half(report: CheckFinished) -> Half:
    assert report.half is not None  # noqa: S101  (what is no half is in `finished`)
    return report.half


def _candidate(turn: OpenIteration) -> CandidateId:
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    return turn.candidate


def measured_as(candidate: Candidate, turn: OpenIteration, seed: int) -> Candidate:
    """The candidate as the check of a half sees it: part of this iteration, with this seed."""
    return msgspec.structs.replace(candidate, iteration=turn.iteration, seed=seed)


def pair_seed(seed: int, turn: OpenIteration, champion: CandidateId, pair: int) -> int:
    """The seed of both halves of a pair: 31 bits that no earlier measurement had.

    Args:
        seed: the run's, from which it follows where chance was not asked.
        turn: the iteration.
        champion: whom the pair is measured against.
        pair: which one.
    """
    if (drawn := drawn_of(turn, champion, pair)) is not None:
        return drawn.seed
    digest = hashlib.blake2b(f"pair/{seed}/{turn.iteration}/{pair}".encode(), digest_size=4)
    return int.from_bytes(digest.digest(), "big") >> 1


def stale(state: RunState, turn: OpenIteration, referee: PlannedReferee) -> str:
    """Why the champion's value must be measured again before anything is compared with it.

    Empty where it need not.
    """
    champion = state.best()
    if champion is None:
        return ""
    if champion.measured is None:
        return "it is not known under which fingerprint it was measured"
    if changed := _changed(champion.measured.fingerprint, state.fingerprint):
        return f"the fingerprint changed: {', '.join(changed)}"
    age = turn.iteration - champion.measured.iteration
    if referee.remeasure and age >= referee.remeasure:
        return f"its value was {age} iterations old"
    return ""


def _changed(before: dict[str, str], now: dict[str, str]) -> Sequence[str]:
    return [
        f"{name} {before.get(name)} -> {now.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def in_turn(
    state: RunState, turn: OpenIteration, plan: Plan, step: RunCheck
) -> RunCheck | TakeTurns:
    """The check, or whom it has to wait for: while one iteration measures pairs, no check runs.

    Agents work on meanwhile. The iteration that is first in number measures first. Where what is
    measured does not feel load, nobody waits.
    """
    if plan.referee is None or not plan.referee.noisy or not plan.referee.alone:
        return step
    others = [other for other in state.turns if _is_rival(state, turn, other)]
    for other in others:
        if _measures(other) or (_waits(state, other, plan) and _goes_first(other, turn, step)):
            return TakeTurns(after=other.iteration)
    if step.half is not None and not _measures(turn):
        for other in others:
            if other.check is not None:
                return TakeTurns(after=other.iteration)
    return step


def _is_rival(state: RunState, turn: OpenIteration, other: OpenIteration) -> bool:
    """Whether another iteration is under way; one of a slot that is no more may never be."""
    return other.iteration != turn.iteration and other.slot < state.slots


def _measures(turn: OpenIteration) -> bool:
    return bool(turn.halves) or turn.half is not None


def _waits(state: RunState, turn: OpenIteration, plan: Plan) -> bool:
    """Whether it has passed what comes before its pairs."""
    passed = {report.check for report in turn.finished if report.outcome != "failed"}
    merged = turn.candidate is not None and SYNC in state.candidates[turn.candidate].tags
    needed = [check.name for check in plan.checks if check.when == "always"]
    return turn.check is None and not merged and passed.issuperset(needed)


def _goes_first(other: OpenIteration, turn: OpenIteration, step: RunCheck) -> bool:
    if _measures(turn):
        return False
    return step.half is None or other.iteration < turn.iteration
