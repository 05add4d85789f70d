"""Named places at which a crash test kills the engine. Nothing happens unless one is armed."""

from collections.abc import Callable
from typing import Final

NAMES: Final = (
    "journal.created",  # the new journal lies under its temporary name
    "journal.appended",  # events are in the open transaction, not committed
    "journal.committed",  # committed, not yet published
    "snapshot.written",  # the snapshot row is in the open transaction
    "lock.taken",  # the run is ours, nothing is recorded yet
    "recovery.killed",  # what the dead engine left running is gone, unrecorded
    "recovery.recorded",  # interrupted steps are recorded, nothing runs yet
    "iteration.recorded",  # IterationStarted is recorded, no check was begun
    "agent.recorded",  # the intent to let an agent work is recorded, no process yet
    "agent.ended",  # its process ended, the outcome is unrecorded
    "agent.outcome",  # the outcome is recorded, its tree is no commit yet
    "review.recorded",  # the intent to let the mentor look is recorded, no process yet
    "review.ended",  # its process ended, the outcome is unrecorded
    "decision.recorded",  # the intent to ask the worker is recorded, no process yet
    "decision.ended",  # its process ended, the answer is unrecorded
    "decision.answered",  # the answer is recorded and passed the gate, no run has begun
    "decision.held",  # it waits for a review
    "decision.settled",  # what the review does to it is recorded, nothing was begun yet
    "decision.taken",  # that it is carried out is recorded, nothing was begun or cut off yet
    "candidate.held",  # a candidate waits for a review before its checks
    "candidate.settled",  # what the review does to it is recorded, nothing is done about it yet
    "change.collected",  # its tree is a commit under a ref, unrecorded
    "change.recorded",  # the commit is recorded, no check was begun
    "change.carried",  # the change stands on the champion under a ref, unrecorded
    "stash.kept",  # an attempt lies under a ref, unrecorded
    "accepted.recorded",  # the promotion is recorded, the branch is not moved
    "accepted.moved",  # the branch is moved
    "workspace.captured",  # in-place: the person's work lies under a ref, nothing is touched
    "workspace.intended",  # in-place: the intent to switch the checkout is written
    "workspace.switched",  # in-place: the files are switched, the index is not
    "workspace.published",  # in-place: the index is switched, HEAD is not
    "workspace.lent",  # in-place: the checkout is the run's now
    "workspace.accepting",  # in-place: the intent to move the person's branch is written
    "workspace.accepted",  # in-place: it is moved
    "workspace.restoring",  # in-place: the intent to give the person's work back is written
    "workspace.restored",  # in-place: the files are back, index and HEAD are not
    "workspace.returned",  # in-place: all is back, the intent is still there
    "check.recorded",  # the intent to run a check is recorded, no process yet
    "check.spawned",  # its process runs
    "check.produced",  # sealed: the candidate's code is done, the judge has not begun
    "check.ended",  # its process ended, the outcome is unrecorded
    "job.recorded",  # detached: the intent is recorded, there is no supervisor yet
    "job.spawned",  # its supervisor was started, and has not said who it is
    "job.started",  # that it runs is recorded
    "job.attached",  # a later engine follows it again, and has recorded that
    "job.ended",  # it ended and its record is read, that is unrecorded
    "job.over",  # how it ended is recorded, what the check made of it is not
    "outcome.recorded",  # the outcome is recorded, no verdict yet
    "repair.recorded",  # the intent to give a check what it lacks is recorded, nothing is done yet
    "repair.ended",  # that is done or has failed, the outcome is unrecorded
    "verdict.recorded",  # the iteration ended, its scratch folder is still there
    "recheck.begun",  # that a candidate is measured again is recorded, no check was begun
    "recheck.started",  # the intent to run a check for that is recorded, no process yet
    "recheck.checked",  # the outcome of such a check is recorded
    "recheck.ended",  # what it came to is recorded, a demotion with it; the branch is not moved
    "command.read",  # a command was read from the inbox, not decided
    "command.recorded",  # answered by an event, its file is still there
    "pause.written",  # the PAUSE file is there, the event is not
    "pause.removed",  # the PAUSE file is gone, the event is not there
    "finish.planned",  # a finish is planned, nothing of it has begun
    "finish.began",  # the run is frozen
    "finish.cut",  # that something is cut off is recorded, it still runs
    "finish.measured",  # all leaders are measured again that are to be
    "report.started",  # the intent to write the report is recorded
    "report.written",  # its files are there, unrecorded
    "finish.recorded",  # RunFinished is recorded, the engine still runs
    "engine.stopped",  # EngineStopped is recorded, the journal is still open
)

_action: list[Callable[[str], None]] = []


def arm(action: Callable[[str], None]) -> None:
    """Call `action` with the name of every failpoint that is reached from now on."""
    _action[:] = [action]


def reach(name: str) -> None:
    """Mark a failpoint.

    Raises:
        KeyError: the name is not in `NAMES`, so that no crash test would ever try it.
    """
    if name not in NAMES:
        raise KeyError(name)
    for action in _action:
        action(name)
