"""Student's t and the normal distribution, as far as intervals need them."""

import math
from functools import lru_cache


def normal_quantile(share: float) -> float:
    """The value below which a standard normal number is with the chance `share`."""
    from statistics import NormalDist  # late: it is loaded with the events, and takes long

    return NormalDist().inv_cdf(share)


def normal_density(z: float) -> float:
    """How dense standard normal numbers are at `z`."""
    return math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def tail(z: float) -> float:
    """The chance that a standard normal number is above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))


@lru_cache(maxsize=1024)
def student_quantile(tail_share: float, freedom: int) -> float:
    """The value that Student's t exceeds with the chance `tail_share`.

    Args:
        tail_share: above 0 and at most 0.5.
        freedom: degrees of freedom, at least 1.
    """
    low, high = 0.0, 1.0
    while student_tail(high, freedom) > tail_share:
        low, high = high, 2 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if student_tail(middle, freedom) > tail_share else (low, middle)
    return 0.5 * (low + high)


def student_tail(t: float, freedom: int) -> float:
    """The chance that Student's t with so many degrees of freedom is above `t`, which is positive.

    Numerics: below a chance of 1e-13 nothing is left of the difference that it is.
    Source: Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
    """
    if freedom > 300:
        # Fisher's expansion would do as well; the sum would only be slow.
        return tail(t * (1 - 1 / (4 * freedom)) / math.sqrt(1 + t * t / (2 * freedom)))
    angle = math.atan(t / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    odd = freedom % 2 == 1
    term = math.cos(angle) if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for step in range(3 if odd else 2, freedom - 1, 2):
        term *= square * (step - 1) / step
        total += term
    inside = math.sin(angle) * total
    return 0.5 * (1 - (2 / math.pi * (angle + inside) if odd else inside))
