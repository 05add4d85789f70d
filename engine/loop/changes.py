"""What is said of an agent's change: its commit's message, its event, what is remembered of it."""

from collections.abc import Sequence
from typing import Final

from engine.core.events import AgentFinished, AnyEvent, ChangeCollected
from engine.core.housekeeping import Author, housekeeping
from engine.core.measuring import SYNC
from engine.core.parts import FileChange
from engine.core.patterns import matching
from engine.core.plan import Plan
from engine.core.state import Candidate, OpenIteration, RunState
from engine.knowledge.suspicious import Suspicious
from engine.workspace.protocol import Change

_MOST_NAMED: Final = 5


def tampering(protect: Sequence[str], files: Sequence[FileChange]) -> str:
    """Which protected paths are among the changed files, in words; empty when none is."""
    touched = matching(protect, (file.path for file in files))
    if not touched:
        return ""
    more = f" and {len(touched) - _MOST_NAMED} more" if len(touched) > _MOST_NAMED else ""
    return f"it changes what is protected: {', '.join(touched[:_MOST_NAMED])}{more}"


def commit_message(candidate: Candidate) -> str:
    """What the engine's own commit says: the agent's summary, or which iteration it was."""
    code = candidate.code
    answer = code.answer if code else None
    about = f"Iteration {candidate.iteration} by {candidate.proposer}"
    if answer is None or not (answer.summary or answer.hypothesis):
        return about
    first = (answer.summary or answer.hypothesis).strip().splitlines()[0][:72]
    more = [answer.hypothesis, answer.prediction and f"Predicted: {answer.prediction}", about]
    return "\n\n".join([first, *filter(None, more)])


def collected(
    turn: OpenIteration,
    candidate: Candidate,
    change: Change,
    *,
    scalar: bool,
    suspicious: Suspicious,
) -> ChangeCollected:
    """The event: what the agent's work came to."""
    notes: list[str] = []
    if change.commits > 1:
        notes.append(f"{change.commits} commits, accepted or refused together")
    if change.rewrote:
        notes.append("its commits did not follow the base; the final tree was taken")
    if change.left and change.commits:
        notes.append("it left changes uncommitted; they are part of the candidate")
    if scalar:
        notes.append("nothing but constants")
    return ChangeCollected(
        iteration=turn.iteration,
        candidate=candidate.id,
        commit=change.commit,
        tree=change.tree,
        base=change.base,
        commits=change.commits,
        changed=change.changed,
        files=change.files,
        notes=notes,
        scalar=scalar,
        noticed=list(suspicious.noticed),
        said=suspicious.said,
    )


def made_here(candidate: Candidate) -> bool:
    """Whether it was made here, and was champion or is."""
    made = candidate.code is not None and candidate.code.agent is not None
    return (made or SYNC in candidate.tags) and candidate.verdict == "promoted"


def remembered(state: RunState, ended: AgentFinished, plan: Plan) -> list[AnyEvent]:
    """What an agent wants to be remembered of its turn, as events."""
    if ended.answer is None:
        return []
    name = plan.agent.display_name or state.candidates[ended.candidate].proposer
    author = Author("worker", name, ended.iteration)
    return housekeeping(state, ended.answer.housekeeping, author, plan.memory)
