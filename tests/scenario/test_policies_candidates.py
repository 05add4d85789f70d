"""What a mentor may do to a candidate before its checks, where no worker decides."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.coding import Json, Steps, Toy, answer, value
from tests.driving import Driver, check_history, of_type
from tests.scenario.test_mentor import mentored, opinion
from tests.scenario.test_policies import GARBAGE, STALLS, seconds

Make = Callable[..., Toy]
WAIT_S = 1.5
WHAT = "Halve the value instead of taking one off it."
LATE: Steps = [{"sleep": "2500ms"}, opinion("off_track")]


def instead(**changed: Any) -> Json:
    """What a mentor would try in the place of a candidate."""
    given: Json = {
        "action": "propose",
        "rationale": WHAT,
        "category": "other",
        "label": "halve it",
        "command": "",
        "folder": "",
        "parameters": [],
        "run": "",
        "wait_s": 0,
        "monitor_s": 0,
    }
    return given | changed


NOTHING = instead(action="none")
TURNS: Mapping[Any, Steps] = {n: [value(11 - n), answer()] for n in range(2, 9)}


def reviewed(make: Make, policy: str, steps: Steps, **mentor: Any) -> Toy:
    """A toy each candidate of which meets a review trigger, and its reviews."""
    given: Json = {
        "every": 1,
        "when_stuck": False,
        "policy": policy,
        "wait": "20s",
        "sandbox": "off",
    }
    return mentored(make, TURNS, dict.fromkeys(range(1, 9), steps), **given | mentor)


def delays(climb: Toy) -> list[float]:
    """How long each candidate waited between its commit and its check."""
    there = {e["candidate"]: seconds(e) for e in climb.events("ChangeCollected")}
    begun = {e["candidate"]: seconds(e) for e in climb.events("CheckStarted")}
    return [begun[name] - at for name, at in there.items() if name in begun]


@pytest.mark.parametrize(
    ("policy", "steps"),
    [("veto", STALLS), ("replace", GARBAGE), ("veto", LATE)],
    ids=["stalls", "garbage", "late"],
)
def test_a_review_that_is_no_use_loses_no_candidate_and_holds_none_for_long(
    toy: Make, policy: str, steps: Steps
) -> None:
    climb = reviewed(toy, policy, steps, wait=f"{WAIT_S}s")
    climb.run(3)
    check_history(climb.events())
    assert set(climb.verdicts().values()) == {"promoted"}
    held = climb.events("CandidateHeld")
    assert held
    released = climb.events("CandidateReleased")
    assert [e["candidate"] for e in released] == [e["candidate"] for e in held]
    assert max(delays(climb)) < WAIT_S + 1


def test_a_veto_puts_the_change_aside_before_its_checks_and_a_person_may_restore_it(
    toy: Make,
) -> None:
    climb = reviewed(toy, "veto", [opinion("off_track", critique="Small steps again.")])
    climb.run(5)
    check_history(climb.events())
    vetoed = climb.events("CandidateVetoed")
    assert vetoed[0]["candidate"] == "c-0002"
    assert vetoed[0]["reason"] == "Small steps again."
    assert climb.of_iteration(2, "CheckStarted") == [], "nothing was spent on it"
    assert climb.verdicts()[2] == "inconclusive"
    assert "put aside by mentor as s-001: r-001: Small steps again." in climb.verdict(2)["reason"]
    assert climb.verdicts()[3] == "promoted", "not twice in a row"
    assert "Small steps again." in climb.prompt(3)
    assert "stash/s-001" in climb.kept()
    told = (climb.paths.review("r-001") / "prompt.md").read_text()
    assert "## The candidate that waits for you, before its checks\n\nc-0002 by scripted" in told
    assert "- hypothesis: a smaller number is a smaller score" in told
    assert "- work.py: 1 lines added, 1 removed" in told
    climb.call("stash", "restore", "s-001").wait()
    climb.run(6)
    (restored,) = climb.of_iteration(6, "CandidateProposed")
    assert restored["restores"] == "s-001"
    assert climb.of_iteration(6, "CandidateHeld") == [], "a person wants it"


def test_a_replacement_is_tried_next_and_both_are_kept(toy: Make) -> None:
    said = opinion("off_track", critique="One at a time.", replacement=instead())
    climb = reviewed(toy, "replace", [said], every=2)
    climb.run(5)
    check_history(climb.events())
    (replaced, *_) = climb.events("CandidateReplaced")
    held = replaced["iteration"]
    assert (replaced["review"], replaced["replacement"]["rationale"]) == ("r-001", WHAT)
    assert climb.of_iteration(held, "CheckStarted") == []
    assert "stash/s-001" in climb.kept()
    (proposed,) = climb.of_iteration(held + 1, "CandidateProposed")
    assert proposed["replaces"] == replaced["candidate"]
    assert proposed["tags"] == ["replacement"]
    assert f"do this now, and put r-001 into `follows`: halve it: {WHAT}" in climb.prompt(held + 1)
    assert climb.of_iteration(held + 1, "CandidateHeld") == [], "the mentor's own word"
    assert climb.verdicts()[held + 1] == "promoted"
    printed = climb.call("events")
    printed.wait()
    assert f"{replaced['candidate']} replaced by r-001: propose halve it" in printed.output
    assert "do this now" not in climb.prompt(held + 2)
    page = climb.call("show", str(held))
    page.wait()
    assert f"\nreview\n  {replaced['candidate']} waits for a review until " in page.output
    listed = climb.call("mentor", "list")
    listed.wait()
    assert f"{replaced['candidate']} waited for it: inconclusive; in its place c-" in listed.output


@pytest.mark.parametrize(
    "other",
    [NOTHING, instead(action="fly"), instead(rationale="no"), instead(action="shut_down")],
    ids=["none", "malformed", "empty", "stops"],
)
def test_a_replacement_that_is_none_cancels_no_candidate(toy: Make, other: Json) -> None:
    climb = reviewed(toy, "replace", [opinion("off_track", replacement=other)])
    climb.run(3)
    assert set(climb.verdicts().values()) == {"promoted"}
    assert climb.events("CandidateReplaced") == []
    assert climb.events("ReviewFinished")[0]["opinion"]["course"] == "off_track"


@pytest.mark.parametrize("failpoint", ["candidate.held", "candidate.settled"])
def test_killed_while_a_candidate_waits_it_goes_on(toy: Make, failpoint: str) -> None:
    climb = reviewed(toy, "veto", [opinion("on_track")])
    climb.killed_at(failpoint, iterations=3)
    climb.run(3)
    check_history(climb.events())
    assert set(climb.verdicts().values()) == {"promoted"}
    assert [e["candidate"] for e in climb.events("CandidateReleased")] == ["c-0002"]


SEARCH: Json = {
    "campaign": "searched",
    "environment": {"interpreter": "own"},
    "baseline": {"x": 0},
    "metric": {"name": "score", "direction": "min", "noise": "none"},
    "space": {"x": {"int": [0, 40]}},
    "checks": [
        {
            "name": "measure",
            "run": '{python} -I -S -c "import json, os; x = json.load(open(os.environ['
            "'CONTROLROOM_CANDIDATE']))['parameters']['x']; json.dump({'metrics': {'score': "
            "(x - 17) ** 2}}, open(os.environ['CONTROLROOM_RESULT'], 'w'))\"",
            "deadline": "30s",
            "reports": ["score"],
        }
    ],
    "finish": {"report": False},
}


def searched(folder: Path, policy: str, said: Json) -> Driver:
    """A search over parameters with a mentor that looks once."""
    mentor: Json = {
        "agent": "scripted",
        "script": "mentor.yaml",
        "every": 1,
        "when_stuck": False,
        "policy": policy,
        "wait": "20s",
        "sandbox": "off",
    }
    driver = Driver(folder, yaml.safe_dump(SEARCH | {"mentor": mentor}), "searched-s0")
    script = {"iterations": {"1": [said]}, "otherwise": [opinion("on_track")]}
    (folder / "mentor.yaml").write_text(yaml.safe_dump(script))
    return driver


def test_in_a_search_a_review_may_name_other_values(tmp_path: Path) -> None:
    other = instead(parameters=[{"name": "x", "value": "17"}])
    driver = searched(tmp_path, "replace", opinion("off_track", replacement=other))
    driver.run("--iterations", "4")
    events = driver.events()
    check_history(events)
    proposed = {e["iteration"]: e for e in of_type(events, "CandidateProposed")}
    verdicts = {e["iteration"]: e for e in of_type(events, "VerdictReached")}
    assert verdicts[2]["verdict"] == "inconclusive"
    assert verdicts[2]["value"] is None
    assert verdicts[2]["reason"].startswith("replaced by r-001, before its checks: ")
    assert proposed[3]["parameters"] == {"x": 17}
    assert (proposed[3]["proposer"], proposed[3]["replaces"]) == ("mentor", "c-0002")
    assert verdicts[3]["verdict"] == "promoted"
    told = (driver.run_dir / "agents" / "r-001" / "prompt.md").read_text()
    assert f"- what differs from the champion: x={proposed[2]['parameters']['x']}" in told
    assert proposed[4]["parameters"] != proposed[2]["parameters"]


def test_values_outside_of_the_space_cancel_nothing(tmp_path: Path) -> None:
    other = instead(parameters=[{"name": "x", "value": "99"}])
    driver = searched(tmp_path, "replace", opinion("off_track", replacement=other))
    driver.run("--iterations", "3")
    events = driver.events()
    assert of_type(events, "CandidateReplaced") == []
    (finished, *_) = of_type(events, "ReviewFinished")
    assert "replacement: x" in finished["detail"]
    (released, *_) = of_type(events, "CandidateReleased")
    assert "names nothing else to do: replacement: x" in released["reason"]
