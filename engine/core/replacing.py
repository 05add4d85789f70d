"""What a review may put in the place of a candidate that waits for it. Pure."""

import msgspec

from engine.core.decisions.parts import Decision
from engine.core.ids import CandidateId
from engine.core.space import Space
from engine.core.state import RunState

_RATIONALE = 20


def fitted(
    state: RunState, candidate: CandidateId, wanted: Decision, space: Space
) -> tuple[Decision | None, list[str]]:
    """The replacement with all its values, or what keeps it from being tried.

    Args:
        state: the run.
        candidate: the one that waits. Where an agent makes its code, the replacement is words.
        wanted: what the review names; parameters that it leaves out are as in the champion.
        space: whose values it may name.
    """
    if wanted.action not in ("run", "propose"):
        return None, [f"replacement: {wanted.action} puts nothing in the place of {candidate}"]
    if wanted.command or wanted.folder:
        return None, ["replacement: no check of this campaign runs a command of a decision"]
    code = state.candidates[candidate].code
    if code is not None and code.agent is not None:
        said = len(wanted.rationale.strip())
        short = f"replacement: {said} characters of rationale do not say what to change"
        return (None, [short]) if said < _RATIONALE else (wanted, [])
    return _of_values(state, wanted, space)


def _of_values(
    state: RunState, wanted: Decision, space: Space
) -> tuple[Decision | None, list[str]]:
    best = state.best()
    kept = dict(best.parameters) if best else {}
    unknown = {n: value for n, value in wanted.parameters.items() if n not in space.names}
    point = space.active(kept | wanted.parameters)
    problems = [
        f"replacement: {problem.parameter} {problem.message}; {problem.fix}"
        for problem in space.check(point | unknown)
    ]
    if problems:
        return None, problems
    if space.key(point) in state.keys:
        return None, ["replacement: these values were tried before"]
    return msgspec.structs.replace(wanted, parameters=point), []
