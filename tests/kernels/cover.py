"""A small set of members in which every two values of two parameters meet, as far as they can."""

import itertools
from pathlib import Path
from typing import Any

from scripts.gdn_family import key, space

CAMPAIGN = Path(__file__).parents[2] / "configs" / "gdn-v5p.yaml"

Point = dict[str, Any]


def members() -> list[Point]:
    """Every member that the campaign may promote."""
    return space(CAMPAIGN)[1]


def space_names() -> list[str]:
    return space(CAMPAIGN)[0]


def pairwise() -> list[Point]:
    """Points chosen one by one, each for the most pairs that no earlier one has."""
    points = sorted(members(), key=key)
    names = space_names()
    wanted = {key(p): set(_pairs(p, names)) for p in points}
    missing = set().union(*wanted.values())
    chosen = []
    while missing:
        best = max(points, key=lambda p: (len(wanted[key(p)] & missing), -_work(p)))
        chosen.append(best)
        missing -= wanted[key(best)]
    return chosen


def _pairs(point: Point, names: list[str]) -> Any:
    return itertools.combinations([(name, point.get(name)) for name in names], 2)


def _work(point: Point) -> int:
    return point["heads_per_step"] * point.get("chunks_per_step", 1)
