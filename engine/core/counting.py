"""Counting and numbering the points of a space with conditions, without walking through them.

The space is split into independent parts, whose sizes multiply, and into the branches that a
parameter opens for others, whose sizes add. The resulting plan gives the exact size, the point
with a number, and the number of a point, each at the cost of one point.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any, assert_never

from engine.core.domains import Domain

Cells = frozenset[int]
Residue = tuple[tuple[str, Cells], ...]
"""Conditions still to be met: a parameter, and the cells of its domain in which it must be."""


@dataclass(frozen=True)
class Declared:
    """A parameter: its domain, and the cells of others under which it means anything."""

    name: str
    domain: Domain
    when: Mapping[str, Cells]


@dataclass(frozen=True)
class Free:
    """A parameter on which nothing else depends."""

    name: str
    domain: Domain
    size: int
    endless: bool


@dataclass(frozen=True)
class Together:
    """Independent parts: every combination is a point."""

    parts: tuple["Plan", ...]
    size: int
    endless: bool


@dataclass(frozen=True)
class Branch:
    """Values of a switch that open the same parameters.

    `inside` tells whether they are the cells in `listed`, or all the others.
    """

    listed: tuple[int, ...]
    inside: bool
    count: int
    below: "Plan"

    @property
    def size(self) -> int:
        """How many points lie in this branch."""
        return self.count * self.below.size


@dataclass(frozen=True)
class Switch:
    """A parameter on whose value depends which others there are."""

    name: str
    domain: Domain
    branches: tuple[Branch, ...]
    ends: tuple[int, ...]
    size: int
    endless: bool


Plan = Free | Together | Switch


def plan(parameters: Iterable[Declared]) -> Plan:
    """The plan of the space that these parameters span.

    Args:
        parameters: each after all that its conditions name.

    Cost: grows with the branches, not with the points; conditions that tangle many switches with
    one another are the dear case.
    """
    declared = {parameter.name: parameter for parameter in parameters}
    remaining = {p.name: tuple(p.when.items()) for p in declared.values()}
    return _Planner(declared).plan(remaining)


class _Planner:
    def __init__(self, declared: dict[str, Declared]) -> None:
        self._declared = declared
        self._known: dict[frozenset[tuple[str, Residue]], Plan] = {}

    def plan(self, remaining: dict[str, Residue]) -> Plan:
        """The plan of what remains, given that nothing outside it matters any more."""
        identity = frozenset(remaining.items())
        if identity not in self._known:
            self._known[identity] = self._split(remaining)
        return self._known[identity]

    def _split(self, remaining: dict[str, Residue]) -> Plan:
        groups = _groups(remaining)
        if len(groups) == 1:
            return self._connected(groups[0])
        parts = tuple(self.plan(group) for group in groups)
        size = prod(part.size for part in parts)
        return Together(parts, size, any(part.endless for part in parts))

    def _connected(self, group: dict[str, Residue]) -> Plan:
        name = next(name for name, residue in group.items() if not residue)
        domain = self._declared[name].domain
        if len(group) == 1:
            return Free(name, domain, domain.cells, domain.endless)
        branches = tuple(self._branches(name, domain, group))
        ends = tuple(accumulate(branch.size for branch in branches))
        endless = any(b.below.endless or (domain.endless and not b.inside) for b in branches)
        return Switch(name, domain, branches, ends, ends[-1], endless)

    def _branches(self, name: str, domain: Domain, group: dict[str, Residue]) -> Iterable[Branch]:
        """Values that meet the same conditions go into one branch; the rest meet none."""
        conditions = {cells for residue in group.values() for on, cells in residue if on == name}
        listed = sorted(Cells().union(*conditions))
        alike: dict[frozenset[Cells], list[int]] = {}
        for cell in listed:
            met = frozenset(cells for cells in conditions if cell in cells)
            alike.setdefault(met, []).append(cell)
        for met, members in alike.items():
            below = self.plan(_under(group, name, met))
            yield Branch(tuple(members), True, len(members), below)
        if domain.cells > len(listed):
            below = self.plan(_under(group, name, frozenset()))
            yield Branch(tuple(listed), False, domain.cells - len(listed), below)


def _groups(remaining: dict[str, Residue]) -> list[dict[str, Residue]]:
    """The parameters in sets that have no condition in common, in order of appearance."""
    group_of: dict[str, dict[str, Residue]] = {}
    for name, residue in remaining.items():
        linked = {id(group_of[on]): group_of[on] for on, _ in residue}
        merged: dict[str, Residue] = {}
        for group in linked.values():
            merged |= group
        merged[name] = residue
        group_of |= dict.fromkeys(merged, merged)
    return list({id(group): group for group in group_of.values()}.values())


def _under(group: dict[str, Residue], switch: str, met: frozenset[Cells]) -> dict[str, Residue]:
    """What remains once the switch has a value that meets these conditions and no others."""
    remaining: dict[str, Residue] = {}
    for name, residue in group.items():
        left = tuple(condition for condition in residue if condition[0] != switch)
        hopeful = all(cells in met for on, cells in residue if on == switch)
        if name != switch and hopeful and all(on in remaining for on, _ in left):
            remaining[name] = left
    return remaining


def from_number(plan: Plan, number: int, point: dict[str, Any]) -> None:
    """Put the parameters of the point with that number into `point`."""
    match plan:
        case Free():
            point[plan.name] = plan.domain.at(number)
        case Together():
            for part in plan.parts:
                number, rest = divmod(number, part.size)
                from_number(part, rest, point)
        case Switch():
            position = bisect_right(plan.ends, number)
            branch = plan.branches[position]
            start = plan.ends[position] - branch.size
            place, rest = divmod(number - start, branch.below.size)
            point[plan.name] = plan.domain.at(_listed(branch, place))
            from_number(branch.below, rest, point)
        case _:
            assert_never(plan)


def to_number(plan: Plan, point: Mapping[str, Any]) -> int:
    """The number of a point of the space."""
    match plan:
        case Free():
            return plan.domain.index(point[plan.name])
        case Together():
            number = 0
            for part in reversed(plan.parts):
                number = number * part.size + to_number(part, point)
            return number
        case Switch():
            cell = plan.domain.index(point[plan.name])
            for branch, end in zip(plan.branches, plan.ends, strict=True):
                if (cell in branch.listed) == branch.inside:
                    start = end - branch.size + _place(branch, cell) * branch.below.size
                    return start + to_number(branch.below, point)
            raise ValueError(f"{plan.name}: cell {cell} is in no branch")
        case _:
            assert_never(plan)


def _listed(branch: Branch, place: int) -> int:
    """The cell at that place of the branch."""
    if branch.inside:
        return branch.listed[place]
    for cell in branch.listed:
        place += cell <= place
    return place


def _place(branch: Branch, cell: int) -> int:
    before = bisect_left(branch.listed, cell)
    return before if branch.inside else cell - before
