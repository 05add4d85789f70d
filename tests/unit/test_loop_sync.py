"""A remote that is away, asked by an engine that knows from its state that it once was there."""

from collections.abc import Sequence

import msgspec
import pytest

from engine.core.events import AnyEvent, Record
from engine.core.state import RunState
from engine.loop.sync import FETCH_S, FIRST_FETCH_S, Sync
from engine.loop.writer import Trouble
from engine.workspace.protocol import Commit, Unchanged, WorkspaceError
from tests.recorded import NOON, began, created, folded, iteration, judged, proposed, started

pytestmark = pytest.mark.anyio
COMMIT = "c" * 40


class Away:
    """A workspace whose remote does not answer, for so many seconds; and what it was asked."""

    def __init__(self, trouble: Trouble, takes_s: float = 0.1, *, answers: bool = False) -> None:
        self.now_s = 0.0
        self.deadlines: list[float | None] = []
        self.said: list[str | None] = []
        self.answers = answers
        self._trouble = trouble
        self._takes_s = takes_s

    async def merge_main(
        self, commit: Commit, remote: str, branch: str, *, fetch_s: float | None
    ) -> Unchanged:
        self.deadlines.append(fetch_s)
        self.said.append(self._trouble.reason)
        if self.answers:
            return Unchanged()
        self.now_s += self._takes_s
        raise WorkspaceError("git fetch failed")


class Nobody:
    """Halts nothing."""


def after(*events: AnyEvent) -> RunState:
    """The state of a run whose baseline is code and was promoted, and then this."""
    baseline = [
        began(1),
        msgspec.structs.replace(proposed(1), commit=COMMIT),
        judged(1, 10.0, "promoted"),
    ]
    story: Sequence[AnyEvent] = [created(), started(), *baseline, *events]
    records = [Record(seq=n, time=NOON, hash=b"", event=event) for n, event in enumerate(story, 1)]
    return folded(records)


def asked(away: Away, trouble: Trouble, when: str = "each", remote: str = "origin") -> Sync:
    """One that asks it, as a new engine does."""
    return Sync(
        away,
        Nobody(),
        trouble,
        remote=remote,
        branch="main",
        when=when,
        on_conflict="fail",
        clock=lambda: away.now_s,
    )


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


async def test_a_remote_that_never_answered_is_a_mistake(trouble: Trouble) -> None:
    away = Away(trouble)
    with pytest.raises(WorkspaceError, match="git fetch failed"):
        await asked(away, trouble).due(after())
    assert away.deadlines == [FIRST_FETCH_S]


async def test_after_a_restart_it_may_be_away(trouble: Trouble) -> None:
    away = Away(trouble)
    assert await asked(away, trouble).due(after(*iteration(2))) is None
    assert away.deadlines == [FETCH_S]


async def test_what_everybody_waits_for_is_said_meanwhile(trouble: Trouble) -> None:
    away = Away(trouble)
    await asked(away, trouble).due(after(*iteration(2)))
    assert away.said == ["asking origin for its branch main"]
    assert trouble.reason is None


async def test_one_that_keeps_everybody_waiting_is_left_alone_for_a_while(trouble: Trouble) -> None:
    away, state = Away(trouble, takes_s=30), after(*iteration(2))
    sync = asked(away, trouble)
    for _ in range(3):
        assert await sync.due(state) is None
    assert len(away.deadlines) == 1
    away.now_s += 300
    await sync.due(state)
    assert len(away.deadlines) == 2


async def test_one_that_refuses_at_once_is_asked_each_time(trouble: Trouble) -> None:
    away, state = Away(trouble), after(*iteration(2))
    sync = asked(away, trouble)
    for _ in range(3):
        await sync.due(state)
    assert len(away.deadlines) == 3


async def test_once_is_over_when_the_second_iteration_began(trouble: Trouble) -> None:
    away = Away(trouble)
    assert await asked(away, trouble, "once").due(after(*iteration(2))) is None
    assert away.deadlines == []


async def test_a_branch_of_this_repository_is_not_waited_for(trouble: Trouble) -> None:
    away = Away(trouble, answers=True)
    await asked(away, trouble, remote="").due(after())
    assert (away.deadlines, away.said) == ([None], [None])
