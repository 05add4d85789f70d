"""What a mentor may do to a worker's decisions, under each policy, and how long that takes."""

import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.coding import Json, Steps
from tests.deciding import Decider, decided
from tests.driving import check_history
from tests.scenario.test_mentor import opinion

INSTEAD = {
    key: value
    for key, value in decided("run", x=17)["answer"].items()
    if key not in ("housekeeping", "follows")
}
NOTHING = INSTEAD | {"action": "none", "parameters": []}
STALLS: Steps = [{"sleep": "300s"}]
GARBAGE: Steps = [{"answer": "no JSON"}]
LATE: Steps = [{"sleep": "2500ms"}, opinion("off_track", replacement=INSTEAD)]
WAIT_S = 1.5


def reviewed(folder: Path, reviews: Steps, policy: str, **mentor: Any) -> Decider:
    """A run of three iterations, each decision of which meets a review trigger."""
    given: Json = {
        "agent": "scripted",
        "script": "mentor.yaml",
        "every": 1,
        "when_stuck": False,
        "policy": policy,
        "wait": f"{WAIT_S}s",
        "sandbox": "off",
    }
    driver = Decider(
        folder,
        {n: [decided("run", x=n, kept={"notes_update": f"note {n}"})] for n in range(1, 9)},
        mentor=given | mentor,
        stop={"iterations": 3},
    )
    driver.script("mentor.yaml", {}, reviews)
    return driver


def delays(driver: Decider) -> list[float]:
    """How long each decision to run waited between its answer and its run."""
    answered = {e["decision"]: seconds(e) for e in driver.of("DecisionAnswered")}
    taken = {e["decision"]: seconds(e) for e in driver.of("DecisionTaken")}
    return [at - answered[name] for name, at in taken.items()]


def seconds(event: Json) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


@pytest.mark.parametrize("policy", ["advise", "veto", "replace"])
@pytest.mark.parametrize("reviews", [STALLS, GARBAGE, LATE], ids=["stalls", "garbage", "late"])
def test_a_review_that_is_no_use_loses_nothing_and_holds_nothing_for_long(
    tmp_path: Path, policy: str, reviews: Steps
) -> None:
    driver = reviewed(tmp_path, reviews, policy)
    driver.run()
    check_history(driver.events())
    assert driver.values() == [0, 1, 2], "the worker's decisions, all of them"
    waited = delays(driver)
    held = driver.of("DecisionHeld")
    if policy == "advise":
        assert held == []
        assert max(waited) < 1
    else:
        assert held
        assert max(waited) < WAIT_S + 1
        released = driver.of("DecisionReleased")
        assert [e["decision"] for e in released] == [e["decision"] for e in held]
    notes = [e["text"] for e in driver.of("NoteTaken") if e["role"] == "worker"]
    assert notes == ["note 1", "note 2"]


def test_a_veto_lets_a_decision_come_to_nothing_but_not_twice_in_a_row(tmp_path: Path) -> None:
    said = opinion("off_track", critique="Small steps again.", advice="Take a big one.")
    driver = reviewed(tmp_path, [said], "veto", wait="20s")
    driver.run()
    vetoed, released = driver.of("DecisionVetoed"), driver.of("DecisionReleased")
    assert vetoed[0]["decision"] == "w-0001"
    assert vetoed[0]["reason"] == "Small steps again."
    assert driver.values()[1] == 2, "the first of the worker's decisions began nothing"
    assert "w-0001 run x at 1, vetoed: Small steps again." in driver.prompt(2)
    assert "its advice: Take a big one." in driver.prompt(2)
    assert all("insists" in e["reason"] for e in released)
    (started, *_) = driver.of("ReviewStarted")
    assert started["decision"] == "w-0001"
    told = (driver.run_dir / "agents" / started["review"] / "prompt.md").read_text()
    assert "## The worker's decision, which waits for you" in told
    assert "w-0001: run x at 1, x=1" in told


def test_a_replacement_begins_and_both_decisions_are_kept(tmp_path: Path) -> None:
    said = opinion("off_track", replacement=INSTEAD, kept={"notes_update": "17 is best"})
    driver = reviewed(tmp_path, [said], "replace", wait="20s")
    driver.run()
    (replaced, *_) = driver.of("DecisionReplaced")
    assert (replaced["decision"], replaced["review"]) == ("w-0001", "r-001")
    (answered, *_) = driver.of("DecisionAnswered")
    assert answered["answer"]["parameters"] == {"x": 1}, "the worker's own word stays"
    assert driver.values()[1] == 17
    assert "w-0001 run x at 1, taken was replaced by review r-001" in driver.prompt(2)
    assert {(e["role"], e["text"]) for e in driver.of("NoteTaken")} >= {
        ("worker", "note 1"),
        ("mentor", "17 is best"),
    }
    (first, *_) = driver.json("decision", "list")["decisions"]
    assert (first["own"]["parameters"], first["decision"]["parameters"]) == ({"x": 1}, {"x": 17})
    assert first["review"]["course"] == "off_track"
    assert (first["iteration"], first["verdict"]) == (2, driver.verdicts()[2])
    listed = driver("decision").stdout
    assert "w-0001  after 1 iterations" in listed
    assert "began iteration 2: promoted" in listed
    page = driver("show", "2").stdout
    assert "decision\n  w-0001, " in page
    assert "  r-001 put it in the place of the worker's own: run x at 1, x=1" in page.splitlines()
    assert driver.status()["worker"]["in_vain"] == 0


@pytest.mark.parametrize(
    "instead",
    [
        INSTEAD | {"action": "fly"},
        INSTEAD | {"parameters": [{"name": "x", "value": "99"}]},
        NOTHING,
    ],
    ids=["malformed", "impossible", "none"],
)
def test_a_replacement_that_is_none_cancels_nothing(tmp_path: Path, instead: Json) -> None:
    driver = reviewed(tmp_path, [opinion("off_track", replacement=instead)], "replace", wait="20s")
    driver.run()
    assert driver.values() == [0, 1, 2]
    assert driver.of("DecisionReplaced") == []
    assert driver.of("ReviewFinished")[0]["opinion"]["course"] == "off_track"


@pytest.mark.parametrize("failpoint", ["decision.held", "decision.settled"])
def test_killed_while_a_decision_waits_it_goes_on(tmp_path: Path, failpoint: str) -> None:
    driver = reviewed(tmp_path, [opinion("on_track")], "veto", wait="20s")
    driver.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=f"{failpoint}:1")
    driver.run()
    check_history(driver.events())
    assert driver.values() == [0, 1, 2]
    assert [e["decision"] for e in driver.of("DecisionReleased")] == ["w-0001", "w-0002"]
