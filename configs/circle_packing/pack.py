"""The candidate's program: parameters in, 26 circles in the unit square out.

A start (a pattern, scattered by the seed `start`) is grown into a locally optimal packing.
Then each kick disturbs it, it is grown again, and the better of the two is kept. A kick is a
number that names one disturbance: two candidates that differ in one kick share everything
before it, so that neighbours in the parameters are neighbours as packings. Kick 0 is none.

The packing follows from the parameters alone: the candidate's seed is not used, and the same
parameters give the same file, bit for bit, on one machine.
Leaves `circles.json` in CONTROLROOM_STEP_DIR; what it claims there, the judge does not read.
"""

import json
import math
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from polish import COUNT, Packing, packed, total, vacancies

KICKS = ("kick_1", "kick_2", "kick_3")
EDGE = 0.015  # centres start no nearer to a side
APART = 0.004  # nor nearer to each other
HOLES = 10
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))

Points = list[tuple[float, float]]


class BadParameterError(ValueError):
    """A parameter is missing, unknown or out of its range."""


def build(parameters: dict[str, Any]) -> Packing:
    """The best packing on the way from the start through the kicks.

    Raises:
        BadParameterError: with the parameter's name and what it may be.
    """
    _refuse_unknown(parameters)
    reach = _number(parameters, "reach", 0.0, 0.5)
    best = packed(_start(parameters))
    for name in KICKS:
        kick = _integer(parameters, name)
        if kick == 0:
            continue
        tried = packed(_kicked(best, _draws(kick), reach))
        if total(tried) > total(best):
            best = tried
    return best


def _start(parameters: dict[str, Any]) -> Points:
    name = parameters.get("pattern")
    if name not in PATTERNS:
        raise BadParameterError(f"pattern is {name!r}; it is one of {', '.join(PATTERNS)}")
    rng = _draws(_integer(parameters, "start"))
    if name == "scatter":  # random already: a spread would mean nothing
        return _separated(PATTERNS[name](rng))
    return _separated(_shaken(PATTERNS[name](rng), rng, _number(parameters, "spread", 0.0, 0.5)))


def _draws(number: int) -> random.Random:
    return random.Random(number)  # noqa: S311 -- a number that names a disturbance, no secret


def _grid(_rng: random.Random) -> Points:
    side = [(i + 0.5) / 5 for i in range(5)]
    return [*((x, y) for x in side for y in side), (0.4, 0.4)]


def _spiral(_rng: random.Random) -> Points:
    polar = [(0.46 * math.sqrt((i + 0.5) / COUNT), GOLDEN_ANGLE * i) for i in range(COUNT)]
    return [(0.5 + r * math.cos(angle), 0.5 + r * math.sin(angle)) for r, angle in polar]


def _scatter(rng: random.Random) -> Points:
    return [(rng.uniform(0.03, 0.97), rng.uniform(0.03, 0.97)) for _ in range(COUNT)]


PATTERNS: dict[str, Callable[[random.Random], Points]] = {
    "grid": _grid,
    "spiral": _spiral,
    "scatter": _scatter,
}


def _kicked(packing: Packing, rng: random.Random, reach: float) -> Points:
    """The centres after one disturbance: one circle into a gap, or all of them shaken."""
    points = [(float(x), float(y)) for x, y in packing[:2].T]
    if rng.random() < 0.5:
        order = sorted(range(COUNT), key=lambda i: float(packing[2][i]))
        holes = vacancies(packing, HOLES)
        points[order[rng.randrange(COUNT)]] = holes[rng.randrange(HOLES)]
        reach = APART
    return _separated(_shaken(points, rng, reach))


def _shaken(points: Points, rng: random.Random, reach: float) -> Points:
    return [(x + rng.gauss(0, reach), y + rng.gauss(0, reach)) for x, y in points]


def _separated(points: Points) -> Points:
    """The points moved inside the square and, where two fall together, apart."""
    kept: Points = []
    for x, y in points:
        turn = 0
        place = _inside(x, y)
        while any(math.dist(place, other) < APART for other in kept):
            turn += 1
            out = APART * math.sqrt(turn)
            angle = GOLDEN_ANGLE * turn
            place = _inside(x + out * math.cos(angle), y + out * math.sin(angle))
        kept.append(place)
    return kept


def _inside(x: float, y: float) -> tuple[float, float]:
    return min(1 - EDGE, max(EDGE, x)), min(1 - EDGE, max(EDGE, y))


def _refuse_unknown(parameters: dict[str, Any]) -> None:
    known = {"pattern", "start", "spread", "reach", *KICKS}
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise BadParameterError(f"unknown {unknown}; known are {', '.join(sorted(known))}")


def _integer(parameters: dict[str, Any], name: str) -> int:
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadParameterError(f"{name} is {value!r}; it is a whole number from 0")
    return value


def _number(parameters: dict[str, Any], name: str, low: float, high: float) -> float:
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadParameterError(f"{name} is {value!r}; it is a number from {low} to {high}")
    return float(value)


def written(packing: Packing) -> str:
    """The circles as the file that the judge reads."""
    circles = [dict(zip("xyr", map(float, column), strict=True)) for column in packing.T]
    return json.dumps({"circles": circles}, indent=1) + "\n"


def main() -> int:
    """Exit status 0 with the circles written, 1 with the failure in the result file."""
    candidate = json.loads(Path(os.environ["CONTROLROOM_CANDIDATE"]).read_text("utf-8"))
    result = Path(os.environ["CONTROLROOM_RESULT"])
    try:
        packing = build(candidate["parameters"])
    except BadParameterError as problem:
        failure = {"class": "refused", "detail": f"bad_parameter: {problem}"}
        result.write_text(json.dumps({"failure": failure}), "utf-8")
        print(f"refused: bad_parameter: {problem}")
        return 1
    Path(os.environ["CONTROLROOM_STEP_DIR"], "circles.json").write_text(written(packing), "utf-8")
    result.write_text(json.dumps({"metrics": {}}), "utf-8")
    print(f"packed {COUNT} circles; the sum of radii is claimed to be {total(packing):.12f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
