"""What is kept of an iteration, shown for runs that ended, run and were killed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.coding import Toy, answer, spend, value
from tests.driving import QUICK, Driver, wait_for

Make = Callable[..., Toy]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A run of five iterations with an agent; the last one takes two attempts."""
    toy = Toy(
        tmp_path_factory.mktemp("ended"),
        {
            2: [{"say": "I take one \x1b[2Jless."}, value(9), spend(1200, 0.02), answer()],
            3: [value(-1), spend(500)],
            4: [{"say": "nothing"}],
            "5/1": [value(3), {"fail": {"outcome": "unreachable", "detail": "it is gone"}}],
            "5/2": [value(8), answer(shortlist=[])],
        },
        agent={"retries": 1},
    )
    toy.run(5)
    yield toy
    toy.end()


def show(toy: Toy, *words: str, status: int = 0) -> str:
    """What `show` prints; fails when it ends otherwise."""
    running = toy.call("show", *words)
    assert running.wait() == status, running.output
    return running.output


def data(toy: Toy, *words: str) -> dict[str, Any]:
    """What `show --json` prints: one object."""
    return json.loads(show(toy, *words, "--json"))


def test_a_page_tells_what_was_tried_and_what_became_of_it(ended: Toy) -> None:
    text = show(ended, "2")
    lines = text.splitlines()
    assert lines[0] == "iteration 2 of toy-s0: promoted"
    for line in (
        "  candidate  c-0002 by scripted, from c-0001",
        "  value      score 9 (score can be forged); the champion, c-0001, had 10: gain +10.00 %",
        "  used       1,200 tokens, 0.02 USD",
        "  predicted: score +10 %: it is one less",
        "  * 1. idea 1 (structural; upside 10 %; risk none)",
        "  M work.py  +1 -1",
        "  refs/controlroom/toy-s0/candidates/00002",
        f"  {ended.run_dir}/agents/00002-1",
    ):
        assert line in lines
    for title in ("hypothesis", "changed", "checks", "attempts", "prompt", "lies in"):
        assert title in lines


def test_the_json_has_the_sums_and_the_events(ended: Toy) -> None:
    found = data(ended, "c-0002")
    assert (found["iteration"], found["verdict"], found["tokens"]) == (2, "promoted", 1200)
    assert (found["cost_usd"], found["gain_percent"]) == (0.02, 10.0)
    assert found["commit"] == ended.of_iteration(2, "ChangeCollected")[0]["commit"]
    assert found["checks"][0]["outcome"] == "passed"
    assert data(ended, "3")["cost_usd"] is None


def test_the_diff_is_that_of_the_commit(ended: Toy) -> None:
    assert "-VALUE = 10\n+VALUE = 9" in show(ended, "2", "--diff")
    assert "\n+VALUE = 8" in show(ended, "5", "--diff")
    assert "it is the baseline" in show(ended, "1", "--diff", status=4)
    assert "has changed nothing yet" in show(ended, "4", "--diff", status=4)


def test_prompt_and_transcript_are_those_of_the_last_attempt(ended: Toy) -> None:
    assert show(ended, "2", "--prompt") == ended.prompt(2)
    told = show(ended, "2", "--transcript")
    assert "  I take one ?[2Jless.\n" in told
    assert told.endswith("* ended: answered\n")
    assert "unreachable" not in show(ended, "5", "--transcript")
    first = show(ended, "5", "--transcript", "--attempt", "1")
    assert "* ended: unreachable it is gone" in first
    assert "has the attempts 1, 2" in show(ended, "5", "--prompt", "--attempt", "3", status=2)
    assert "no agent has worked" in show(ended, "1", "--prompt", status=4)


def test_the_attempts_are_told_one_by_one(ended: Toy) -> None:
    attempts = data(ended, "5")["attempts"]
    assert [each["outcome"] for each in attempts] == ["unreachable", "answered"]
    text = show(ended, "5")
    assert "      it is gone\n" in text
    assert "its answer breaks a rule: the shortlist has 0" in text
    assert "refs/controlroom/toy-s0/attempts/00005-1\n" in text


def test_the_output_of_the_checks_is_shown(ended: Toy) -> None:
    text = show(ended, "3", "--checks")
    assert text.startswith("--- score: failed\n")
    assert "AssertionError: not positive\n" in text
    assert "no check has run" in show(ended, "4", "--checks", status=4)


def test_what_is_no_iteration_is_refused(ended: Toy) -> None:
    assert "has no iteration 6; it has 5" in show(ended, "6", status=2)
    for name in ("0", "x", "-1", "9" * 30, "7 "):
        assert "is no iteration" in show(ended, "--", name, status=2)


def test_lost_files_are_said_to_be_lost(make_run: Callable[[], Toy]) -> None:
    toy = make_run()
    folder = toy.paths.attempt(2, 1)
    (folder / "events.jsonl").write_bytes(
        b'{"time": "x"\n\xff\n{"time":"2","event":{"type":"?"}}\n'
    )
    assert show(toy, "2", "--transcript") == ""
    (folder / "events.jsonl").unlink()
    (folder / "prompt.md").unlink()
    assert "no transcript" in show(toy, "2", "--transcript", status=4)
    assert "no prompt" in show(toy, "2", "--prompt", status=4)
    toy.paths.log(2).unlink()
    assert show(toy, "2", "--checks") == "--- score: passed\n"
    assert str(toy.paths.log(2)) not in show(toy, "2").split("lies in")[1]


@pytest.fixture
def make_run(toy: Make) -> Callable[[], Toy]:
    """Makes a run of two iterations that may be damaged."""

    def make() -> Toy:
        made = toy({2: [value(9)]})
        made.run(2)
        return made

    return make


def test_a_repository_that_moved_away_is_named(make_run: Callable[[], Toy]) -> None:
    toy = make_run()
    away = toy.folder / "away"
    (toy.repo / ".git").rename(away)
    assert "not in a git repository" in show(toy, "2", "--diff", status=5)
    away.rename(toy.repo / ".git")


def test_an_iteration_is_shown_while_its_agent_works(toy: Make) -> None:
    live = toy({2: [{"say": "and now I wait"}, {"hang": True}]})
    live.start()
    live.wait_event("AgentStarted")
    wait_for(lambda: "and now I wait" in show(live, "2", "--transcript"))
    text = show(live, "2")
    assert text.startswith("iteration 2 of toy-s0: open\n")
    assert "  1. running" in text
    assert "has changed nothing yet" in show(live, "2", "--diff", status=4)


def test_an_iteration_is_shown_after_a_crash(toy: Make) -> None:
    dead = toy({2: [value(9)]})
    dead.killed_at("change.recorded")
    assert show(dead, "2").startswith("iteration 2 of toy-s0: open\n")
    assert "\n+VALUE = 9" in show(dead, "2", "--diff")
    assert data(dead, "2")["verdict"] is None


def test_a_run_of_parameters_has_the_same_page(tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK)
    driver.run("--iterations", "3")
    text = driver("show", "3").stdout
    assert text.startswith("iteration 3 of quick-s3: ")
    assert "\nparameters\n  " in text
    assert "\n  x " in text
    assert "score " in driver("show", "3", "--checks").stdout
    assert "no agent has worked" in driver("show", "3", "--transcript", status=4).stderr
    found = driver.json("show", "3")
    assert set(found["parameters"]) == {"x", "kind"}
    changed = driver("show", "3", "--diff").stdout
    assert changed.startswith(("-", "+"))
