"""Twelve hours of a worker and a mentor by a clock that leaps: no drift, and nothing swells.

The engine's own loop works here, with its journal, prompts and folders on the disk; the check and
the two minds are played, each takes its time, and time is the only thing that is not real.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

import anyio
import msgspec
import pytest

from engine.agents.result import SessionResult
from engine.checks.boxes import Ground as CheckGround
from engine.core import events as e
from engine.core.breaker import OFF, Breaker
from engine.core.campaign.proposers import AgentSpec
from engine.core.decision_gate import Ground
from engine.core.decisions.events import DecisionAsked
from engine.core.decisions.parts import GateRules, WorkerRules
from engine.core.domains import Integers
from engine.core.finish.times import unix_s
from engine.core.ids import IterationNumber
from engine.core.memory.parts import MemoryRules
from engine.core.metric import Metric
from engine.core.parts import Tokens
from engine.core.plan import Plan, PlannedCheck
from engine.core.reviews.parts import MentorRules, Policy
from engine.core.space import Space
from engine.core.state import Candidate, RunState, dump
from engine.journal import Journal, Verified, verify
from engine.knowledge.decision_prompt import WORKER, decision_template
from engine.knowledge.templates import read_text, shipped
from engine.loop.calls import PROMPT, Call, Calls, Outcome, Reader
from engine.loop.control import Control, CutOff
from engine.loop.guard import Guard
from engine.loop.iteration import CheckJob, Iteration
from engine.loop.mentoring import Mentoring, MentorSetup
from engine.loop.no_code import NoCode
from engine.loop.rechecks import Rechecks
from engine.loop.slots import Slots
from engine.loop.working import WorkerSetup, Working
from engine.loop.writer import Trouble, Writer
from engine.mentor.prompt import MENTOR, mentor_template
from engine.mentor.reading import REPLACEMENT
from engine.proposers.worker import ByWorker
from engine.reports.pages import mentor_page, story_page, todo_page, workpad_page
from engine.runfolder import RunPaths, create_run_folder
from tests.recorded import LOG, NOON, created, started
from tests.virtual_time import Clock, run

NIGHT_S: Final = 12 * 3600.0
EVERY: Final = 4
CHECK_S, WORKER_S, MENTOR_S = 45.0, 15.0, 90.0
SPACE: Final = Space({"x": Integers(0, 999_999, 1)})
RULES: Final = WorkerRules(monitor_s=300, wait_s=60, backoff_s=20, gate=GateRules())
PARTS: Final = 8


def nothing_kept(**changed: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "todo_new": [],
        "notes_update": "",
        "data_exploration_update": "",
        "resolve_shared_todo_ids": [],
    }
    return empty | changed


def decision(number: int) -> dict[str, Any]:
    """What the worker says: always something new to try, and to be remembered; a wait at times."""
    kept = nothing_kept(
        todo_new=[f"Look at block {number} of the loop", f"Measure {number} bytes a step"],
        notes_update=f"In {number} nothing of the sort helped: {number * 17} was too much.",
        data_exploration_update=f"{number} of the samples are odd." if number % 7 == 0 else "",
        resolve_shared_todo_ids=[f"t-{number:04d}"] if number % 3 == 0 else [],
    )
    return {
        "action": "wait" if number % 50 == 0 else "run",
        "rationale": f"The {number}th value said that the optimum is further on. " * 3,
        "category": "optimization",
        "label": f"x at {number}",
        "command": "",
        "folder": "",
        "parameters": [{"name": "x", "value": str(number)}],
        "run": "",
        "wait_s": 30,
        "monitor_s": 0,
        "follows": [f"r-{number // EVERY:03d}"] if number % 5 == 0 else [],
        "housekeeping": kept,
    }


def opinion(number: int) -> dict[str, Any]:
    """What the mentor says, in its time or much too late; with another value at times."""
    return {
        "course": "off_track" if number % 3 == 0 else "on_track",
        "critique": f"For the {number}th time: small steps, of which none gained anything. " * 4,
        "question": f"Why not {number} at once?",
        "advice": f"Try {number} things at once.",
        "housekeeping": nothing_kept(
            todo_new=[f"Look elsewhere than in {number}"],
            notes_update=f"Steps of {number} are too small.",
        ),
        REPLACEMENT: {
            name: value
            for name, value in (decision(500_001 + number) | {"action": "run"}).items()
            if name not in ("housekeeping", "follows")
        },
    }


class Minds(Calls):
    """A worker and a mentor that are played: each call takes its time and says what is next."""

    def __init__(self, paths: RunPaths) -> None:
        self._run = paths
        self._replaces = False

    @property
    def spec(self) -> AgentSpec:
        return AgentSpec(kind="agent", agent="scripted")

    async def prepare(self, folder: Path, prompt: str, schema: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PROMPT).write_text(prompt, encoding="utf-8")
        self._replaces = REPLACEMENT in schema["properties"]

    async def ask(self, call: Call, read: Reader) -> Outcome | CutOff:
        number = int(call.name.rpartition("-")[2])
        mentor = call.role == "mentor"
        late = mentor and number % 10 == 0
        await anyio.sleep((10 if late else 1) * (MENTOR_S if mentor else WORKER_S))
        said = opinion(number) if mentor else decision(number)
        if not mentor or not self._replaces:
            said.pop(REPLACEMENT, None)
        text = "no JSON at all" if number % 37 == 0 else json.dumps(said)
        result = SessionResult(
            outcome="answered", detail="", retry_at=None, cost_usd=0.001, model="m",
            tokens=Tokens(input=900, output=100), answer=text, structured=None, duration_s=1.0,
            transcript=self._run.root / call.folder, events=1,
        )  # fmt: skip
        return Outcome(result=result, asked_again=read(result), searched=False)


class Judged:
    """A check that is played: mostly worse, sometimes better, wrong, or an error."""

    def next_log(self, candidate: Candidate) -> e.LogSpan:
        del candidate
        return LOG

    async def run(self, job: CheckJob) -> e.CheckFinished | CutOff:
        await anyio.sleep(CHECK_S)
        x = int(job.candidate.parameters["x"])
        fails = x % 10 == 5
        return e.CheckFinished(
            iteration=job.turn.iteration, candidate=job.candidate.id, check=job.check,
            attempt=job.attempt, outcome="failed" if fails else "passed",
            exit_code=int(fails), duration_s=CHECK_S, log=job.log,
            metrics={} if fails else {"score": 9 - x / 1e6 if x % 20 == 0 else 10.0 + x % 7},
            verdict="incorrect" if fails else None,
            detail=f"x is unlucky at {x}" if fails else "",
        )  # fmt: skip

    def clear(self, iteration: IterationNumber) -> None:
        del iteration

    def stand_by(self, iteration: IterationNumber, ground: CheckGround) -> None:
        del iteration, ground

    async def attend(self) -> None:
        pass


class AtOnce(Writer):
    """A writer that waits for the disk where it stands: time does not go on meanwhile."""

    async def _in_thread(self, call: Any) -> Any:
        return call()


class Night:
    """The run of a night, and what was seen of it every hour."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self.paths = create_run_folder(RunPaths.of(folder, "night-s0").root)
        self.held_kib: list[int] = []
        self.state_bytes: list[int] = []
        self._clock = Clock(unix_s(NOON))
        self._mentor = MentorRules(
            every=EVERY, when_stuck=False, stuck_after=5, failures=3, policy=policy, wait_s=120
        )
        begun = msgspec.structs.replace(
            created("night-s0"), metric=Metric(name="score", direction="min"),
            limits=e.Limits(for_s=NIGHT_S), slots=1,
        )  # fmt: skip
        Journal.create(self.paths.journal, [begun, started()], NOON).close()
        found = verify(self.paths.journal)
        assert isinstance(found, Verified)
        self._journal = Journal.open(self.paths.journal)
        self.writer = AtOnce(self._journal, found.state, Trouble(), now=self._clock.now)
        self.records: list[e.Record] = []
        self.writer.listen(self.records.append)

    @property
    def state(self) -> RunState:
        return self.writer.state

    async def sleep_through(self) -> None:
        """All of it, to its end by the clock."""
        control, checks, code = Control(), Judged(), NoCode()
        guard = Guard(self.writer, self.paths, Breaker(same_failure=OFF), anyio.Lock())
        plan = Plan(checks=(PlannedCheck(name="measure"),), mentor=self._mentor)
        iteration = Iteration(
            self.writer, control, guard,
            checks=checks, plan=plan, code=code, now_s=self._clock.now_s,
        )  # fmt: skip
        slots = Slots(
            self.writer, control, iteration,
            Rechecks(self.writer, control, guard, checks=checks, plan=plan, code=code),
            proposer=ByWorker("worker", Ground(space=SPACE), {"x": 0}, RULES),
            alive_s=self._clock.alive_s, code=code, now_s=self._clock.now_s,
        )  # fmt: skip
        async with anyio.create_task_group() as tasks:
            for mind in (self._working(control, guard, slots), self._mentoring(control)):
                tasks.start_soon(mind.run)
            tasks.start_soon(self._watch)
            await slots.run(0)
            tasks.cancel_scope.cancel()
        await self.writer.close()

    def _working(self, control: Control, guard: Guard, slots: Slots) -> Working:
        setup = WorkerSetup(
            rules=RULES, ground=Ground(space=SPACE), memory=MemoryRules(),
            template=decision_template(read_text(shipped(WORKER)), WORKER),
            mission="Halve the score within the night.", by="worker", root=self.paths.root,
            mentor=self._mentor,
        )  # fmt: skip
        return Working(
            setup, self.writer, control, self.paths, guard=guard, calls=Minds(self.paths),
            may_begin=slots.may_begin, now_s=self._clock.now_s,
        )  # fmt: skip

    def _mentoring(self, control: Control) -> Mentoring:
        setup = MentorSetup(
            rules=self._mentor, memory=MemoryRules(),
            template=mentor_template(read_text(shipped(MENTOR)), MENTOR),
            mission="Look at the night as a whole.", require_search=False, by="mentor",
            space=SPACE,
        )  # fmt: skip
        return Mentoring(setup, self.writer, control, self.paths, calls=Minds(self.paths))

    async def _watch(self) -> None:
        while True:
            await anyio.sleep(3600)
            self.held_kib.append(held_kib())
            self.state_bytes.append(len(dump(self.state)))

    def of(self, kind: type) -> Iterator[Any]:
        """The events of a type, with their times."""
        return ((record.time, record.event) for record in self.records
                if isinstance(record.event, kind))  # fmt: skip


def held_kib() -> int:
    """What this process holds of its own."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def sizes(night: Night, kind: type) -> list[int]:
    """How many characters the prompts of a role have, in their order."""
    return [sum(part.characters for part in event.parts) for _, event in night.of(kind)]


@pytest.mark.parametrize("policy", ["advise", pytest.param("replace", marks=pytest.mark.long)])
def test_in_a_night_nothing_drifts_and_nothing_swells(tmp_path: Path, policy: Policy) -> None:
    night = Night(tmp_path, policy)
    run(night.sleep_through)
    state = night.state

    verdicts = [unix_s(time) for time, _ in night.of(e.VerdictReached)]
    assert verdicts[-1] - unix_s(NOON) == pytest.approx(NIGHT_S, abs=10 * (CHECK_S + WORKER_S))
    ended = len(verdicts)
    print(policy, "iterations:", ended, "reviews:", state.reviews.begun)
    gaps = [after - before for before, after in pairwise(verdicts)]
    assert ended > 500
    early, late = gaps[: ended // 4], gaps[-ended // 4 :]
    assert median(early) == median(late) == pytest.approx(CHECK_S + WORKER_S, abs=0.5)
    assert sum(late) == pytest.approx(sum(early), rel=0.05)

    reviews = [event.at_iteration for _, event in night.of(e.ReviewStarted)]
    between = [after - before for before, after in pairwise(reviews)]
    assert median(between[: len(between) // 4]) == median(between[-len(between) // 4 :]) == EVERY
    longest = 1 + int(10 * MENTOR_S // (CHECK_S + WORKER_S))
    assert all(EVERY <= gap <= max(EVERY, longest) + 1 for gap in between), between

    for kind in (DecisionAsked, e.ReviewStarted):
        found = sizes(night, kind)
        whole = len(found)
        shown = [found[min(whole - 1, whole * part // PARTS)] for part in range(PARTS + 1)]
        print(policy, kind.__name__, "characters by eighths of the night:", shown, max(found))
        assert max(found) < 24_000
        assert max(found[whole // 2 :]) < 1.1 * max(found[: whole // 2])

    pages = {
        "storyline": len(story_page(state)),
        "todo": len(todo_page(state)),
        "workpad": len(workpad_page(state)),
        "mentor": len(mentor_page(state)),
    }
    files = sum(path.stat().st_size for path in night.paths.root.rglob("*") if path.is_file())
    journal = sum(path.stat().st_size for path in night.paths.root.glob("journal*"))
    print(policy, "pages:", pages, "bytes an iteration:", files // ended, "journal:", journal)
    assert max(pages["todo"], pages["workpad"], pages["mentor"]) < 200_000
    assert pages["storyline"] < 400 * ended
    assert files < 64 * 1024 * ended

    per_hour = [after - before for before, after in pairwise(night.state_bytes)]
    print(policy, "state by hours:", night.state_bytes, "KiB held:", night.held_kib)
    assert max(per_hour[6:]) < 1.5 * max(per_hour[:5]), "it grows by what each iteration adds"
    assert night.held_kib[-1] - night.held_kib[1] < 48 * 1024
