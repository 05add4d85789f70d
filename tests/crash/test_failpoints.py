"""Killed at every named failpoint and started again: nothing lost, nothing done twice."""

import importlib
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest

from engine.core.failpoints import NAMES
from tests.driving import Driver, check_history, of_type

ONLY_WITH_COMMANDS = {"command.read", "command.recorded", "pause.written", "pause.removed"}
ONLY_WITH_CODE = ("agent.", "change.", "stash.", "accepted.", "workspace.")
"""Beginnings of names that a search over parameters never reaches; see `test_agent_failpoints`."""
ONLY_SEALED = {"check.produced"}  # see test_sealed_kills
ONLY_AT_THE_END = {
    "finish.planned",
    "finish.began",
    "finish.cut",
    "report.started",
    "report.written",
}  # see test_finish_failpoints
ONLY_WITH_A_REPAIR = {"repair.recorded", "repair.ended"}  # see test_repair_failpoints
ONLY_WITH_A_MENTOR = {
    "review.recorded",
    "review.ended",
    "candidate.held",
    "candidate.settled",
}  # see scenario/test_mentor and scenario/test_policies_candidates
ONLY_WITH_JOBS = {
    "job.recorded",
    "job.spawned",
    "job.started",
    "job.attached",
    "job.ended",
    "job.over",
}  # see test_jobs
ONLY_WITH_A_WORKER = {
    "decision.recorded",
    "decision.ended",
    "decision.answered",
    "decision.taken",
    "decision.held",
    "decision.settled",
}  # see scenario/test_worker and scenario/test_policies
ONLY_ON_RESUMING = {"recovery.killed", "recovery.recorded"}
HITS = {"check.spawned": 5, "check.recorded": 8, "verdict.recorded": 4, "journal.committed": 11}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The run that was never killed."""
    driver = Driver(tmp_path_factory.mktemp("reference"))
    driver.run()
    return driver


def same_outcome(driver: Driver, reference: Driver) -> None:
    """The journal is whole, and the run ended as it would have without being killed."""
    events = driver.events()
    check_history(events)
    assert driver.leaderboard() == reference.leaderboard()
    assert driver.status()["state"] == "done"
    assert driver.marked() == []
    assert not any((driver.run_dir / "steps").iterdir())
    assert not (driver.run_dir / "inbox").exists() or not any(
        (driver.run_dir / "inbox").glob("*.json")
    )


def armed(name: str, hit: int = 1) -> dict[str, str]:
    """The environment that kills an engine at the n-th time it reaches a failpoint."""
    return {"CONTROLROOM_FAILPOINT": f"{name}:{hit}"}


ELSEWHERE = (
    ONLY_WITH_COMMANDS
    | ONLY_ON_RESUMING
    | ONLY_SEALED
    | ONLY_WITH_A_MENTOR
    | ONLY_WITH_A_WORKER
    | ONLY_WITH_JOBS
    | ONLY_WITH_A_REPAIR
    | ONLY_AT_THE_END
)
REACHED = [name for name in NAMES if name not in ELSEWHERE and not name.startswith(ONLY_WITH_CODE)]


@pytest.mark.parametrize("name", REACHED)
def test_a_run_survives_being_killed(name: str, driver: Driver, reference: Driver) -> None:
    died = driver.run(status=None, **armed(name, HITS.get(name, 1)))
    assert died.returncode == -signal.SIGKILL, f"{name} was never reached"
    driver.run()
    same_outcome(driver, reference)


@pytest.mark.parametrize("name", sorted(ONLY_ON_RESUMING))
def test_recovery_survives_being_killed(name: str, driver: Driver, reference: Driver) -> None:
    driver.run(status=-signal.SIGKILL, **armed("check.spawned", 3))
    driver.run(status=-signal.SIGKILL, **armed(name))
    driver.run()
    same_outcome(driver, reference)


@pytest.mark.parametrize("name", sorted(ONLY_WITH_COMMANDS - {"pause.removed"}))
def test_a_command_is_carried_out_once(name: str, driver: Driver, reference: Driver) -> None:
    driver.run(status=-signal.SIGKILL, **armed("check.recorded", 3))
    driver("pause", "--reason", "lunch")
    driver.run(status=-signal.SIGKILL, **armed(name))
    assert (driver.run_dir / "PAUSE").exists()
    driver("resume")
    driver.run()
    same_outcome(driver, reference)
    accepted = of_type(driver.events(), "CommandAccepted")
    assert sorted(event["command"] for event in accepted) == ["pause", "resume"]


def test_a_resume_that_was_cut_off(driver: Driver, reference: Driver) -> None:
    driver.run(status=-signal.SIGKILL, **armed("check.recorded", 3))
    driver("pause")
    driver("resume")
    driver.run(status=-signal.SIGKILL, **armed("pause.removed"))
    driver.run()
    same_outcome(driver, reference)


def functions() -> Iterator[FunctionType]:
    """All tests that kill: those of this folder, and those of mentor and worker."""
    here = Path(__file__).parent
    modules = [f"tests.crash.{path.stem}" for path in here.glob("test_*.py")]
    scenarios = ("test_mentor", "test_worker", "test_policies", "test_policies_candidates")
    for name in [*modules, *(f"tests.scenario.{each}" for each in scenarios)]:
        found = vars(importlib.import_module(name)).items()
        yield from (
            each
            for key, each in found
            if key.startswith("test_") and isinstance(each, FunctionType)
        )


def armed_in(test: FunctionType) -> set[str]:
    """The failpoints that a test is given, one after the other, or names in its own lines."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    given = [text for mark in marks for text in mark.args[1] if isinstance(text, str)]
    named = [text for text in test.__code__.co_consts if isinstance(text, str)]
    return {text.partition(":")[0] for text in [*given, *named]} & set(NAMES)


def test_at_every_failpoint_some_test_kills() -> None:
    tried = {name for test in functions() for name in armed_in(test)}
    assert sorted(set(NAMES) - tried) == []


def test_every_failpoint_is_in_the_code() -> None:
    engine = Path(__file__).parents[2] / "engine"
    source = "".join(path.read_text() for path in engine.rglob("*.py"))
    for name in NAMES:
        assert f'reach("{name}")' in source, name
