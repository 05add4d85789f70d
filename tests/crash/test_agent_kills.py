"""A run with an agent, killed with -9 at random moments and started again by the same command."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.coding import Json, Steps, Toy, aside, check_climb, spend, value
from tests.driving import of_type, wait_for
from tests.workspaces import git

Make = Callable[..., Toy]

ITERATIONS = 10
MOST_EVENTS = 5
LONGEST_S = 0.15
AT_WORK = 0.3


def turn(iteration: int) -> Steps:
    """A turn of one kind or another: better, worse, wrong, nothing; committed, left, or both."""
    kind = iteration % 5
    steps: Steps = [{"say": f"turn {iteration}"}, spend(100, 0.01)]
    if kind == 2:
        steps += [value(9 - iteration // 5), {"commit": f"better {iteration}"}, aside(0)]
    elif kind == 3:
        steps += [value(90), {"write": {"file": "notes.md", "text": f"{iteration}\n"}}]
    elif kind == 4:
        steps += [value(50), {"commit": "first"}, value(-5), {"commit": "second"}]
    elif kind == 0:
        steps += [{"run": "git stash -q; git checkout -q -b aside; echo x > litter.o"}]
    else:
        steps += [aside(-iteration), {"delete": "src/c.py"}]
    return [*steps, {"run": "sleep 0.2"}]  # for kills that find it with its work done


class Remains:
    """What agents had done and said whenever the engine was killed: all of it is to be kept."""

    def __init__(self) -> None:
        self.transcripts: dict[Path, bytes] = {}
        self.trees: dict[str, dict[str, str]] = {}

    def look(self, climb: Toy) -> None:
        """Remember the transcripts, and the tree of an attempt whose end is not recorded."""
        wait_for(lambda: not climb.processes())  # its sandbox does not outlive the engine
        for path in climb.paths.agents.glob("*/transcript.jsonl"):
            self.transcripts[path] = path.read_bytes()
        tree = climb.paths.trees / "00"
        for begun in unended(climb):
            files = {name: (tree / name).read_text() for name in ("work.py", "aside.py")}
            if files != {name: git_file(climb, begun["base"], name) for name in files}:
                self.trees[f"attempts/{begun['iteration']:05d}-{begun['attempt']}"] = files

    def check(self, climb: Toy) -> None:
        """Fails where anything of it is gone, or where there was nothing to lose."""
        assert self.trees, "no agent was killed with its work done"
        for path, content in self.transcripts.items():
            assert path.read_bytes().startswith(content), path
        refs = climb.kept()
        for name, files in self.trees.items():
            assert {file: git_file(climb, refs[name], file) for file in files} == files, name


def unended(climb: Toy) -> list[Json]:
    """The attempts that were begun, and of which nothing else was recorded."""
    ended = climb.events("AgentFinished", "AgentInterrupted")
    known = {(e["iteration"], e["attempt"]) for e in ended}
    begun = climb.events("AgentStarted")
    return [e for e in begun if (e["iteration"], e["attempt"]) not in known]


def git_file(climb: Toy, commit: str, name: str) -> str:
    """A file as a commit has it."""
    return git(climb.repo, "show", f"{commit}:{name}") + "\n"


def spoken_bytes(climb: Toy) -> int:
    """How much all agents have said."""
    return sum(path.stat().st_size for path in climb.paths.agents.glob("*/transcript.jsonl"))


def killed_somewhere(climb: Toy, dice: random.Random, *, soon: bool) -> None:
    """Run until some events were recorded or an agent speaks, or hardly until the start."""
    spoken = spoken_bytes(climb)
    engine = climb.start("--iterations", str(ITERATIONS))
    if not soon and dice.random() < AT_WORK:
        wait_for(lambda: spoken_bytes(climb) > spoken or engine.poll() is not None)
    elif not soon:
        goal = climb.recorded() + dice.randint(1, MOST_EVENTS)
        wait_for(lambda: climb.recorded() >= goal or engine.poll() is not None)
    ended = engine.wait_at_most(dice.uniform(0, LONGEST_S))
    assert not ended, f"the run was over before it was killed often enough\n{engine.output}"
    engine.kill()
    engine.wait()


@pytest.mark.parametrize("kills", [12, pytest.param(40, marks=pytest.mark.long)])
def test_kills_change_nothing(toy: Make, kills: int) -> None:
    turns: dict[int | str, Steps] = {n: turn(n) for n in range(2, ITERATIONS + 1)}
    policy = {"same_failure": 0, "max_failures": 99}
    reference, climb = toy(turns, policy=policy), toy(turns, policy=policy)
    reference.run(ITERATIONS)

    dice, remains = random.Random(7), Remains()
    for done in range(kills):
        # Spread over the run, however quick the machine is.
        ahead = len(climb.verdicts()) > (ITERATIONS - 2) * done / kills
        killed_somewhere(climb, dice, soon=ahead or dice.random() < 0.1)
        remains.look(climb)
    climb.run(ITERATIONS)

    check_climb(climb, reference)
    assert climb.branch() == climb.champion_commit()
    events = climb.events()
    assert len(of_type(events, "VerdictReached")) == ITERATIONS
    lost = len(of_type(events, "AgentInterrupted"))
    assert lost > 0, "no agent was at work when the engine was killed"
    assert len(of_type(events, "AgentStarted")) == ITERATIONS - 1 + lost
    remains.check(climb)
