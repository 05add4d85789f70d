"""A call of an agent for an answer in JSON: asked, and asked once more with what was wrong with it.

The caller records that it asks, and what came of it. What is used counts from the run's one purse
while the call goes on, and can be told from its folder when the engine died meanwhile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.agents import session
from engine.agents.attempt import Limits, SessionResult
from engine.agents.protocol import (
    ATTEMPT_VARIABLE,
    ITERATION_VARIABLE,
    Agent,
    AgentTask,
    AnyAgentEvent,
    Confinement,
    ToolStarted,
)
from engine.agents.spending import NOTHING, Pricing, Used
from engine.checks.log import CheckLog
from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.proposers import AgentSpec
from engine.core.secrets import Redactor
from engine.executors.clock import EngineClock
from engine.executors.protocol import Executor, Interrupted, Marker
from engine.knowledge.wording import one_line
from engine.loop.control import CutOff
from engine.loop.purse import Purse, Share
from engine.loop.writer import Writer
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

PROMPT: Final = "prompt.md"
SCHEMA: Final = "answer.schema.json"
TREE: Final = "empty"
DETAIL: Final = 600
_ANSWER_SHOWN: Final = 1_500
_SEARCHES: Final = ("web_search", "websearch", "web_fetch", "webfetch")
"""Names of tools that look something up, as codex and claude call them."""

Reader = Callable[[SessionResult], list[str]]
"""What is wrong with an answer; nothing when it can be used."""


@dataclass(frozen=True, kw_only=True)
class CallSetup:
    """Who is called; chosen by the command line.

    `env` is what its program sees, `secrets` names the variables of it that nothing may show.
    `budget` is for one call. Without `confinement` its program has the person's rights, and
    `unconfined` says why.
    """

    agent: Agent
    spec: AgentSpec
    budget: BudgetPart
    price_of: Pricing
    home: Path
    env: Mapping[str, str]
    secrets: tuple[str, ...]
    confinement: Confinement | None = None
    unconfined: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call: its id, in which role, and where its files and what it says lie.

    `whose` names it where its budget is over. `folder` lies below the run's.
    """

    name: str
    role: str
    whose: str
    folder: str
    log: Path


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended, with what all of it used.

    `asked_again` is what was wrong with the first answer, where there was a second.
    """

    result: SessionResult
    asked_again: list[str]
    searched: bool


class Calls:
    """Makes calls of one agent."""

    def __init__(
        self,
        setup: CallSetup,
        writer: Writer,
        paths: RunPaths,
        *,
        executor: Executor,
        room: Room,
        clock: EngineClock,
        purse: Purse,
    ) -> None:
        self._setup = setup
        self._writer = writer
        self._paths = paths
        self._executor = executor
        self._room = room
        self._clock = clock
        self._purse = purse

    @property
    def spec(self) -> AgentSpec:
        """The agent that is called."""
        return self._setup.spec

    async def prepare(self, folder: Path, prompt: str, schema: Mapping[str, Any]) -> None:
        """Lay what a call needs into its folder."""

        async def write() -> None:
            (folder / TREE).mkdir(parents=True, exist_ok=True)
            (folder / PROMPT).write_text(prompt, encoding="utf-8")
            (folder / SCHEMA).write_bytes(msgspec.json.encode(schema))

        await self._room.write(str(folder), write)

    async def ask(self, call: Call, read: Reader) -> Outcome | CutOff:
        """What it comes to; once more where its answer could not be read."""
        first = await self._once(call, 1, NOTHING, 0.0)
        if isinstance(first, CutOff):
            return first
        problems = read(first.result) if first.result.outcome == "answered" else []
        left_s = self._wall_s() - first.result.duration_s
        if not problems or left_s <= 0 or self._spent(call, first.result) is not None:
            return first
        await self._lay_again(call, first.result, problems)
        before = Used(tokens=first.result.tokens, cost_usd=first.result.cost_usd)
        again = await self._once(call, 2, before, first.result.duration_s)
        if isinstance(again, CutOff):
            return again
        return Outcome(
            result=_with(again.result, first.result),
            asked_again=problems,
            searched=first.searched or again.searched,
        )

    async def _lay_again(self, call: Call, said: SessionResult, problems: list[str]) -> None:
        folder = self._paths.root / call.folder
        prompt = (folder / PROMPT).read_text(encoding="utf-8")
        told = "\n".join(f"- {one_line(problem, 300)}" for problem in problems)
        text = (
            f"{prompt.rstrip()}\n\n## Your last answer could not be used\n\n{told}\n\n"
            f"It was: {one_line(said.structured or said.answer, _ANSWER_SHOWN)}\n\n"
            "Answer again, whole, in the form above.\n"
        )
        schema = msgspec.json.decode((folder / SCHEMA).read_bytes())
        await self.prepare(again_of(folder), text, schema)

    async def _once(
        self, call: Call, attempt: int, before: Used, took_s: float
    ) -> Outcome | CutOff:
        folder = self._paths.root / call.folder
        task = self._task(call, folder if attempt == 1 else again_of(folder), attempt)
        redactor = Redactor({name: task.env[name] for name in task.secrets if name in task.env})
        searched = False

        def hear(event: AnyAgentEvent) -> None:
            nonlocal searched
            searched = searched or looks_up(event)

        log = CheckLog(call.log, self._header(call), room=self._room, redactor=redactor)
        step = f"{call.name}/{call.role}" + ("" if attempt == 1 else f"/{attempt}")
        async with log:
            ended = await session.run(
                self._setup.agent,
                task,
                executor=self._executor,
                marker=Marker(self._paths.run_marker, f"{self._paths.run_marker}#{step}"),
                log=log,
                limits=Limits(wall_s=self._wall_s() - took_s, silent_s=self.spec.idle_s),
                on_event=hear,
                may_go_on=lambda used: self._refusal(call, _sum(before, used)),
                price_of=self._setup.price_of,
                room=self._room,
                clock=self._clock,
            )
            await log.finish("")
        if isinstance(ended, Interrupted):
            return CutOff(ended.reason, let_down=True)
        detail = redactor.text(ended.detail)[:DETAIL]
        result = msgspec.structs.replace(ended, detail=detail)
        return Outcome(result=result, asked_again=[], searched=searched)

    def _wall_s(self) -> float:
        minutes = self._setup.budget.minutes
        spec = self.spec
        return spec.deadline_s if minutes is None else min(spec.deadline_s, minutes * 60)

    def _spent(self, call: Call, result: SessionResult) -> str | None:
        return self._refusal(call, Used(tokens=result.tokens, cost_usd=result.cost_usd))

    def _refusal(self, call: Call, used: Used) -> str | None:
        share = Share(whose=call.whose, each=self._setup.budget)
        return self._purse.refusal(self._writer.state, call.folder, share, used)

    def _task(self, call: Call, folder: Path, attempt: int) -> AgentTask:
        setup = self._setup
        number = call.name.rpartition("-")[2].lstrip("0")
        numbers = {ITERATION_VARIABLE: number, ATTEMPT_VARIABLE: str(attempt)}
        return AgentTask(
            prompt=folder / PROMPT,
            tree=folder / TREE,
            folder=folder,
            home=setup.home,
            env={**setup.env, **numbers},
            secrets=setup.secrets,
            model=setup.spec.model,
            effort=setup.spec.effort,
            answer_schema=folder / SCHEMA,
            budget_usd=setup.budget.usd,
            confinement=setup.confinement,
            unconfined=setup.unconfined,
            options=setup.spec.options,
        )

    def _header(self, call: Call) -> str:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"=== {call.role} {call.name} agent {self.spec.agent} {now}"


def again_of(folder: Path) -> Path:
    """Where the files of the second attempt at a call lie."""
    return folder.with_name(f"{folder.name}-2")


def recovered(paths: RunPaths, folder: str) -> Used:
    """What a call used that was cut off, as far as its events were written."""
    first = paths.root / folder
    try:
        used = session.recover(first)
        again = again_of(first)
        return _sum(used, session.recover(again)) if again.exists() else used
    except OSError:
        return Used(cost_usd=None)


def looks_up(event: AnyAgentEvent) -> bool:
    """Whether a tool was used that looks something up; words about it are none."""
    return isinstance(event, ToolStarted) and event.tool.casefold() in _SEARCHES


def _with(last: SessionResult, first: SessionResult) -> SessionResult:
    """The last attempt at a call, with what both used."""
    used = _sum(
        Used(tokens=first.tokens, cost_usd=first.cost_usd),
        Used(tokens=last.tokens, cost_usd=last.cost_usd),
    )
    return msgspec.structs.replace(
        last,
        tokens=used.tokens,
        cost_usd=used.cost_usd,
        duration_s=first.duration_s + last.duration_s,
    )


def _sum(one: Used, other: Used) -> Used:
    known = None
    if one.cost_usd is not None and other.cost_usd is not None:
        known = one.cost_usd + other.cost_usd
    return Used(tokens=one.tokens.plus(other.tokens), cost_usd=known)
