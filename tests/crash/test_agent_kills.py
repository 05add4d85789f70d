"""A run with an agent, killed with -9 at random moments and started again by the same command."""

import random
from collections.abc import Callable

from tests.coding import Steps, Toy, aside, check_climb, spend, value
from tests.driving import of_type, wait_for

Make = Callable[..., Toy]

KILLS = 40
ITERATIONS = 10
MOST_EVENTS = 5
LONGEST_S = 0.15


def turn(iteration: int) -> Steps:
    """A turn of one kind or another: better, worse, wrong, nothing; committed, left, or both."""
    kind = iteration % 5
    steps: Steps = [{"say": f"turn {iteration}"}, spend(100, 0.01)]
    if kind == 2:
        steps += [value(40 - iteration), {"commit": f"better {iteration}"}, aside(0)]
    elif kind == 3:
        steps += [value(90), {"write": {"file": "notes.md", "text": f"{iteration}\n"}}]
    elif kind == 4:
        steps += [value(50), {"commit": "first"}, value(-5), {"commit": "second"}]
    elif kind == 0:
        steps += [{"run": "git stash -q; git checkout -q -b aside; echo x > litter.o"}]
    else:
        steps += [aside(-iteration), {"delete": "src/c.py"}, {"run": "sleep 0.05"}]
    return steps


def killed_somewhere(climb: Toy, dice: random.Random, *, soon: bool) -> None:
    """Run until some events were recorded, and a moment longer; or hardly until the start."""
    engine = climb.start("--iterations", str(ITERATIONS))
    if not soon:
        goal = climb.recorded() + dice.randint(1, MOST_EVENTS)
        wait_for(lambda: climb.recorded() >= goal or engine.poll() is not None)
    ended = engine.wait_at_most(dice.uniform(0, LONGEST_S))
    assert not ended, f"the run was over before it was killed often enough\n{engine.output}"
    engine.kill()
    engine.wait()


def test_forty_kills_change_nothing(toy: Make) -> None:
    turns: dict[int | str, Steps] = {n: turn(n) for n in range(2, ITERATIONS + 1)}
    policy = {"same_failure": 0, "max_failures": 99}
    reference, climb = toy(turns, policy=policy), toy(turns, policy=policy)
    reference.run(ITERATIONS)

    dice = random.Random(7)
    for kills in range(KILLS):
        # Spread over the run, however quick the machine is.
        ahead = len(climb.verdicts()) > (ITERATIONS - 2) * kills / KILLS
        killed_somewhere(climb, dice, soon=ahead or dice.random() < 0.1)
    climb.run(ITERATIONS)

    check_climb(climb, reference)
    assert climb.branch() == climb.champion_commit()
    events = climb.events()
    assert len(of_type(events, "VerdictReached")) == ITERATIONS
    lost = len(of_type(events, "AgentInterrupted"))
    assert lost > 0, "no agent was at work when the engine was killed"
    assert len(of_type(events, "AgentStarted")) == ITERATIONS - 1 + lost
