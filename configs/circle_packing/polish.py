"""Turn start points into a locally optimal packing: a primal-dual interior-point method.

Maximise the sum of the radii r over the centres (x, y) and r, subject to
|c_i - c_j| - r_i - r_j >= 0 for every pair and five walls a circle (four sides, r >= 0).
A distance is a convex function of the centres, so its linearisation lies below it: a Newton
step that keeps the linearised constraints positive keeps the true ones positive too. Every
iterate is therefore a valid packing, and one Newton matrix a step is enough.

Cost: about 30 steps of a 78 by 78 solve, near 10 ms on one core; NumPy is the only import
because importing `scipy.optimize` alone takes longer than a whole trial.
"""

import os

# One thread, before NumPy loads its BLAS: two slots share two cores, and sums keep their order.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from typing import NamedTuple  # noqa: E402

import numpy as np  # noqa: E402

COUNT = 26
GROWTH = 0.8  # the first radii, as a share of the room that each centre has
MARGIN = 1e-12  # taken off every radius at the end; rounding is near 1e-16
FIRST_MU = 3e-3
SHRINK_MU = 0.15
GAP = 1e-11  # stop: the sum of radii is then within about this of the local optimum
MAX_STEPS = 80
TO_BOUNDARY = 0.95

Packing = np.ndarray  # rows x, y, r; a column a circle

_SELF = np.eye(COUNT, dtype=bool)
# Rows x - r, 1 - x - r, y - r, 1 - y - r, r as coefficients of (x, y, r) and an offset.
_WALL = np.array([[1, 0, -1], [-1, 0, -1], [0, 1, -1], [0, -1, -1], [0, 0, 1]], dtype=float)
_WALL_OFFSET = np.array([[0.0], [1.0], [0.0], [1.0], [0.0]])
_WALL_SQUARES = np.einsum("ka,kb->abk", _WALL, _WALL)
_GOAL = np.repeat([[0.0], [0.0], [1.0]], COUNT, axis=1)


class _Slacks(NamedTuple):
    """How far every constraint is from being active, with the pairs' derivatives."""

    pair: np.ndarray  # (COUNT, COUNT), symmetric, ones on the diagonal
    wall: np.ndarray  # (5, COUNT)
    slope: np.ndarray  # (3, COUNT, COUNT): of pair ij with respect to circle i


class _Prices(NamedTuple):
    """Multipliers of the constraints, all positive; zeros on the diagonal of `pair`."""

    pair: np.ndarray
    wall: np.ndarray


def total(packing: Packing) -> float:
    """The sum of the radii."""
    return float(packing[2].sum())


@np.errstate(all="ignore")  # a step that breaks is taken back, not warned about
def packed(points: list[tuple[float, float]]) -> Packing:
    """A valid packing, locally optimal when the method converged, grown from these centres.

    Args:
        points: COUNT centres strictly inside the unit square, no two the same.
    """
    packing = _first(np.array(points, dtype=float).T)
    slacks = _slacks(packing)
    prices = _Prices(_off_diagonal(FIRST_MU / slacks.pair), FIRST_MU / slacks.wall)
    for _ in range(MAX_STEPS):
        gap = float((prices.pair * slacks.pair).sum() / 2 + (prices.wall * slacks.wall).sum())
        if gap < GAP:
            break
        mu = SHRINK_MU * gap / (COUNT * (COUNT - 1) / 2 + 5 * COUNT)
        moved, prices = _step(packing, slacks, prices, mu)
        after = _slacks(moved)
        if not (after.pair.min() > 0 and after.wall.min() > 0):
            break  # rounding, or a singular matrix: the packing before the step still stands
        packing, slacks = moved, after
    packing[2] = np.maximum(packing[2] - MARGIN, 0.0)
    return packing


def vacancies(packing: Packing, count: int, cells: int = 64) -> list[tuple[float, float]]:
    """Centres of the largest empty places, largest first, found on a grid of cells a side."""
    axis = (np.arange(cells) + 0.5) / cells
    x, y = (a.ravel() for a in np.meshgrid(axis, axis))
    distance = np.hypot(x[:, None] - packing[0], y[:, None] - packing[1]) - packing[2]
    room = np.minimum.reduce([x, 1 - x, y, 1 - y, distance.min(axis=1)])
    found: list[tuple[float, float]] = []
    for _ in range(count):
        best = int(room.argmax())
        found.append((float(x[best]), float(y[best])))
        near = np.hypot(x - x[best], y - y[best]) < max(float(room[best]), 0.02)
        room = np.where(near, -1.0, room)
    return found


def _first(centres: np.ndarray) -> Packing:
    x, y = centres
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    distance[_SELF] = np.inf
    radius = GROWTH * np.minimum.reduce([distance.min(axis=1) / 2, x, 1 - x, y, 1 - y])
    return np.stack([x, y, radius])


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return np.where(_SELF, 0.0, matrix)


def _slacks(packing: Packing) -> _Slacks:
    dx, dy, radii = packing[:, :, None] - packing[:, None, :] * [[[1.0]], [[1.0]], [[-1.0]]]
    distance = np.sqrt(dx * dx + dy * dy)
    distance[_SELF] = 1.0
    pair = distance - radii
    pair[_SELF] = 1.0
    slope = np.stack([dx / distance, dy / distance, np.full_like(dx, -1.0)])
    return _Slacks(pair, _WALL @ packing + _WALL_OFFSET, slope)


def _newton_matrix(slacks: _Slacks, weight: _Prices) -> np.ndarray:
    slope = slacks.slope
    weighted = slope * weight.pair
    blocks = weighted[:, None] * slope.transpose(0, 2, 1)
    own = (weighted[:, None] * slope).sum(axis=-1) + _WALL_SQUARES @ weight.wall
    each = np.arange(COUNT)
    blocks[:, :, each, each] = own
    matrix = blocks.transpose(0, 2, 1, 3).reshape(3 * COUNT, 3 * COUNT)
    matrix.flat[:: 3 * COUNT + 1] += 1e-12
    return matrix


def _step(packing: Packing, slacks: _Slacks, prices: _Prices, mu: float) -> tuple[Packing, _Prices]:
    aim = _Prices(_off_diagonal(mu / slacks.pair), mu / slacks.wall)
    weight = _Prices(prices.pair / slacks.pair, prices.wall / slacks.wall)
    pull = _GOAL + (slacks.slope * aim.pair).sum(axis=-1) + _WALL.T @ aim.wall
    move = _solved(_newton_matrix(slacks, weight), pull)
    half = (slacks.slope * move[:, :, None]).sum(axis=0)
    pair, wall = _off_diagonal(half + half.T), _WALL @ move
    length = _length((pair, slacks.pair), (wall, slacks.wall))
    d_pair = aim.pair - prices.pair - weight.pair * pair
    d_wall = aim.wall - prices.wall - weight.wall * wall
    dual = _length((d_pair, prices.pair + _SELF), (d_wall, prices.wall))
    stepped = _Prices(prices.pair + dual * d_pair, prices.wall + dual * d_wall)
    return packing + length * move, stepped


def _solved(matrix: np.ndarray, pull: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(matrix, pull.ravel()).reshape(pull.shape)
    except np.linalg.LinAlgError:
        return np.full_like(pull, np.nan)  # the caller keeps the packing it has


def _length(*parts: tuple[np.ndarray, np.ndarray]) -> float:
    """The longest step, at most 1, that keeps every value positive."""
    steepest = max(float((-change / value).max()) for change, value in parts)
    return min(1.0, TO_BOUNDARY / max(steepest, 1e-9))
