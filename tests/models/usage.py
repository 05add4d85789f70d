"""What model calls cost: the tokens of a call, prices, and the ledger that a server keeps."""

import threading
from collections.abc import Sequence
from enum import StrEnum
from typing import Self

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of one model call, each counted once.

    `fresh` is input that was neither read from nor written to a cache; `reasoning` is the part of
    `output` that nobody reads. The two protocols add these up differently; see their modules.
    """

    fresh: int = 400
    cached: int = 600
    cache_written: int = 0
    output: int = 50
    reasoning: int = 10

    @property
    def input(self) -> int:
        """All tokens that went in."""
        return self.fresh + self.cached + self.cache_written

    def __add__(self, other: "Usage") -> "Usage":
        """Both calls together."""
        return Usage(
            fresh=self.fresh + other.fresh,
            cached=self.cached + other.cached,
            cache_written=self.cache_written + other.cache_written,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
        )

    def begun(self) -> "Usage":
        """What a call costs that was cut off after its first token."""
        return msgspec.structs.replace(self, output=1, reasoning=0)


NOTHING = Usage(fresh=0, cached=0, cache_written=0, output=0, reasoning=0)


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """USD for a million tokens of each kind."""

    fresh_usd: float
    cached_usd: float
    cache_written_usd: float
    output_usd: float

    def cost_usd(self, usage: Usage) -> float:
        """What the tokens cost."""
        return (
            usage.fresh * self.fresh_usd
            + usage.cached * self.cached_usd
            + usage.cache_written * self.cache_written_usd
            + usage.output * self.output_usd
        ) / 1e6


class Outcome(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """An error status instead of an answer."""
    BROKEN = "broken"
    """The answer was begun and not ended: a fault of the script, or the client went away."""
    UNSCRIPTED = "unscripted"
    """Nothing in the script fits this request."""
    OTHER = "other"
    """Not a model call: another path or method."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came, and what came of it.

    `billed` is what the service charges for it; `told` is what the client was told of that.
    `headers` have lower-case names.
    """

    at_s: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    outcome: Outcome
    billed: Usage = NOTHING
    told: Usage = NOTHING


class Ledger:
    """Every request of a server. Safe across threads.

    A call is in it before the client has the last byte of the answer.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: list[Request] = []

    def add(self, request: Request) -> None:
        """Write a request down."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def correct(self, wrong: Request, right: Request) -> None:
        """Put what really came of a request in the place of what was expected."""
        with self._changed:
            self._requests[self._requests.index(wrong)] = right
            self._changed.notify_all()

    @property
    def requests(self) -> Sequence[Request]:
        """All requests until now."""
        with self._changed:
            return tuple(self._requests)

    def of(self, *outcomes: Outcome) -> Sequence[Request]:
        """The requests that ended in one of these ways."""
        return [request for request in self.requests if request.outcome in outcomes]

    @property
    def calls(self) -> Sequence[Request]:
        """The model calls: all requests that are not OTHER."""
        return [request for request in self.requests if request.outcome is not Outcome.OTHER]

    @property
    def billed(self) -> Usage:
        """What all calls cost."""
        return sum((request.billed for request in self.requests), NOTHING)

    @property
    def told(self) -> Usage:
        """What the client can know of what all calls cost."""
        return sum((request.told for request in self.requests), NOTHING)

    def cost_usd(self, prices: Prices) -> float:
        """What all calls cost in money."""
        return prices.cost_usd(self.billed)

    def wait_for(self, count: int, deadline_s: float = 20.0) -> Self:
        """This ledger once it has `count` calls; fails when that takes too long."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.calls) >= count, deadline_s)
        assert came, f"{len(self.calls)} calls came, {count} were expected"
        return self
