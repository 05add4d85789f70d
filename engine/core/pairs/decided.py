"""Measured pairs and what they come to, as events hold it. Nothing is computed here."""

from typing import Literal

import msgspec

Outcome = Literal["promoted", "rejected", "inconclusive", "more"]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of the champion and one of the candidate, side by side."""

    champion: float
    candidate: float
    first: Literal["champion", "candidate"] = "champion"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What pairs say of a candidate.

    All of `estimate`, `low`, `high` and `order_effect` are gains over the champion in the metric's
    unit: above 0 is better, whichever the direction. `low` and `high` hold together with the
    confidence 1 - `error`, at whichever look it ended. `reference` is the champion's mean value.
    `better` is in how many pairs the candidate was, as if the order had no effect.
    `anomaly` says what is wrong with the measurements themselves.
    """

    outcome: Outcome
    reason: str
    pairs: int
    error: float
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    better: int = 0
    order_effect: float = 0.0
    anomaly: str = ""
