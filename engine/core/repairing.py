"""Whether a check that failed is to be repaired, or is run again because it was. Pure."""

from engine.core.plan import Plan
from engine.core.steps import Repair, RunCheck
from engine.core.turn import OpenIteration


def repair_step(turn: OpenIteration, plan: Plan) -> Repair | RunCheck | None:
    """The one repair of the check that failed last, or its one retry after that.

    What a half of a pair lacks is not looked at: its check has passed before.
    """
    last = turn.finished[-1] if turn.finished else None
    if last is None or last.outcome != "failed" or last.found is None or last.voided:
        return None
    mended = turn.mended.get(last.check)
    if mended is None:
        return None if plan.repair is None else Repair(check=last.check, found=last.found)
    if mended.outcome == "repaired" and mended.after == len(turn.finished):
        return RunCheck(name=last.check)
    return None
