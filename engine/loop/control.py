"""What may start, and what must end: pause, drain, interrupt."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio

T = TypeVar("T")


@dataclass(frozen=True)
class CutOff:
    """A step was cut off through no fault of its own, and why; it is done again later.

    `let_down` tells that nobody wanted that: the machine did not do its part.
    """

    reason: str
    let_down: bool = False


class _Step:
    def __init__(self, scope: anyio.CancelScope, iteration: int) -> None:
        self.scope = scope
        self.iteration = iteration
        self.reason = ""


class Control:
    """Says to the slots whether steps may start, and cuts off those that run."""

    def __init__(self) -> None:
        self.draining = False
        self._open = anyio.Event()
        self._open.set()
        self._steps: set[_Step] = set()

    def close_gate(self) -> None:
        """No new step starts from now on; while draining nobody may be made to wait any more."""
        if self._open.is_set() and not self.draining:
            self._open = anyio.Event()

    def open_gate(self) -> None:
        """Steps may start again."""
        self._open.set()

    def drain(self) -> None:
        """No new step starts any more, and whoever waits at the gate gives up."""
        self.draining = True
        self._open.set()

    @property
    def held(self) -> bool:
        """Whether no step may start now."""
        return self.draining or not self._open.is_set()

    async def may_start(self) -> bool:
        """Wait at the gate; False when the engine drains."""
        if not self._open.is_set():  # waiting takes a turn of the loop even where it is open
            await self._open.wait()
        return not self.draining

    def interrupt(self, reason: str, iteration: int | None = None) -> None:
        """Cut off every step that runs, or those of one iteration."""
        for step in self._steps:
            if iteration in (None, step.iteration):
                step.reason = reason
                step.scope.cancel()

    async def attempt(self, work: Callable[[], Awaitable[T]], iteration: int = 0) -> T | CutOff:
        """What `work` returns, or that `interrupt` cut it off."""
        step = _Step(anyio.CancelScope(), iteration)
        with step.scope:
            self._steps.add(step)
            try:
                return await work()
            finally:
                self._steps.discard(step)
        return CutOff(step.reason)
