"""Two things of a repository's that do not touch each other, done at the same time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from engine.workspace.protocol import WorkspaceError

A = TypeVar("A")
B = TypeVar("B")


async def both(
    first: Callable[[], Awaitable[A]], second: Callable[[], Awaitable[B]]
) -> tuple[A, B]:
    """What the two come to, once both are over.

    Raises:
        WorkspaceError: one of them failed; of two failures the first's.
    """
    ones: list[A | WorkspaceError] = []
    others: list[B | WorkspaceError] = []

    async def go_on() -> None:
        others.append(await _outcome(second))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_on)
        ones.append(await _outcome(first))
    return _value(ones[0]), _value(others[0])


async def _outcome(call: Callable[[], Awaitable[A]]) -> A | WorkspaceError:
    """What it comes to; a failure as a value, which a group of tasks would wrap up."""
    try:
        return await call()
    except WorkspaceError as error:
        return error


def _value(outcome: A | WorkspaceError) -> A:
    if isinstance(outcome, WorkspaceError):
        raise outcome
    return outcome
