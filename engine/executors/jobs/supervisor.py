"""The process that runs a job, and outlives the engine that started it.

It owns the log, the deadline, the stop patterns and the record of how the command ended. It is
told what to do as JSON on its standard input, and needs the standard library alone, so that no
change to the program it was started from can reach it.
"""

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.executors import procfs, signalling
from engine.executors.clock import EngineClock
from engine.executors.jobs import record
from engine.executors.jobs.keeping import Stream
from engine.executors.jobs.record import Ended, Pulse, Started
from engine.executors.jobs.tree import Ending, usage

TAKEN: Final = 3
"""Its exit status where another supervisor has the job."""

_PULSE_S: Final = 1.0
_COST: Final = 100
"""A look at all processes comes at most every so many times what it takes."""

_BUSY: Final = 0.02
"""Less of one processor than this is no work: programs that wait wake up now and then."""

_RETRY_S: Final = 0.2
_DRAIN_S: Final = 2.0
_UNKILLABLE_S: Final = 10.0
_PAUSE_S: Final = 0.01


class Orders(NamedTuple):
    """What is to be run, and when it is to be ended. `errors` have a file of their own if set.

    With `leash_s` it is ended when nobody has followed it for so long.
    """

    marker: str
    argv: list[str]
    argv_sha256: str
    env: dict[str, str]
    cwd: str
    stdin: str | None
    deadline_s: float | None
    idle_s: float | None
    grace_s: float
    patterns: list[str]
    secrets: dict[str, str]
    most_bytes: int
    errors: bool
    leash_s: float | None = None


class Supervisor:
    """One command from its start to its end.

    Args:
        folder: the job's.
        orders: what to do.
    """

    def __init__(self, folder: Path, orders: Orders) -> None:
        self._folder = folder
        self._orders = orders
        self._clock = EngineClock()
        self._begun_s = self._clock.begin()
        self._began = time.time()
        names = [record.LOG, *([record.ERRORS] if orders.errors else [])]
        self._streams = [
            Stream(folder / name, orders.secrets, orders.patterns, orders.most_bytes)
            for name in names
        ]
        self._main = 0
        self._status: int | None = None
        self._cut: Ended | None = None
        self._told: signal.Signals | None = None
        self._last_output_s = self._last_busy_s = self._begun_s
        self._last_output = self._last_busy = self._began
        self._looked_s = self._next_look_s = self._begun_s
        self._cpu_s = 0.0
        self._stuck_s = 0.0
        self._followed_s = self._begun_s
        self._woken, waking = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(waking, False)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._hear)

    def run(self) -> None:
        """Run the command, and write down how it ended."""
        ended = self._run()
        self._record(ended)

    def _run(self) -> Ended:
        try:
            self._start()
        except (OSError, ValueError) as error:
            return Ended(how="not started", detail=f"cannot start {self._what()!r}: {error}")
        try:
            while self._status is None and self._cut is None:
                self._serve(self._rest_s())
                self._reap()
                self._look()
                self._judge()
        except OSError as error:
            self._cut = Ended(how="broken", detail=f"its output cannot be kept: {error}")
        return self._finished(*self._end())

    def _what(self) -> str:
        return self._orders.argv[-1][:200]

    def _start(self) -> None:
        orders = self._orders
        with Path(orders.stdin or os.devnull).open("rb") as stdin:
            process = subprocess.Popen(
                orders.argv,
                stdin=stdin,
                stdout=self._streams[0].writing_end,
                stderr=self._streams[-1].writing_end,
                cwd=orders.cwd,
                env=orders.env,
                start_new_session=True,
            )
        self._main = process.pid
        process.returncode = 0  # it is reaped here, with all others
        for stream in self._streams:
            stream.close_writing()

    def _hear(self, number: int, _frame: object) -> None:
        self._told = signal.Signals(number)

    def _serve(self, most_s: float) -> None:
        """Read what there is, for at most so long; a signal ends the wait."""
        reading = [each.reading_end for each in self._streams if not (each.ended or each.stuck)]
        stuck = any(each.stuck for each in self._streams)
        begun_s = self._clock.now_s()
        ready = select.select(
            [self._woken, *reading], [], [], min(most_s, _RETRY_S if stuck else most_s)
        )[0]
        if stuck:
            self._stuck_s += self._clock.now_s() - begun_s
        for stream in self._streams:
            if stream.stuck:
                stream.store()
            elif stream.reading_end in ready and stream.read():
                self._last_output_s, self._last_output = self._clock.now_s(), time.time()
        if self._woken in ready:
            os.read(self._woken, 4096)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._main:
                self._status = os.waitstatus_to_exitcode(status)

    def _look(self) -> None:
        """Take the pulse, where it is time to."""
        if self._clock.now_s() >= self._next_look_s:
            self._look_now()

    def _look_now(self) -> None:
        now_s, begun_s = self._clock.now_s(), time.process_time()
        used = usage()
        if used.cpu_s - self._cpu_s > _BUSY * max(now_s - self._looked_s, 0.01):
            self._last_busy_s, self._last_busy = now_s, time.time()
        self._cpu_s, self._looked_s = max(self._cpu_s, used.cpu_s), now_s
        pulse = Pulse(
            time=time.time(),
            began=self._began,
            last_output=self._last_output,
            last_busy=self._last_busy,
            cpu_s=round(used.cpu_s, 2),
            rss_bytes=used.rss_bytes,
            processes=used.processes,
            out_bytes=sum(stream.bytes for stream in self._streams),
        )
        with contextlib.suppress(OSError):  # a full disk must not end it
            record.write(self._folder, record.PULSE, pulse)
        cost_s = time.process_time() - begun_s
        self._next_look_s = now_s + max(_PULSE_S, _COST * cost_s)

    def _passed_s(self) -> float:
        """For how long it has run, less the time that it waited for room on the disk."""
        return self._clock.now_s() - self._begun_s - self._stuck_s

    def _alone_s(self) -> float:
        """For how long nobody has followed it."""
        if record.is_locked(self._folder, record.FOLLOWED):
            self._followed_s = self._clock.now_s()
        return self._clock.now_s() - self._followed_s

    def _silent_s(self) -> float:
        if any(stream.stuck for stream in self._streams):
            return 0.0
        return self._clock.now_s() - max(self._last_output_s, self._last_busy_s)

    def _rest_s(self) -> float:
        """How long nothing has to be looked at; a job is asked to stop by a file at any time."""
        waits = [_PULSE_S]
        if self._orders.deadline_s is not None:
            waits.append(self._orders.deadline_s - self._passed_s())
        if self._orders.idle_s is not None:
            waits.append(self._orders.idle_s - self._silent_s())
        return max(0.0, min(waits))

    def _judge(self) -> None:
        """Whether it has to be ended; not where it just ended by itself."""
        if self._status is not None:
            return
        orders = self._orders
        match = next((stream.match for stream in self._streams if stream.match), None)
        if match is not None:
            self._cut = Ended(how="pattern", detail=match.pattern, line=match.line)
        elif (wish := record.stop(self._folder)) is not None:
            self._cut = Ended(how=wish.how, by=wish.by, detail=wish.reason)
        elif self._told is not None:
            self._cut = Ended(how="told", detail=f"its supervisor got {self._told.name}")
        elif orders.deadline_s is not None and (passed_s := self._passed_s()) >= orders.deadline_s:
            self._cut = Ended(how="deadline", after_s=passed_s)
        elif orders.leash_s is not None and (alone_s := self._alone_s()) >= orders.leash_s:
            detail = f"nobody has followed it for {alone_s:.0f} s"
            self._cut = Ended(how="interrupted", detail=detail)
        elif orders.idle_s is not None and self._silent_s() >= orders.idle_s:
            self._look_now()  # what it did since the last look counts, too
            if (silent_s := self._silent_s()) >= orders.idle_s:
                self._cut = Ended(how="idle", after_s=silent_s)

    def _end(self) -> tuple[int, int]:
        """Kill what there is, and hear its last words; how many were killed, how many live on."""
        ending = Ending(self._orders.grace_s, _UNKILLABLE_S)
        broken = self._cut is not None and self._cut.how == "broken"
        while ending.go_on():
            if broken:
                time.sleep(_PAUSE_S)
            else:
                self._serve(_PAUSE_S)
            self._reap()
        self._reap()
        if not broken:
            self._drain()
        return len(ending.seen - {self._main}), ending.left

    def _drain(self) -> None:
        """Read what is left in the pipes; a stranger who holds one open does not hold us."""
        last_s = time.monotonic() + _DRAIN_S
        while not all(stream.ended for stream in self._streams):
            stuck = any(stream.stuck for stream in self._streams)
            if stuck and self._hurried():
                break
            if not stuck and time.monotonic() > last_s:
                break
            self._serve(_RETRY_S)
        for stream in self._streams:
            stream.finish()
        while any(stream.stuck for stream in self._streams) and not self._hurried():
            self._serve(_RETRY_S)

    def _hurried(self) -> bool:
        """Whether nobody wants what there is no room for."""
        return record.stop(self._folder) is not None

    def _finished(self, background: int, unkilled: int) -> Ended:
        status = self._status
        signalled = status is not None and status < 0
        by_itself = Ended(
            how="ended",
            exit_code=None if signalled else status,
            signal=-status if status is not None and signalled else None,
            background=background,
        )
        times = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (self._cut or by_itself)._replace(
            unkilled=unkilled,
            took_s=round(self._clock.now_s() - self._begun_s, 3),
            log_bytes=self._streams[0].bytes,
            left_out_bytes=sum(stream.left_out_bytes for stream in self._streams),
            cpu_s=round(times.ru_utime + times.ru_stime, 2),
        )

    def _record(self, ended: Ended) -> None:
        """Write down how it ended; a full disk is waited out, unless nobody wants to know."""
        while True:
            try:
                record.write(self._folder, record.ENDED, ended._replace(ended=time.time()))
            except OSError:
                if self._hurried():
                    return
                time.sleep(_RETRY_S)
            else:
                return


def main() -> int:
    """Supervise the job in the folder that the last word names; the exit status."""
    folder = Path(sys.argv[-1])
    told: dict[str, Any] = json.load(sys.stdin.buffer)
    orders = Orders(**told)
    lock = _locked(folder)
    if lock is None or record.ended(folder) is not None:
        return TAKEN
    signalling.become_subreaper()
    me = Started(
        pid=os.getpid(),
        start_ticks=procfs.start_ticks(os.getpid()) or 0,
        boot_id=record.boot_id(),
        marker=orders.marker,
        began=time.time(),
        argv_sha256=orders.argv_sha256,
    )
    supervisor = Supervisor(folder, orders)  # it hears signals from now on
    # Before anything runs: whoever finds no record may begin again.
    record.write(folder, record.STARTED, me)
    supervisor.run()
    return 0


def _locked(folder: Path) -> int | None:
    """The lock; one who only asks whether it is held has it for a moment."""
    for _ in range(20):
        if (lock := record.take_lock(folder)) is not None:
            return lock
        time.sleep(0.01)
    return None
