"""Follows RUN/FINISH_UP.json: it is the wish as long as it lies there, as PAUSE is the pause."""

import contextlib
import hashlib
import time
from typing import Final

from engine.core.answering_finish import cancel, plan_finish
from engine.core.answering_steering import Refusal
from engine.core.commands import CancelFinish, Finish
from engine.core.events import AnyEvent, FinishRefused
from engine.core.state import RunState
from engine.loop.writer import Writer
from engine.runfolder import finish_file
from engine.runfolder.finish_file import WrongFileError
from engine.runfolder.inbox import REFUSED
from engine.runfolder.paths import RunPaths

BY: Final = "FINISH_UP.json"


class FinishUp:
    """Plans what the file says, takes the plan back when it is removed, and refuses what is none.

    Args:
        writer: records it.
        paths: the run's folder.
    """

    def __init__(self, writer: Writer, paths: RunPaths) -> None:
        self._writer = writer
        self._paths = paths
        self._refused = ""

    async def look(self) -> None:
        """Bring the file and what is recorded of it together."""
        try:
            content = finish_file.read(self._paths.finish_up)
        except (WrongFileError, OSError) as error:
            await self._refuse(str(error), "unreadable")
            return
        if content is not None:
            await self._follow(content)
        elif _removed(self._writer.state) and not finish_file.exists(self._paths.finish_up):
            await self._writer.decide(_removed)

    def forget(self) -> None:
        """Somebody gave another word since, or the wish is fulfilled: the file goes."""
        with contextlib.suppress(OSError):
            finish_file.remove(self._paths.finish_up)

    async def _follow(self, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        finish = self._writer.state.finish
        if finish is not None and finish.plan.digest == digest:
            if finish.over:
                self.forget()
            return
        now_s = time.time()
        try:
            wish = finish_file.wish_of(content, now_s)
        except WrongFileError as error:
            await self._refuse(str(error), digest)
            return
        await self._decide(wish, now_s, digest)

    async def _decide(self, wish: Finish | CancelFinish, now_s: float, digest: str) -> None:
        refusals: list[str] = []

        def decide(state: RunState) -> list[AnyEvent]:
            found = (
                cancel(state, by=BY)
                if isinstance(wish, CancelFinish)
                else plan_finish(state, wish, by=BY, now_s=now_s, source="file", digest=digest)
            )
            if isinstance(found, Refusal):
                refusals.append(found.reason)
                return []
            return found

        await self._writer.decide(decide)
        if refusals:
            await self._refuse(refusals[0], digest)
        elif isinstance(wish, CancelFinish):
            self.forget()

    async def _refuse(self, reason: str, digest: str) -> None:
        if self._refused == digest:
            return  # it could not be moved aside: said once is enough
        self._refused = digest
        name = f"FINISH_UP-{digest[:12]}.json"
        kept = f"{self._paths.inbox.name}/{REFUSED}/{name}"
        await self._writer.record(FinishRefused(reason=reason, kept=kept))
        with contextlib.suppress(OSError):
            folder = self._paths.inbox / REFUSED
            finish_file.set_aside(self._paths.finish_up, folder, name, reason)
            self._refused = ""


def _removed(state: RunState) -> list[AnyEvent]:
    """The file is not there any more: what it asked for is not to be."""
    finish = state.finish
    if finish is None or finish.plan.source != "file":
        return []
    found = cancel(state, by=BY, reason="the file was removed")
    return [] if isinstance(found, Refusal) else found
