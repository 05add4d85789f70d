import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from engine.core import draws
from engine.core.domains import Choices, Floats, Integers
from engine.core.history import History, Parent
from engine.core.ids import CandidateId
from engine.core.search import Exhausted, Move, propose
from engine.core.space import Space

Point = dict[str, Any]


class Run:
    """A search whose values come from a function; None is a failure."""

    def __init__(self, space: Space, value: Callable[[Point], float | None], keep: int = 10):
        self.space = space
        self.value = value
        self.keys: set[str] = set()
        self.history = History(space, self.keys, keep)
        self.moves: list[Move] = []

    def ask(self, explore: float = 0.5, seed: int = 0) -> Move | Exhausted:
        rng = draws.stream("test", seed, len(self.moves))
        return propose(self.history, rng, explore=explore)

    def step(self, explore: float = 0.5, seed: int = 0) -> Move:
        move = self.ask(explore, seed)
        assert isinstance(move, Move)
        self.keys.add(self.space.key(move.point))
        self.history.proposed(move.point)
        self.moves.append(move)
        value = self.value(move.point)
        if value is not None:
            number = len(self.moves)
            name = CandidateId(f"c{number}")
            self.history.scored(Parent((value,), number, name, move.point))
        return move

    def best(self) -> float:
        return self.history.best[0].standing[0]


def grid(count: int = 6, sides: int = 4) -> Space:
    return Space({f"p{i}": Integers(0, sides) for i in range(count)})


def bowl(point: Point) -> float:
    return float(sum((value - 1) ** 2 for value in point.values()))


def test_before_anything_is_scored_the_search_explores():
    run = Run(grid(), lambda _: None)
    assert {run.step(explore=0.0).tags for _ in range(5)} == {("explore",)}
    assert all(not move.parents for move in run.moves)


@pytest.mark.parametrize("explore", [0.0, 0.3, 1.0])
def test_the_declared_share_explores(explore: float):
    run = Run(grid(8, 9), bowl)
    run.step()
    tags = Counter(run.step(explore).tags[0] for _ in range(600))
    assert tags["explore"] / 600 == pytest.approx(explore, abs=0.06 if 0 < explore < 1 else 0)


def test_exploiting_starts_from_the_best_and_says_so():
    run = Run(grid(8, 9), bowl, keep=3)
    for _ in range(60):
        run.step(explore=1.0)
    best = [parent.id for parent in run.history.best]
    assert [p.standing for p in run.history.best] == sorted(p.standing for p in run.history.best)
    used = Counter(
        parent for seed in range(400) for parent in ask_move(run, explore=0.0, seed=seed).parents
    )
    assert set(used) == set(best)
    assert used[best[0]] > used[best[1]] > used[best[2]]


def ask_move(run: Run, explore: float, seed: int) -> Move:
    move = run.ask(explore, seed)
    assert isinstance(move, Move)
    return move


def test_nothing_is_proposed_twice_failed_or_not():
    run = Run(grid(3, 4), lambda p: bowl(p) if sum(p.values()) % 2 else None)
    for _ in range(64):
        run.step()
    assert len(run.keys) == 64
    assert run.ask() == Exhausted("all 64 configurations of the space were proposed")


def test_the_rest_of_a_space_is_drawn_evenly():
    left: Counter[int] = Counter()
    for seed in range(300):
        run = Run(Space({"a": Integers(0, 10)}), bowl)
        tried = [point for point in run.space.enumerate() if point["a"] not in (2, 5, 9)]
        run.keys.update(map(run.space.key, tried))
        for point in tried:
            run.history.proposed(point)
        untried = run.history.untried(draws.stream(seed))
        assert untried is not None
        left[untried["a"]] += 1
    assert sorted(left) == [2, 5, 9]
    assert min(left.values()) > 70


def test_configurations_of_another_space_do_not_disturb():
    run = Run(Space({"a": Choices([1, 2])}), bowl)
    run.keys.add("of an older campaign file")
    run.history.proposed({"a": 7, "gone": 3})
    run.history.scored(Parent((-1.0,), 1, CandidateId("c1"), {"a": 7, "gone": 3}))
    assert run.history.best == []
    assert {run.step().point["a"] for _ in range(2)} == {1, 2}
    assert isinstance(run.ask(), Exhausted)


@pytest.mark.parametrize("digits", [1, 2])
def test_floats_of_few_digits_are_used_up(digits: int):
    run = Run(Space({"x": Floats(0.1, 0.9, digits=digits)}), lambda p: p["x"])
    while isinstance(run.ask(), Move):
        run.step()
    assert len(run.keys) == {1: 9, 2: 81}[digits]


def test_a_float_range_of_two_numbers_ends():
    run = Run(Space({"x": Floats(1.0, math.nextafter(1.0, 2.0))}), lambda p: p["x"])
    run.step(), run.step()
    assert run.ask() == Exhausted(
        "no new configuration was found: the floats of the space are too narrow"
    )


def test_a_rare_endless_branch_is_found_when_the_rest_is_used_up():
    space = Space({"a": Choices(list(range(300))), "x": Floats(0, 1)}, {"x": {"a": [17]}})
    run = Run(space, lambda _: 0.0)
    points = [run.step().point for _ in range(330)]
    assert len(run.keys) == 330
    assert sum("x" in point for point in points) >= 31


def test_the_same_history_and_seed_give_the_same_moves():
    runs = [Run(grid(), bowl) for _ in range(2)]
    for run in runs:
        for _ in range(50):
            run.step(seed=3)
    assert runs[0].moves == runs[1].moves
    other = Run(grid(), bowl)
    assert [other.step(seed=4) for _ in range(50)] != runs[0].moves


def test_asking_changes_nothing():
    run = Run(grid(2, 4), bowl)
    for _ in range(14):
        run.step()
        assert run.ask() == run.ask()


def test_evolution_beats_random_search_where_there_is_structure():
    def after(explore: float) -> list[float]:
        ends: list[float] = []
        for seed in range(10):
            run = Run(grid(6, 6), bowl)
            for _ in range(120):
                run.step(explore, seed)
            ends.append(run.best())
        return sorted(ends)

    evolved, random = after(0.5), after(1.0)
    assert evolved[5] < random[5]
    assert evolved[-1] <= random[0]


@pytest.mark.parametrize(
    "space",
    [
        Space({f"p{i}": Choices(list(range(8))) for i in range(8)}),
        Space({f"x{i}": Floats(0.0, 1.0) for i in range(8)}),
    ],
    ids=["choices", "floats"],
)
def test_a_proposal_after_ten_thousand_costs_no_more_than_the_first(space: Space):
    """Beside a proposal after a hundred, in the same process."""
    run = Run(space, lambda p: math.fsum(p.values()))
    rng = draws.stream("fill")
    first_s = 0.0
    for number in range(10_000):
        if number == 100:
            first_s = seconds_of_asking(run)
        point = space.random(rng)
        run.keys.add(space.key(point))
        run.history.proposed(point)
        run.history.scored(
            Parent((math.fsum(point.values()),), number, CandidateId(f"c{number}"), point)
        )
    assert seconds_of_asking(run) < 5 * first_s


def seconds_of_asking(run: Run) -> float:
    """CPU for thirty proposals; the best of five times."""
    taken_s: list[float] = []
    for _ in range(5):
        begun_s = time.process_time()
        for seed in range(30):
            run.ask(seed=seed)
        taken_s.append(time.process_time() - begun_s)
    return min(taken_s)
