"""The sandboxes of sealed checks that stand before it is known what runs in them.

To make one takes longer than what the engine does in it, and what it shows is known while an agent
still works.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
from anyio.abc import TaskGroup

from engine.checks.waiting import Waiting, plain_errors
from engine.executors.protocol import Command, Executor

Key = tuple[Path, str]
"""The scratch folder of an iteration, and a check."""


class Early(msgspec.Struct, frozen=True):
    """The commands of the two halves of a check, without what is known only later."""

    produce: Command
    judge: Command


class Pair:
    """The two sandboxes of one check; they stand, or will, once its folders are `laid_out`."""

    def __init__(self) -> None:
        self.laid_out = anyio.Event()
        self.produce = Waiting()
        self.judge = Waiting()

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Within, they are wanted; after that nothing of them is left."""
        async with self.judge.held(), self.produce.held():
            yield

    def dismiss(self) -> None:
        """Nothing is wanted of it any more."""
        self.produce.dismiss()
        self.judge.dismiss()


class Standing:
    """Makes sandboxes ahead, as long as `attend` runs; without it none are."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._tasks: TaskGroup | None = None
        self._pairs: dict[Key, Pair] = {}

    async def attend(self) -> None:
        """Keep what stands, until this is cancelled: nothing of it is left then."""
        with plain_errors():
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                try:
                    await anyio.sleep_forever()
                finally:
                    self._tasks = None
                    self._pairs.clear()

    def begin(self, key: Key, lay_out: Callable[[], Awaitable[None]], early: Early) -> None:
        """Have the sandboxes of a check made, if they do not stand already."""
        if self._tasks is None or key in self._pairs:
            return
        pair = self._pairs[key] = Pair()
        self._tasks.start_soon(self._stand, pair, lay_out, early)

    async def take(self, key: Key) -> Pair | None:
        """Those of a check, whose folders are laid out; nobody else gets them again."""
        pair = self._pairs.pop(key, None)
        if pair is not None:
            await pair.laid_out.wait()
        return pair

    def clear(self, folder: Path) -> None:
        """Give up what stands for an iteration, by its scratch folder."""
        for key in [key for key in self._pairs if key[0] == folder]:
            self._pairs.pop(key).dismiss()

    async def _stand(
        self, pair: Pair, lay_out: Callable[[], Awaitable[None]], early: Early
    ) -> None:
        try:
            await lay_out()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(pair.judge.stand, self._executor, early.judge)
                tasks.start_soon(pair.produce.stand, self._executor, early.produce)
                pair.laid_out.set()
        finally:
            pair.produce.end(None)
            pair.judge.end(None)
