"""The variables by which processes are found again: standard library alone."""

from typing import Final

RUN_VARIABLE: Final = "CONTROLROOM_RUN"
STEP_VARIABLE: Final = "CONTROLROOM_STEP"
TOOL_VARIABLE: Final = "CONTROLROOM_TOOL"
"""Marks the engine's own short commands with the run, where they may outlive it; see `trees`."""

JOBS_VARIABLE: Final = "CONTROLROOM_JOBS"
JOB_VARIABLE: Final = "CONTROLROOM_JOB"
"""What a detached job carries instead of the markers of a step: its run, and `RUN#j-0007`."""
