"""Many iterations of real programs with a worker and a mentor: nothing drifts, nothing swells.

A whole night by a clock that leaps is `test_virtual_night.py`; here processes, git and files are.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
import yaml

from tests.coding import Json, Steps, Toy, answer, spend, value
from tests.driving import of_type
from tests.scenario.test_mentor import opinion

Make = Callable[..., Toy]

CADENCE = 4
NIGHT = 240
"""Four hours at a minute each."""


def turn(number: int) -> Steps:
    """Mostly worse, sometimes better or wrong, and always with something to be remembered."""
    kept = {
        "todo_new": [f"Look at block {number} of the loop", f"Measure {number} bytes a step"],
        "notes_update": f"In {number} nothing of the sort helped: {number * 17} was too much.",
        "data_exploration_update": f"{number} of the samples are odd." if number % 7 == 0 else "",
        "resolve_shared_todo_ids": [f"t-{number:04d}"] if number % 3 == 0 else [],
    }
    new = {0: 9 - number / 1000, 5: -number}.get(number % 10, 10 + number)
    idea = f"a hypothesis of its own, the {number}th"
    said = answer(hypothesis=idea, hypotheses_tested=[idea], housekeeping=kept)
    return [spend(100, 0.001), value(new), said]


def size(parts: list[Json]) -> int:
    return sum(part["characters"] for part in parts)


def memory_kib(pid: int) -> int:
    """What the process holds of its own; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_drifts_and_nothing_swells(toy: Make) -> None:
    reviews = {
        n: [opinion("off_track", critique=f"{n} times.", advice=f"Try {n}.")]
        for n in range(1, NIGHT)
    }
    turns: dict[int | str, Steps] = {n: turn(n) for n in range(2, NIGHT + 1)}
    policy = {"same_failure": 0, "max_failures": NIGHT}
    mentor = {
        "agent": "scripted",
        "script": "../mentor.yaml",
        "every": CADENCE,
        "when_stuck": False,
    }
    climb = toy(turns, agent={"answer": "required"}, mentor=mentor, policy=policy)
    played = {str(number): steps for number, steps in reviews.items()}
    (climb.folder / "mentor.yaml").write_text(yaml.safe_dump({"iterations": played}))
    running = climb.start("--iterations", str(NIGHT))
    held: list[int] = []
    while not running.wait_at_most(5):
        held.append(memory_kib(running.pid))
    assert running.returncode == 0, running.output[-2000:]

    events = climb.events()
    looks = [event["at_iteration"] for event in of_type(events, "ReviewStarted")]
    assert looks[0] == CADENCE
    gaps = [after - before for before, after in pairwise(looks)]
    assert set(gaps) <= {CADENCE, CADENCE + 1}, "a review may be under way when the next is due"
    assert median(gaps) == CADENCE

    prompts = [size(event["parts"]) for event in of_type(events, "AgentStarted")]
    asked = [size(event["parts"]) for event in of_type(events, "ReviewStarted")]
    for sizes in (prompts, asked):
        whole = len(sizes)
        print("prompt characters:", [sizes[whole * part // 8] for part in range(8)], max(sizes))
        assert max(sizes) < 24_000
        assert max(sizes[whole // 2 :]) < 1.25 * max(sizes[: whole // 2])

    pages = {path.name: path.stat().st_size for path in climb.paths.artifacts.glob("*.md")}
    print("pages:", pages)
    assert pages["storyline.md"] < 400 * NIGHT + 1000
    assert max(pages["shared_todo.md"], pages["workpad.md"], pages["mentor_notes.md"]) < 200_000
    print("KiB held:", held[:: max(1, len(held) // 12)])
    early, late = max(held[: len(held) // 3]), max(held)
    assert late - early < 24 * 1024
    journal = sum(path.stat().st_size for path in climb.run_dir.glob("journal*"))
    print("bytes of journal an iteration:", journal // NIGHT)
    assert journal < 64 * 1024 * NIGHT
