"""A feed that shows what it is told, and runs made from synthetic events."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine.core import events as e
from engine.core.commands import AnyCommand, name_of
from engine.core.fold import fold
from engine.core.ids import IterationNumber, RunId, candidate_id, trace_id
from engine.core.metric import Gain, Metric
from engine.core.state import RunState
from tui.clock import Clock
from tui.room import Pending, Room
from tui.views.condition import Condition
from tui.views.log import LogEntry, Narrator
from tui.views.words import epoch_of
from tui.weaver import Weaver

START = datetime(2026, 3, 14, 2, 0, tzinfo=UTC).timestamp()
NOW = START + 3 * 3600 + 24 * 60
CLOCK = Clock(now=lambda: NOW, zone=UTC)
RUN = RunId("gdn-v5p-s0")
METRIC = Metric(
    name="est_ms",
    unit="ms",
    direction="min",
    target=0.70,
    min_gain=Gain(amount=0.001, relative=True),
    label="static estimate",
)


class FakeFeed:
    """Keeps what was sent; `show` puts another room before the screen."""

    def __init__(self, room: Room, lines: list[LogEntry] | None = None) -> None:
        self._room = room
        self._lines = lines or []
        self.sent: list[AnyCommand] = []
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def room(self) -> Room:
        return self._room

    def show(self, room: Room) -> None:
        self._room = room

    def write(self, lines: list[LogEntry]) -> None:
        self._lines = self._lines + lines

    def take_lines(self) -> list[LogEntry]:
        lines, self._lines = self._lines, []
        return lines

    def send(self, command: AnyCommand) -> None:
        self.sent.append(command)
        self._room = replace(self._room, pending=Pending(name_of(command), NOW))

    def close(self) -> None:
        self.closed = True


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def events_of_run(
    iterations: int = 127, *, seed: int = 3, open_steps: int = 2, limit: int | None = 200
) -> list[tuple[float, e.AnyEvent]]:
    """A believable run of a kernel search: times and events."""
    rng = random.Random(seed)
    told: list[tuple[float, e.AnyEvent]] = [(START, _created(limit)), (START + 0.2, _started())]
    best, at = 0.0, START + 1
    gap = (NOW - START - 300) / max(1, iterations)
    for number in range(1, iterations + 1):
        iteration = IterationNumber(number)
        value = _value(rng, number)
        told += _begin(iteration, number % 3, rng, at)
        best, verdict, reason = _judged(number, value, best, rng)
        told += _end(iteration, at + gap * 0.8, value, verdict, reason)
        at += gap
    for step in range(open_steps):
        begun = _begin(IterationNumber(iterations + 1 + step), step, rng, NOW - 250 + 200 * step)
        told += begun
    return sorted(told, key=lambda pair: pair[0])


def _value(rng: random.Random, number: int) -> float:
    floor = 0.78 + 0.67 * 2.7 ** (-number / 22)
    return 1.4503 if number == 1 else round(floor * (1 + rng.expovariate(7)), 4)


def _judged(number: int, value: float, best: float, rng: random.Random) -> tuple[float, str, str]:
    if number > 1 and rng.random() < 0.1:
        return best, *rng.choice(
            [
                ("incorrect", "dg, window 12: error 3e-2 is over 1e-2"),
                ("compile", "Mosaic failed: unsupported layout for the transposed operand"),
                ("refused", "a trip count depends on data"),
                ("timeout", "over the deadline of 120 s"),
            ]
        )
    if number == 1 or value < best * 0.999:
        return value, "promoted", "the baseline" if number == 1 else f"{value:.4f} < {best:.4f}"
    return best, "rejected", f"{value:.4f} > {best:.4f}"


def _created(limit: int | None) -> e.RunCreated:
    return e.RunCreated(
        run=RUN,
        campaign="gdn-v5p",
        campaign_sha256="0" * 64,
        campaign_path="configs/gdn-v5p.yaml",
        document={},
        seed=0,
        slots=3,
        metric=METRIC,
        limits=e.Limits(iterations=limit, for_s=8 * 3600.0),
        space_size=1536,
    )


def _started() -> e.EngineStarted:
    return e.EngineStarted(
        pid=4711,
        start_ticks=1,
        boot_id="b",
        host="tpu-dev",
        version="0.1.0",
        alive_s=0.0,
        fingerprint={},
    )


def _begin(
    iteration: IterationNumber, slot: int, rng: random.Random, at: float
) -> list[tuple[float, e.AnyEvent]]:
    parameters: e.Parameters = {
        "chunk": 128,
        "heads_per_step": 1,
        "inverse": "ladder",
        "form": "wy",
    }
    if iteration > 1:
        parameters = {
            "chunk": rng.choice([64, 128, 256]),
            "heads_per_step": rng.choice([1, 2, 4, 8]),
            "inverse": rng.choice(["blocked", "ladder"]),
            "form": rng.choice(["wy", "r"]),
        }
    candidate = candidate_id(iteration)
    return [
        (at, e.IterationStarted(iteration=iteration, slot=slot, trace_id=trace_id(RUN, iteration))),
        (
            at + 0.01,
            e.CandidateProposed(
                iteration=iteration,
                candidate=candidate,
                parameters=parameters,
                key=str(iteration),
                seed=iteration,
                parents=[],
                tags=[],
                proposer="baseline" if iteration == 1 else "evolution",
            ),
        ),
        (
            at + 0.02,
            e.CheckStarted(
                iteration=iteration,
                candidate=candidate,
                check="cost" if slot == 0 else "correctness",
                attempt=1,
                log=e.LogSpan(path=f"logs/{iteration:05d}.log"),
            ),
        ),
    ]


def _end(
    iteration: IterationNumber, at: float, value: float, verdict: str, reason: str
) -> list[tuple[float, e.AnyEvent]]:
    scored = verdict in {"promoted", "rejected"}
    return [
        (
            at,
            e.CheckFinished(
                iteration=iteration,
                candidate=candidate_id(iteration),
                check="cost",
                attempt=1,
                outcome="passed" if scored else "failed",
                exit_code=0 if scored else 1,
                duration_s=4.31,
                log=e.LogSpan(path=f"logs/{iteration:05d}.log", end=0),
                metrics={"est_ms": value} if scored else {},
                detail="" if scored else reason,
            ),
        ),
        (
            at + 0.01,
            e.VerdictReached(
                iteration=iteration,
                candidate=candidate_id(iteration),
                verdict=verdict,
                reason=reason,  # pyright: ignore[reportArgumentType]
                value=value if scored else None,
            ),
        ),
    ]


def folded(told: list[tuple[float, e.AnyEvent]]) -> RunState:
    """The state that the events add up to."""
    state: RunState | None = None
    for seq, (at, event) in enumerate(told, start=1):
        state = fold(state, e.Record(seq=seq, time=iso(at), event=event, hash=b""))
    assert state is not None
    return state


def log_of(told: list[tuple[float, e.AnyEvent]], count: int = 300) -> list[LogEntry]:
    """What the log says of the events, with some output of programs between."""
    narrator, entries = Narrator(), []
    for at, event in told:
        entry = narrator.tell(event, at)
        if entry:
            entries.append(entry)
        if isinstance(event, e.CheckStarted):
            slot = narrator.slot_of(event.iteration)
            entries.append(
                LogEntry(at + 0.4, slot, event.check, "$ python -m kernels.gdn.evaluate")
            )
            entries.append(
                LogEntry(
                    at + 1.1, slot, event.check, "34 passed, vmem 3.1 MiB, [bold] brackets stay"
                )
            )
    return entries[-count:]


def condition_of(word: str, **more: object) -> Condition:
    fields: dict[str, object] = {
        "word": word,
        "pid": 4711,
        "beat_at": NOW - 0.4,
        "alive_s": NOW - 0.4 - START,
        "resume_command": "controlroom run configs/gdn-v5p.yaml",
        "attach_command": f"controlroom attach {RUN}",
    }
    return Condition(**(fields | more))  # type: ignore[arg-type]


def room_of(told: list[tuple[float, e.AnyEvent]] | None, condition: Condition) -> Room:
    """The room for these events; without events, the one before the first."""
    weaver = Weaver(str(RUN))
    state = folded(told) if told else None
    return weaver.weave(state, condition, NOW)


__all__ = ["Path", "epoch_of"]
