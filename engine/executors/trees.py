"""The processes of the steps that run, whatever they did to hide, and their end.

A process belongs to a step when it is in the session or the group of the step's main process,
carries the step's marker, descends from a process that belongs to it, or, having shed all of
that, was orphaned to the engine and writes to the step's output, or can have been started by no
other step that still runs.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final, NamedTuple

import anyio

from engine.executors import processes, procfs, signalling
from engine.executors.procfs import Process
from engine.executors.protocol import (
    JOB_VARIABLE,
    JOBS_VARIABLE,
    RUN_VARIABLE,
    STEP_VARIABLE,
    TOOL_VARIABLE,
    Marker,
)

UNKILLABLE_S: Final = 10.0
"""How long a process may take to die of KILL: one in a system call on a dead disk never does."""

_log = logging.getLogger(__name__)


class Step(NamedTuple):
    """A step whose main process was started; `boxed` if that is the sandbox round the command."""

    marker: Marker
    pid: int
    start_ticks: int
    pipes: tuple[str, ...]
    boxed: bool = False


# The children of a process are one set, whoever in it started them: so is this.
_running: Final[dict[int, Step]] = {}


def begin(marker: Marker, pid: int, *outputs: int, boxed: bool = False) -> Step:
    """Take on a step whose main process was just started, and whose output comes from `outputs`."""
    pipes = tuple(filter(None, (procfs.opened(os.getpid(), output) for output in outputs)))
    step = Step(marker, pid, procfs.start_ticks(pid) or 0, pipes, boxed)
    _running[pid] = step
    return step


async def end(step: Step, grace_s: float, *, at_once: bool = False) -> int:
    """Kill what there is of the step until nothing is left; how many processes that were.

    Its main process is not counted. TERM first, KILL after `grace_s` seconds. With `at_once` all
    of it is stopped first, and killed then: a program whose tool was ended would go on with what
    comes next. A cancellation waits until it is done.
    """
    by_tree = procfs.available()
    killed = 0
    with anyio.CancelScope(shield=True):
        try:
            if at_once:
                grace_s = 0.0
                _hold_still(step, by_tree=by_tree)
            killed = await (_end_tree(step, grace_s) if by_tree else _end_group(step, grace_s))
        finally:
            del _running[step.pid]
    return killed


def _hold_still(step: Step, *, by_tree: bool) -> None:
    """Stop the main process, and then all that there is beside it."""
    with suppress(OSError):
        os.kill(step.pid, signal.SIGSTOP)  # a child of ours: nobody else has its number yet
    if not by_tree:
        signalling.send_group(step.pid, signal.SIGSTOP)
        return
    for process in _members(step, {}).values():
        signalling.send(process, signal.SIGSTOP)


async def _end_tree(step: Step, grace_s: float) -> int:
    seen: dict[int, Process] = {}
    begun_s = time.monotonic()
    pause_s = 0.002
    while members := _members(step, seen):
        passed_s = time.monotonic() - begun_s
        if passed_s > grace_s + UNKILLABLE_S:
            _log.warning("these processes cannot be killed: %s", sorted(members))
            break
        # A sandbox that ends takes all in it along at once: it is for them to end first.
        told = {pid: each for pid, each in members.items() if not (step.boxed and pid == step.pid)}
        kill = passed_s >= grace_s
        _signal(members if kill else told, seen, kill=kill)
        seen |= members
        await anyio.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.05)
    return len(seen.keys() - {step.pid})


def _members(step: Step, seen: dict[int, Process]) -> dict[int, Process]:
    mine = procfs.children() if processes.adopt_orphans() else None
    if mine is not None and not mine - (_running.keys() - {step.pid}):
        return {}  # all that a step leaves behind ends up among our children
    alive = _living(mine or set())
    found = {pid: process for pid, process in alive.items() if _owns(step, process)}
    found |= {pid: alive[pid] for pid in seen if _same(alive.get(pid), seen[pid])}
    return procfs.descendants(found, alive)


def _living(mine: set[int]) -> dict[int, Process]:
    alive = {process.pid: process for process in procfs.everything()}
    ours = os.getsid(0)
    for pid in mine & alive.keys():
        # One in our own session was started by a library, which awaits its status.
        if alive[pid].dead and pid not in _running and alive[pid].session != ours:
            signalling.reap(pid)
    alive.pop(os.getpid(), None)
    return {pid: process for pid, process in alive.items() if not process.dead}


def _owns(step: Step, process: Process) -> bool:
    if step.pid in (process.session, process.group):
        return True
    if process.session in _running or process.start_ticks < step.start_ticks:
        return False
    marks = procfs.variables(process.pid)
    others = [other for pid, other in _running.items() if pid != step.pid]
    if any(_mark(STEP_VARIABLE, other.marker.step) in marks for other in others):
        return False
    if _mark(RUN_VARIABLE, step.marker.run) in marks:
        return True
    if any(mark.startswith(_mark(JOB_VARIABLE, "")) for mark in marks):
        return False  # it outlives every step, and comes to us only when its supervisor dies
    return _orphaned(process, marks) and (
        any(procfs.opened(process.pid, stream) in step.pipes for stream in (1, 2))
        # What runs in a sandbox never becomes ours: its own first process adopts it.
        or all(other.boxed or other.start_ticks > process.start_ticks for other in others)
    )


def _orphaned(process: Process, marks: frozenset[bytes]) -> bool:
    """Whether an unmarked process came to us from a step."""
    if process.parent != os.getpid() or process.session == os.getsid(0):
        return False
    return _mark(processes.ENGINE_VARIABLE, str(os.getpid())) not in marks


def _mark(variable: str, value: str) -> bytes:
    return os.fsencode(f"{variable}={value}")


def _same(now: Process | None, then: Process) -> bool:
    return now is not None and now.start_ticks == then.start_ticks


def _signal(members: dict[int, Process], seen: dict[int, Process], *, kill: bool) -> None:
    for pid, process in members.items():
        if kill:
            signalling.send(process, signal.SIGKILL)
        elif pid not in seen:
            signalling.send(process, signal.SIGTERM)
            signalling.send(process, signal.SIGCONT)  # a stopped process would not notice


async def _end_group(step: Step, grace_s: float) -> int:
    """What can be done without /proc: the process group, which cannot be counted."""
    begun_s = time.monotonic()
    number = int(signal.SIGTERM)
    while signalling.send_group(step.pid, number):
        passed_s = time.monotonic() - begun_s
        if passed_s > grace_s + UNKILLABLE_S:
            break
        number = signal.SIGKILL if passed_s >= grace_s else 0  # 0 only asks
        await anyio.sleep(0.02)
    return 0


def kill_leftovers(
    run: str,
    agents: str | None = None,
    timeout_s: float = UNKILLABLE_S,
    *,
    kept: Collection[str] = (),
) -> list[int]:
    """The pids of what a dead engine's run left behind; all of it is gone when this returns.

    Call it before anything of the run is started. It blocks: nothing else goes on by then.

    Args:
        run: the real path of the run folder, as in the processes' marker.
        agents: the real path of the folder in which agents have their homes. What sheds the
            marker may still have a PATH into there, where some agents keep their own tools.
        timeout_s: seconds after which a process that does not die is given up, with a warning.
        kept: ids of jobs that go on.
    """
    steps = _kill_all(lambda seen: _left_by(run, agents, seen), timeout_s)
    spared = {_mark(JOB_VARIABLE, f"{run}#{job}") for job in kept}
    jobs = _kill_all(lambda seen: _with_company(_jobs_of(run, spared), seen), timeout_s)
    # The engine's own commands are in its session, which is a person's: they are ended apart.
    tools = _kill_all(lambda seen: _tools_left_by(run, seen), timeout_s)
    return sorted(steps | jobs | tools)


def kill_job(run: str, job: str, timeout_s: float = UNKILLABLE_S) -> list[int]:
    """The pids of what there was of a job, its supervisor included; it is gone now. It blocks."""
    mark = f"{run}#{job}"
    return sorted(
        _kill_all(lambda seen: _with_company(procfs.carrying(JOB_VARIABLE, mark), seen), timeout_s)
    )


def _jobs_of(run: str, spared: set[bytes]) -> list[Process]:
    found = procfs.carrying(JOBS_VARIABLE, run)
    return [process for process in found if not spared & procfs.variables(process.pid)]


def _kill_all(
    left: Callable[[dict[int, Process]], dict[int, Process]], timeout_s: float
) -> set[int]:
    """The pids of what there was, once nothing is left; `left` is told what was seen before."""
    seen: dict[int, Process] = {}
    begun_s = time.monotonic()
    while members := left(seen):
        if time.monotonic() - begun_s > timeout_s:
            _log.warning("these processes cannot be killed: %s", sorted(members))
            break
        seen |= members
        for process in members.values():
            signalling.send(process, signal.SIGKILL)
        time.sleep(0.005)
    return set(seen)


def _tools_left_by(run: str, seen: dict[int, Process]) -> dict[int, Process]:
    tools = {process.pid: process for process in procfs.carrying(TOOL_VARIABLE, run)}
    if not tools and not seen:
        return {}
    alive = {process.pid: process for process in procfs.everything() if not process.dead}
    tools |= {pid: alive[pid] for pid in seen if _same(alive.get(pid), seen[pid])}
    spared = _ancestors(os.getpid(), alive)
    found = procfs.descendants(tools, alive)
    return {pid: process for pid, process in found.items() if pid not in spared}


def _left_by(run: str, agents: str | None, seen: dict[int, Process]) -> dict[int, Process]:
    named = procfs.carrying(RUN_VARIABLE, run)
    named += [] if agents is None else procfs.with_path_into(agents)
    return _with_company(named, seen)


def _with_company(named: list[Process], seen: dict[int, Process]) -> dict[int, Process]:
    """Those that were found by what they carry, and all that belongs to them."""
    marked = {process.pid: process for process in named}
    if not marked and not seen:
        return {}
    alive = {process.pid: process for process in procfs.everything() if not process.dead}
    spared = _ancestors(os.getpid(), alive)
    found = {pid: process for pid, process in marked.items() if pid not in spared}
    known = seen | found
    sessions = {process.session for process in known.values()} - {os.getsid(0)}
    # A step leads a session of its own; where the leader lives unmarked, the session is another's.
    sessions = {leader for leader in sessions if leader in known or leader not in alive}
    found |= {pid: process for pid, process in alive.items() if process.session in sessions}
    found |= {pid: alive[pid] for pid in seen if _same(alive.get(pid), seen[pid])}
    found = procfs.descendants(found, alive)
    return {pid: process for pid, process in found.items() if pid not in spared}


def _ancestors(pid: int, alive: dict[int, Process]) -> set[int]:
    """The process and those above it: an engine may be started from within a marked shell."""
    line: set[int] = set()
    while pid in alive and pid not in line:
        line.add(pid)
        pid = alive[pid].parent
    return line
