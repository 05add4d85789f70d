"""What holds in every space: drawn by hypothesis, with an oracle that walks the whole product."""

from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import draws
from engine.core.domains import Choices, Domain, Floats, Integers, Powers
from engine.core.history import History, Parent
from engine.core.ids import CandidateId
from engine.core.search import Exhausted, Move, propose
from engine.core.space import Space

MOST = 400
seeds = st.integers(0, 2**31)
scalars = st.sampled_from(["a", "b", "c", True, False, 0, 1, 2, 0.5, 1.0])
choices = st.lists(scalars, min_size=1, max_size=4).map(Choices)
integers = st.builds(Integers, st.integers(-5, 5), st.integers(1, 5), st.integers(1, 3))
powers = st.tuples(st.integers(0, 4), st.integers(0, 3)).map(lambda t: Powers(t[0], sum(t)))
floats = st.builds(
    lambda low, width, scale, digits: Floats(low, low + width, scale, digits),
    st.floats(0.001, 10.0),
    st.just(0.0) | st.floats(0.5, 100.0),
    st.sampled_from(["linear", "log"]),
    st.sampled_from([None, 2, 6]),
)


@st.composite
def spaces(draw: st.DrawFn, kinds: st.SearchStrategy[Domain]) -> Space:
    """Up to five parameters; each may depend on some of those before it."""
    parameters: dict[str, Domain] = {}
    when: dict[str, dict[str, list[Any]]] = {}
    for index in range(draw(st.integers(0, 5))):
        name = f"p{index}"
        others = draw(st.lists(st.sampled_from([*parameters, None]), max_size=2, unique=True))
        when[name] = {
            on: draw(st.lists(values_of(parameters[on]), min_size=1, max_size=3))
            for on in others
            if on is not None
        }
        parameters[name] = draw(kinds)
    return Space(parameters, when)


def values_of(domain: Domain) -> st.SearchStrategy[Any]:
    if domain.endless:
        return st.floats(0.0, 10.0)
    return st.integers(0, domain.cells - 1).map(domain.at) | st.just("never")


finite_spaces = spaces(choices | integers | powers)
any_spaces = spaces(choices | integers | powers | floats)


def all_keys(space: Space) -> set[str]:
    """The oracle: every combination of all values, as what means something in it."""
    domains = {name: space.domain(name) for name in space.names}
    values = [[d.at(index) for index in range(d.cells)] for d in domains.values()]
    return {space.key(dict(zip(domains, point, strict=True))) for point in product(*values)}


@given(finite_spaces)
def test_enumerate_gives_every_configuration_once(space: Space):
    keys = [space.key(point) for point in space.enumerate()]
    assert len(keys) == len(set(keys)) == space.size()
    assert set(keys) == all_keys(space)


@given(finite_spaces)
def test_numbers_and_points_belong_together(space: Space):
    points = list(space.enumerate())
    assert [space.number(point) for point in points] == list(range(len(points)))
    assert not any(space.check(point) for point in points)
    assert all(space.active(point) == point for point in points)


@given(any_spaces, seeds)
def test_drawn_points_are_of_the_space(space: Space, seed: int):
    point = space.random(draws.stream(seed))
    assert space.check(point) == []
    assert space.active(point) == point
    assert point == space.random(draws.stream(seed))


@given(any_spaces, seeds, st.integers(1, 4))
def test_mutants_are_of_the_space_and_new(space: Space, seed: int, changes: int):
    rng = draws.stream(seed)
    point = space.random(rng)
    mutant = space.mutate(point, rng, changes)
    assert space.check(mutant) == []
    if any(space.domain(name).cells > 1 for name in point):
        assert space.key(mutant) != space.key(point)
    else:
        assert mutant == point


@given(any_spaces, seeds)
def test_children_are_of_the_space(space: Space, seed: int):
    rng = draws.stream(seed)
    child = space.cross(space.random(rng), space.random(rng), rng)
    assert space.check(child) == []


@given(any_spaces, seeds, scalars)
def test_keys_ignore_what_is_inactive(space: Space, seed: int, value: Any):
    point = space.random(draws.stream(seed))
    inactive = {name: value for name in space.names if name not in point}
    assert space.key(point | inactive) == space.key(point)
    assert space.key(dict(reversed(point.items()))) == space.key(point)
    assert space.check(point | inactive) == []


@settings(max_examples=40)
@given(finite_spaces.filter(lambda s: s.cells <= MOST), seeds, st.sampled_from([0.0, 0.5, 1.0]))
def test_a_search_proposes_every_configuration_once(space: Space, seed: int, explore: float):
    keys: list[str] = []
    known: set[str] = set()
    history = History(space, known, keep=5)
    while isinstance(
        move := propose(history, draws.stream(seed, len(keys)), explore=explore), Move
    ):
        keys.append(space.key(move.point))
        known.add(keys[-1])
        history.proposed(move.point)
        history.scored(Parent((len(keys) % 3,), len(keys), CandidateId(keys[-1]), move.point))
    assert isinstance(move, Exhausted)
    assert len(keys) == len(known) == space.size()
