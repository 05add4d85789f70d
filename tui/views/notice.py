"""The sentence above the panes: what happened, and the command that goes on."""

from typing import assert_never

from engine.core.state import RunState
from tui.views.condition import Condition, Notice
from tui.views.words import duration_text


def notice_of(condition: Condition, state: RunState | None, now: float) -> Notice | None:
    """What has to be said about the run's condition, if anything."""
    if condition.trouble:
        return Notice(f"! This screen cannot read the run: {condition.trouble}", alarm=True)
    if condition.damage:
        return Notice(f"! {condition.damage} Shown is what can be read.", alarm=True)
    return _by_word(condition, state, now)


def _by_word(condition: Condition, state: RunState | None, now: float) -> Notice | None:
    because = f": {condition.reason}" if condition.reason else ""
    match condition.word:
        case "running" | "pausing" | "finishing" | "reporting":
            return None
        case "starting":
            return Notice(_starting(condition, state))
        case "waiting" if state and state.approvals:
            return Notice(f"? Waiting{because}.", alarm=True)
        case "waiting":
            return Notice(f"◌ Waiting{because}. Nothing to do: it goes on by itself.")
        case "paused":
            return Notice(f"‖ Paused{because}. No new step starts; press p to go on.")
        case "stopping":
            return Notice("◐ Stopping: the steps that run have ten seconds to end.")
        case "stopped":
            return Notice(f"■ Stopped{because}. Go on with:  {condition.resume_command}")
        case "done":
            return Notice(_done(condition, state))
        case "halted":
            return Notice(f"! Halted{because}. Press p to acknowledge and go on.", alarm=True)
        case "stalled":
            return Notice(_stalled(condition, now), alarm=True)
        case "crashed":
            return Notice(_crashed(condition, state), alarm=True)
        case _:
            assert_never(condition.word)


def _starting(condition: Condition, state: RunState | None) -> str:
    if state is None:
        return "○ Starting: waiting for the engine to write the first event of its journal."
    return f"○ Starting: the engine{_pid(condition)} looks at what an earlier one left."


def _stalled(condition: Condition, now: float) -> str:
    silent = duration_text(now - condition.beat_at) if condition.beat_at else "some time"
    return (
        f"! Stalled: the engine{_pid(condition)} holds the run but gave no sign of life for "
        f"{silent}. If it does not come back:  kill -9 {condition.pid}  and  "
        f"{condition.resume_command}"
    )


def _crashed(condition: Condition, state: RunState | None) -> str:
    open_count = len(state.open) if state else 0
    steps = "step is" if open_count == 1 else "steps are"
    again = f" {open_count} open {steps} done again." if open_count else ""
    return (
        f"✗ Crashed: the engine{_pid(condition)} ended without saying why. What was recorded is "
        f"kept.{again}\nGo on with:  {condition.resume_command}"
    )


def _done(condition: Condition, state: RunState | None) -> str:
    best = state.best() if state else None
    champion = f" Champion {best.id}." if best else " Nothing valid was found."
    reason = f": {condition.reason}" if condition.reason else ""
    return f"✓ Done{reason}.{champion} More:  {condition.resume_command} --iterations N"


def _pid(condition: Condition) -> str:
    return f" (process {condition.pid})" if condition.pid else ""
