"""Sealed checks: the candidate's code runs in a sandbox and leaves plain data; then it is judged.

Nothing of the first half lives when the second begins, and the second never runs what the first
could have written: the score passes through nothing that the candidate can touch.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskGroup

from engine.checks import observe
from engine.checks.boxes import Boxes, Ground
from engine.checks.classify import Judged, Observed, classify_judged, classify_produced
from engine.checks.files import digest_of, remove
from engine.checks.halves import REPORT_VARIABLE, TOKEN_VARIABLE, Folders, Half, Halves
from engine.checks.log import CheckLog
from engine.checks.result import NO_RESULT, Result, parse_result
from engine.checks.sayings import sayings
from engine.checks.standing import Early, Pair, Standing
from engine.checks.step import described
from engine.checks.turn import Outcome, Turn, footer, header, voided
from engine.checks.waiting import Waiting, plain_errors
from engine.core import failpoints
from engine.core.campaign.checks import CheckSpec, Part
from engine.core.metric import Metric
from engine.executors.protocol import (
    Exceeded,
    Executor,
    Finished,
    Interrupted,
    NotStarted,
    TimedOut,
)
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

_SEED_BITS: Final = 53

_Over = Finished | TimedOut | Exceeded | NotStarted


class Sealed:
    """Runs the two halves of sealed checks.

    Args:
        paths: the run's folder.
        executor: runs the commands.
        boxes: makes their sandboxes; without them they run as they are, and a score can be forged.
        room: where everything waits when the disk is full.
        metric: what a candidate's half may say something of, which is shown beside the measured.
    """

    def __init__(
        self,
        paths: RunPaths,
        executor: Executor,
        boxes: Boxes | None,
        room: Room,
        metric: Metric,
    ) -> None:
        self._paths = paths
        self._metric = metric
        self._executor = executor
        self._halves = Halves(boxes, paths.run_marker)
        self._room = room
        self._standing = Standing(executor)
        self.attend = self._standing.attend
        self.clear = self._standing.clear

    def stand_by(self, check: CheckSpec, folder: Path, ground: Ground) -> None:
        """Have the sandboxes of a check made, whose candidate is still in the making.

        Until they are told more there is one process of the engine's in each. What they show is
        compared once more before they are used: the candidate's tree is going to change.

        Args:
            check: which one.
            folder: the scratch folder of the iteration.
            ground: where the candidate will be.
        """
        if not self._halves.boxed:
            return
        folders = Folders.of(folder, check.name)
        name = f"{folder.name}/{check.name}/ready"
        early = Early(
            self._halves.early(self._halves.producing(ground, folders), name),
            self._halves.early(self._halves.judging(ground, folders, check), name),
        )
        self._standing.begin((folder, check.name), partial(self._lay_out, folders), early)

    async def run(self, turn: Turn) -> Outcome | Interrupted:
        """What came of the check, or that it was cut off and has to be done again."""
        folders = Folders.of(turn.step.folder, turn.spec.name, turn.spec.produced_by)
        pair = await self._standing.take((turn.step.folder, turn.spec.name))
        outcomes: list[Outcome | Interrupted] = []
        with plain_errors():
            async with anyio.create_task_group() as tasks:
                if pair is None:
                    pair = await self._stand(turn, folders, tasks)
                async with pair.held():
                    outcomes.append(await self._both(turn, folders, pair))
        return outcomes[0]

    async def _stand(self, turn: Turn, folders: Folders, tasks: TaskGroup) -> Pair:
        """Have the judge's sandbox made while the candidate's code runs in a new one."""
        await self._lay_out(folders[1:] if turn.spec.produced_by else folders)
        pair = Pair()
        pair.produce.end(None)
        early = self._halves.early(self._halves.judging(turn.ground, folders, turn.spec), turn.name)
        tasks.start_soon(pair.judge.stand, self._executor, early)
        return pair

    async def _both(self, turn: Turn, folders: Folders, pair: Pair) -> Outcome | Interrupted:
        """Run one after the other; the second begins when nothing of the first is left."""
        reason, made = await self._produced(turn, folders, pair.produce)
        if reason:
            return _void(turn, reason, folders.produced)
        if isinstance(made, Interrupted) or made.judged.verdict is not None:
            return made
        failpoints.reach("check.produced")
        outcome = await self._judge(turn, folders, made, pair.judge)
        if isinstance(outcome, Interrupted):
            return outcome
        reason = await trouble(turn)
        return _void(turn, reason, folders.produced, outcome) if reason else outcome

    async def _produced(
        self, turn: Turn, folders: Folders, waiting: Waiting
    ) -> tuple[str, Outcome | Interrupted]:
        """What is wrong with what judges, looked at meanwhile, and what came of the first half."""
        reasons: list[str] = []
        outcomes: list[Outcome | Interrupted] = []

        async def look() -> None:
            reasons.append(await trouble(turn))

        with plain_errors():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(look)
                if turn.spec.produced_by is None:
                    outcomes.append(await self._produce(turn, folders, waiting))
                else:
                    outcomes.append(await self._left(turn, folders.produced))
        return reasons[0], outcomes[0]

    async def _produce(
        self, turn: Turn, folders: Folders, waiting: Waiting
    ) -> Outcome | Interrupted:
        """Run the candidate's code; it knows neither the judge's seed nor where a result goes."""
        half, produced = self._halves.producing(turn.ground, folders), folders.produced
        known = described(turn.candidate)
        del known["seed"]
        if turn.spec.seeded:
            known["seed"] = seed_of_training(turn.candidate.seed, beside=turn.beside)
        await self._write(half.candidate_file, known)
        log = self._log(turn, "produce")
        async with log:
            ended = await self._run(turn, half, log, waiting)
            if isinstance(ended, Interrupted):
                return ended
            await log.finish(footer(ended))
            seen = await observe.observe(turn.spec, ended, log, observe.NOTHING, NO_RESULT)
        judged = classify_produced(turn.spec, seen)
        made = _outcome(turn, produced, log, seen=seen, judged=judged)
        said, digest = await anyio.to_thread.run_sync(self._looked_at, ended, produced, log.recent)
        return msgspec.structs.replace(made, product=digest, said=said)

    def _looked_at(
        self, ended: _Over, produced: Path, output: bytes
    ) -> tuple[dict[str, float], str]:
        """What it says of the metric, and the digest of what is left without that."""
        left = ended.produced if isinstance(ended, Finished) else None
        said = sayings(self._metric, produced, left and left.files, output)
        return said, digest_of(produced)

    async def _left(self, turn: Turn, produced: Path) -> Outcome:
        """What the candidate's code left for an earlier check, if it is still that to the byte."""
        digest = await anyio.to_thread.run_sync(digest_of, produced)
        same = digest == turn.product
        reason = f"what {turn.spec.produced_by} left is not what it was"
        return Outcome(
            seen=Observed(ended=Finished()),
            judged=Judged(None) if same else Judged("infra", reason),
            start=0,
            end=0,
            folders=(turn.ground.judge_root, produced),
            product=digest,
        )

    async def _judge(
        self, turn: Turn, folders: Folders, made: Outcome, waiting: Waiting
    ) -> Outcome | Interrupted:
        """Let the protected base judge what was left, on inputs that nobody has seen before."""
        seed, token = turn.secret_seed, secrets.token_hex()
        seed = secrets.randbits(_SEED_BITS) if seed is None else seed
        half = msgspec.structs.replace(
            self._halves.judging(turn.ground, folders, turn.spec), seed=seed, token=token
        )
        await self._write(half.candidate_file, described(turn.candidate) | {"seed": seed})
        log = self._log(turn, "judge")
        async with log:
            ended = await self._run(turn, half, log, waiting)
            failpoints.reach("check.ended")
            if isinstance(ended, Interrupted):
                return ended
            await log.finish(footer(ended))
            result = _reported(ended, token)
            seen = await observe.observe(turn.spec, ended, log, observe.NOTHING, result)
        judged = classify_judged(turn.spec, seen)
        outcome = _outcome(turn, folders.produced, log, seen=seen, judged=judged)
        start = log.start if turn.spec.produced_by else made.start
        return msgspec.structs.replace(
            outcome, start=start, seed=seed, product=made.product, said=made.said
        )

    async def _run(
        self, turn: Turn, half: Half, log: CheckLog, waiting: Waiting
    ) -> _Over | Interrupted:
        """Run a half where its sandbox stands; in a new one where that does not do, or is gone."""
        if turn.variables.missing:
            names = ", ".join(turn.variables.missing)
            return NotStarted(f"not set in the environment of the engine: {names}", machine=True)
        command = self._halves.command(turn, half)
        if not waiting.gone:
            waiting.tell(command, log)
            ended = await waiting.ended()
            if not isinstance(ended, NotStarted):
                return ended
        return await self._executor.run(command, log=log)

    async def _lay_out(self, folders: Iterable[Path]) -> None:
        """Make the folders anew: what is bound into a sandbox is not made again after that."""
        for folder in folders:
            await self._room.write(str(folder), partial(_emptied, folder))

    async def _write(self, file: Path, content: dict[str, object]) -> None:
        await self._room.write(str(file), partial(_written, file, msgspec.json.encode(content)))

    def _log(self, turn: Turn, part: Part) -> CheckLog:
        return CheckLog(
            self._paths.log(turn.candidate.iteration),
            header(turn, part),
            room=self._room,
            redactor=turn.redactor,
        )


def seed_of_training(seed: int, *, beside: bool) -> int:
    """The 31 bits that `produce` of a seeded check is told.

    The two halves of a pair have different ones: with the same, a champion that is measured
    against itself would show no noise, where another seed shows some.

    Args:
        seed: that of the measurement.
        beside: it is the champion's half.
    """
    who = "champion" if beside else "candidate"
    digest = hashlib.blake2b(f"seeded/{seed}/{who}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1


async def trouble(turn: Turn) -> str:
    """What is wrong with the files that judge; empty when they are what they were."""
    harness = turn.ground.harness
    return "" if harness is None else await anyio.to_thread.run_sync(harness.trouble)


async def _emptied(folder: Path) -> None:
    _make_empty(folder)


def _make_empty(folder: Path) -> None:
    remove(folder)
    folder.mkdir(parents=True)


async def _written(file: Path, content: bytes) -> None:
    _write(file, content)


def _write(file: Path, content: bytes) -> None:
    remove(file)
    file.write_bytes(content)


def _outcome(
    turn: Turn, produced: Path, log: CheckLog, *, seen: Observed, judged: Judged
) -> Outcome:
    folders = (turn.ground.judge_root, produced)
    return Outcome(seen=seen, judged=judged, start=log.start, end=log.end, folders=folders)


def _void(turn: Turn, reason: str, produced: Path, outcome: Outcome | None = None) -> Outcome:
    seen = outcome.seen if outcome else Observed(ended=Finished())
    start, end = (outcome.start, outcome.end) if outcome else (0, 0)
    return Outcome(
        seen=msgspec.structs.replace(seen, metrics={}),
        judged=voided(reason),
        start=start,
        end=end,
        folders=(turn.ground.judge_root, produced),
        seed=outcome.seed if outcome else None,
        voided=reason,
    )


def _reported(ended: _Over, token: str) -> Result:
    """What the judge reported, if it was the judge."""
    if not isinstance(ended, Finished):
        return NO_RESULT
    if not ended.report:
        return Result(problem=f"the judge wrote no report to {REPORT_VARIABLE}")
    if ended.report_cut:
        return Result(problem="the judge's report is too long")
    result = parse_result(ended.report, what="the judge's report", with_token=True)
    if result.problem is None and not hmac.compare_digest(result.token.encode(), token.encode()):
        return Result(problem=f"the report does not bear this judge's {TOKEN_VARIABLE}")
    return result
