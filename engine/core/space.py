"""The space of a campaign: which configurations there are, and how to move among them.

A point holds the meaningful parameters only: a parameter whose conditions do not hold is left
out, and so it is in what a check is given. A parameter is active when every parameter that its
`when` names is itself active and has one of the values listed there.
"""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, Self, assert_never

from engine.core import counting, domains, draws
from engine.core.campaign.parameters import (
    ChoicesParameter,
    FloatParameter,
    IntParameter,
    Parameter,
)
from engine.core.domains import Choices, Domain, Floats, Integers, Powers
from engine.core.events import Parameters

Conditions = Mapping[str, Iterable[Any]]
"""Values of other parameters under which a parameter means anything."""


@dataclass(frozen=True)
class PointProblem:
    """What is wrong with one parameter of a point, and what to do."""

    parameter: str
    message: str
    fix: str


class SpaceError(Exception):
    """The declared parameters do not make a space."""


class Space:
    """Parameters with their domains and conditions.

    Moves draw from `Random.random` alone, so that their sequence is the same in every version of
    Python.
    """

    def __init__(
        self, parameters: Mapping[str, Domain], when: Mapping[str, Conditions] | None = None
    ) -> None:
        """Declare the space.

        Raises:
            SpaceError: a condition names an unknown parameter, or conditions go in a circle.
        """
        ordered = _ordered(parameters, when or {})
        self._domains: dict[str, Domain] = {name: parameters[name] for name in ordered}
        self._when = {
            name: {on: _cells(parameters[on], values) for on, values in conditions.items()}
            for name, conditions in ordered.items()
        }
        self._plan = counting.plan(
            counting.Declared(name, domain, self._when[name])
            for name, domain in self._domains.items()
        )

    @classmethod
    def from_spec(cls, spec: Mapping[str, Parameter]) -> Self:
        """The space that a campaign declares.

        Raises:
            SpaceError: see `Space`; a campaign that was loaded has no such mistake.
        """
        parameters = {name: _domain(parameter) for name, parameter in spec.items()}
        return cls(parameters, {name: parameter.when for name, parameter in spec.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, each after all on which it depends."""
        return tuple(self._domains)

    def domain(self, name: str) -> Domain:
        """The values that a parameter may take."""
        return self._domains[name]

    @property
    def cells(self) -> int:
        """The number of points to draw from: the size, or that of the grid under floats."""
        return self._plan.size

    def size(self) -> int | None:
        """How many different configurations there are; None when floats make them endless."""
        return None if self._plan.endless else self._plan.size

    def enumerate(self) -> Iterator[Parameters]:
        """All points in a fixed order; under floats, those of their grid."""
        return map(self.point, range(self.cells))

    def point(self, number: int) -> Parameters:
        """The point with that number, from 0 to `cells - 1`."""
        point: Parameters = {}
        counting.from_number(self._plan, number, point)
        return {name: point[name] for name in self._domains if name in point}

    def number(self, point: Parameters) -> int:
        """The number of a point in which `check` finds nothing; floats fall on their grid."""
        return counting.to_number(self._plan, point)

    def active(self, point: Parameters) -> Parameters:
        """The meaningful part of a point, written as its domains write it."""
        active: Parameters = {}
        for name in self._domains:
            if name in point and self._means(name, active):
                active[name] = self._domains[name].own(point[name])
        return active

    def key(self, point: Parameters) -> str:
        """A text that two points share exactly when they are the same configuration."""
        canonical = domains.text(self.active(point))
        return hashlib.blake2b(canonical.encode(), digest_size=12).hexdigest()

    def check(self, point: Parameters) -> list[PointProblem]:
        """What keeps the point from being one of this space.

        A value given for a parameter that is not active is no problem: it is ignored.
        """
        problems = [self._unknown(name) for name in point if name not in self._domains]
        active = self.active(point)
        for name in self._domains:
            if not self._means(name, active):
                continue
            if name not in point:
                problems.append(_missing(name, self._domains[name]))
            elif message := self._domains[name].problem(point[name]):
                problems.append(PointProblem(name, message, "change it, or widen the space"))
        return problems

    def random(self, rng: Random) -> Parameters:
        """Any point: each active parameter is drawn from its whole domain."""
        return self._completed({}, rng)

    def mutate(self, point: Parameters, rng: Random, changes: int = 1) -> Parameters:
        """A point that differs from this one in `changes` meaningful parameters.

        Numbers move to rather near ones; parameters that become active are drawn. Where the
        space has no other value for any active parameter, the point itself.
        """
        changed = self.active(point)
        movable = [name for name in changed if self._domains[name].cells > 1]
        for name in draws.sample(rng, movable, changes):
            changed[name] = self._domains[name].near(changed[name], rng)
        return self._completed(changed, rng)

    def cross(self, first: Parameters, second: Parameters, rng: Random) -> Parameters:
        """A point that takes each parameter from either parent, where they have it."""
        merged = {
            name: draws.pick(rng, [p[name] for p in (first, second) if name in p])
            for name in self._domains
            if name in first or name in second
        }
        return self._completed(merged, rng)

    def _completed(self, point: Parameters, rng: Random) -> Parameters:
        """The active part of the point, with what it lacks drawn."""
        complete: Parameters = {}
        for name, domain in self._domains.items():
            if self._means(name, complete):
                complete[name] = point[name] if name in point else domains.draw(domain, rng)
        return complete

    def _means(self, name: str, active: Parameters) -> bool:
        when = self._when[name]
        return not when or all(
            on in active and self._cell(on, active[on]) in cells for on, cells in when.items()
        )

    def _cell(self, name: str, value: Any) -> int | None:
        domain = self._domains[name]
        return None if domain.problem(value) else domain.index(value)

    def _unknown(self, name: str) -> PointProblem:
        near = difflib.get_close_matches(name, self._domains, n=1)
        fix = f"did you mean {near[0]}?" if near else "remove it, or declare it in the space"
        return PointProblem(name, "is not a parameter of the space", fix)


def _domain(parameter: Parameter) -> Domain:
    match parameter:
        case ChoicesParameter():
            return Choices(parameter.choices)
        case IntParameter():
            return _integers(parameter.low, parameter.high, parameter.step)
        case FloatParameter():
            return Floats(parameter.low, parameter.high, parameter.scale, parameter.digits)
        case _:
            assert_never(parameter)


def _integers(low: int, high: int, step: int | Literal["power2"]) -> Integers | Powers:
    if step == "power2":
        return Powers((low - 1).bit_length(), high.bit_length() - 1)
    return Integers(low, (high - low) // step + 1, step)


def _cells(domain: Domain, values: Iterable[Any]) -> frozenset[int]:
    return frozenset(domain.index(value) for value in values if not domain.problem(value))


def _missing(name: str, domain: Domain) -> PointProblem:
    return PointProblem(name, "has no value", f"give it one, such as {domains.text(domain.at(0))}")


def _ordered(
    parameters: Mapping[str, Domain], when: Mapping[str, Conditions]
) -> dict[str, Conditions]:
    """The conditions of every parameter, in the declared order but after those they name."""
    waiting: dict[str, Conditions] = {name: when.get(name, {}) for name in parameters}
    ordered: dict[str, Conditions] = {}
    while waiting:
        ready = [name for name, on in waiting.items() if all(other in ordered for other in on)]
        if not ready:
            raise SpaceError(_entangled(parameters, waiting))
        ordered |= {name: waiting.pop(name) for name in ready}
    return ordered


def _entangled(parameters: Mapping[str, Domain], waiting: Mapping[str, Conditions]) -> str:
    for name, conditions in waiting.items():
        for on in conditions:
            if on not in parameters:
                return f"{name} depends on {on}, which the space does not declare"
    return f"the conditions of {', '.join(waiting)} go in a circle: let one of them stand alone"
