"""Waiting for an answer without blocking an event loop. Apart, for what importing anyio costs."""

from typing import Final

import anyio

from engine.client.handle import RunHandle
from engine.core.ids import CommandId
from engine.core.state import Answer

_POLL_S: Final = 0.02


async def wait_answer(run: RunHandle, command: CommandId, deadline_s: float) -> Answer | None:
    """What became of a command; None when nobody said within the time.

    It follows the run as `RunHandle.refresh` does. Without an engine it does not wait.
    """
    with anyio.move_on_after(deadline_s):
        while True:
            live = run.liveness().held
            run.refresh()
            found = run.answer(command)
            if found or not live:
                return found
            await anyio.sleep(_POLL_S)
    return run.answer(command)
