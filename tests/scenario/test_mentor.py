"""The mentor in real runs: it looks while work goes on, is heard, and is never in the way."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from tests.coding import Json, Steps, Toy, answer, constant, spend, value
from tests.driving import of_type, wait_for

Make = Callable[..., Toy]


def opinion(course: str = "on_track", **changed: Any) -> Json:
    """The step that answers as a mentor does."""
    kept = {
        "todo_new": [],
        "notes_update": "",
        "data_exploration_update": "",
        "resolve_shared_todo_ids": [],
    }
    given = {"course": course, "critique": "It goes down by one.", "question": "", "advice": ""}
    return {"answer": given | {"housekeeping": kept | changed.pop("kept", {})} | changed}


def mentored(make: Make, turns: Mapping[Any, Steps], reviews: Any, **mentor: Any) -> Toy:
    """A toy with a scripted mentor, which plays `reviews` by their number."""
    given: Json = {"agent": "scripted", "script": "../mentor.yaml", "every": 2} | mentor
    climb = make(turns, agent={"answer": "required"}, mentor=given)
    played = {str(number): steps for number, steps in reviews.items()}
    (climb.folder / "mentor.yaml").write_text(yaml.safe_dump({"iterations": played}))
    return climb


def slow(number: int, **answered: Any) -> Steps:
    """A turn that takes a while."""
    return [{"sleep": "400ms"}, value(number), answer(**answered)]


TURNS: dict[int | str, Steps] = {
    **{n: slow(11 - n) for n in range(2, 5)},
    5: slow(5, follows=["r-001", "t-0001", "nonsense"]),
    **{n: slow(10 - n) for n in range(6, 9)},
}


def test_it_looks_beside_the_work_and_is_heard(toy: Make) -> None:
    said = opinion(
        "off_track",
        critique="Three times the same.",
        question="Why not two at once?",
        advice="Change two numbers.",
        kept={
            "todo_new": ["Try two at once", "and a second thing"],
            "notes_update": "steps of one",
        },
    )
    reviews = {1: [spend(400), {"sleep": "300ms"}, said], 2: [opinion()], 3: [opinion()]}
    climb = mentored(toy, TURNS, reviews)
    climb.run(8)
    assert set(climb.verdicts().values()) == {"promoted"}
    first, second = climb.events("ReviewStarted")[:2]
    assert first["reasons"] == ["every 2 iterations"]
    assert (first["review"], second["review"]) == ("r-001", "r-002")
    (ended,) = (e for e in climb.events("ReviewFinished") if e["review"] == "r-001")
    worked = [e["seq"] for e in climb.events("AgentStarted", "AgentFinished", "CheckFinished")]
    assert any(first["seq"] < seq < ended["seq"] for seq in worked), "work went on meanwhile"
    assert [e["text"] for e in climb.events("TodoAdded")] == ["Try two at once"]
    assert climb.status()["spend"]["tokens"] == 400
    heard = next(n for n in range(3, 9) if "Review r-001" in climb.prompt(n))
    assert heard <= 5
    prompt = climb.prompt(5)
    assert "off_track.\n- Three times the same.\n- its question" in prompt
    assert "- its advice: Change two numbers.\n" in prompt
    assert "t-0001 (mentor," in prompt
    assert "- iteration 3: steps of one" in prompt or "steps of one" in prompt
    told = (climb.paths.review("r-002") / "prompt.md").read_text()
    assert "## Earlier reviews\n\n- r-001, after 2 iterations, off_track" in told
    assert "breakout" in told
    listed = climb.call("mentor", "list", "--json")
    listed.wait()
    (found, *_) = json.loads(listed.output)["reviews"]
    assert (found["outcome"], found["followed_by"]) == ("adopted", ["c-0005"])
    assert found["gain"] == pytest.approx(2 / 7)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([{"answer": "no JSON here"}], "the review holds no JSON object"),
        ([opinion("perhaps")], "review.course: 'perhaps' is not one of on_track, off_track"),
        ([{"fail": {"outcome": "unreachable", "detail": "503"}}], "503"),
    ],
)
def test_a_review_that_fails_changes_nothing(toy: Make, steps: Steps, why: str) -> None:
    turns = {n: [value(11 - n), answer()] for n in range(2, 5)}
    climb = mentored(toy, turns, dict.fromkeys(range(1, 9), steps), every=3)
    climb.run(4)
    assert set(climb.verdicts().values()) == {"promoted"}
    wait_for(lambda: True)
    for event in climb.events("ReviewFinished"):
        assert event["opinion"] is None
        assert why in event["detail"]
    assert "Review r-001" not in climb.prompt(4)


def test_one_that_hangs_holds_nobody_up_and_ends_with_the_run(toy: Make) -> None:
    turns = {n: [value(11 - n), answer()] for n in range(2, 6)}
    climb = mentored(toy, turns, {1: [{"sleep": "300s"}]}, every=1)
    begun = time.monotonic()
    climb.run(5)
    assert time.monotonic() - begun < 60
    assert len(climb.verdicts()) == 5
    (cut,) = climb.events("ReviewInterrupted")
    assert cut["reason"] == "the run ended before it"
    assert climb.events()[-1]["type"] == "EngineStopped"


@pytest.mark.parametrize("failpoint", ["review.recorded", "review.ended"])
def test_killed_with_a_review_under_way_it_goes_on(toy: Make, failpoint: str) -> None:
    turns = {n: [value(11 - n), answer()] for n in range(2, 6)}
    climb = mentored(toy, turns, {n: [spend(100), opinion()] for n in range(1, 9)}, every=2)
    climb.killed_at(failpoint, iterations=5)
    climb.run(5)
    assert list(climb.verdicts().values()) == ["promoted"] * 5
    started = [e["review"] for e in climb.events("ReviewStarted")]
    ended = [e["review"] for e in climb.events("ReviewFinished", "ReviewInterrupted")]
    assert started == ended == list(dict.fromkeys(started))
    (cut, *_) = climb.events("ReviewInterrupted")
    spent = 100 * (failpoint == "review.ended")
    assert (cut["review"], cut["tokens"]["input"] + cut["tokens"]["output"]) == ("r-001", spent)


def test_a_person_asks_and_being_stuck_does_too(toy: Make) -> None:
    same = {
        n: [constant(10), {"write": {"file": f"n{n}", "text": "x"}}, answer()] for n in range(2, 99)
    }
    climb = mentored(toy, same, {n: [opinion()] for n in range(1, 99)}, every=0, stuck_after=3)
    climb.run(4)
    reasons = [e["reasons"] for e in climb.events("ReviewStarted")]
    assert reasons == [] or reasons[0][0].startswith("no new champion in 3")
    running = climb.start("--iterations", "5")
    asked = climb.call("mentor")
    asked.wait()
    running.wait()
    said = asked.output
    assert "mentor toy-s0: " in said
    climb.run(9)
    everything = [r for e in climb.events("ReviewStarted") for r in e["reasons"]]
    assert any(r.startswith("asked by ") for r in everything)
    assert any(r.startswith("no new champion in") for r in everything)
    assert len(of_type(climb.events(), "ReviewAsked")) == 1


def test_without_a_mentor_asking_is_refused(toy: Make) -> None:
    climb = toy({2: [value(9), answer()]})
    climb.run(2)
    assert climb.call("mentor").wait() == 0, "it waits in the inbox"
    climb.run(3)
    (refused,) = of_type(climb.events(), "CommandRefused")
    assert refused["reason"].startswith("the campaign has no mentor")
