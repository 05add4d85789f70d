"""What running on this machine promises beyond the contract: time, floods, cost."""

import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio
import pytest

from engine.executors import procfs, signalling
from engine.executors.clock import GAP_S, EngineClock
from engine.executors.local import Local
from engine.executors.protocol import Finished, TimedOut
from tests.executing import Machine, Marked, MemoryLog, lives, until


@pytest.fixture
def marked(tmp_path: Path) -> Marked:
    return Marked(tmp_path)


def test_a_gap_is_reported_once_and_does_not_count() -> None:
    machine = Machine()
    gaps: list[float] = []
    clock = EngineClock(gaps.append, machine)
    before_s = clock.begin()
    machine.jumped_s = 3600
    assert clock.now_s() - before_s < GAP_S
    assert clock.now_s() - before_s < GAP_S
    assert [round(gap_s) for gap_s in gaps] == [3600]


def test_a_time_in_which_nobody_looked_is_no_gap() -> None:
    machine = Machine()
    gaps: list[float] = []
    clock = EngineClock(gaps.append, machine)
    clock.begin()
    clock.end()
    machine.jumped_s = 3600
    clock.begin()
    assert gaps == []


@pytest.mark.anyio
async def test_a_gap_extends_a_deadline_and_an_idle_deadline(marked: Marked) -> None:
    machine = Machine()
    gaps: list[float] = []
    log = MemoryLog()
    local = Local(EngineClock(gaps.append, machine))
    command = marked.command(
        "echo up; while [ ! -e go ]; do sleep 0.01; done", deadline_s=30, idle_s=30
    )
    ended: list[object] = []

    async def run() -> None:
        ended.append(await local.run(command, log=log))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(20):
            while log.size == 0:
                await anyio.sleep(0.005)
            machine.jumped_s = 100
            while not gaps:
                await anyio.sleep(0.005)
        (marked.folder / "go").touch()
    assert ended == [Finished(exit_code=0)]


def test_a_stopped_engine_gives_its_checks_their_time_back(marked: Marked) -> None:
    """The real thing: SIGSTOP for longer than the deadline, and than what counts as a gap."""
    program = (
        "import anyio, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tests.executing import Marked, MemoryLog\n"
        "from engine.executors.local import Local\n"
        "from engine.executors.clock import EngineClock\n"
        "marked = Marked(Path(sys.argv[2]))\n"
        "class Log(MemoryLog):\n"
        "    async def write(self, data):\n"
        "        (marked.folder / 'up').touch()  # by now its deadline counts\n"
        "script = 'echo up; while [ ! -e go ]; do sleep 0.01; done'\n"
        "command = marked.command(script, deadline_s=4)\n"
        "clock = EngineClock(lambda gap_s: (marked.folder / 'gap').write_text(str(gap_s)))\n"
        "print(anyio.run(lambda: Local(clock).run(command, log=Log())))\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    engine = subprocess.Popen(
        [sys.executable, "-P", "-c", program, root, marked.run], stdout=subprocess.PIPE
    )
    try:
        until((marked.folder / "up").exists)
        engine.send_signal(signal.SIGSTOP)
        threading.Event().wait(GAP_S + 1.5)  # what is waited for is the time itself
        engine.send_signal(signal.SIGCONT)
        until((marked.folder / "gap").exists)
        (marked.folder / "go").touch()
        said, _ = engine.communicate(timeout=20)
    finally:
        engine.kill()
        engine.wait()
    assert b"Finished(exit_code=0" in said
    assert float((marked.folder / "gap").read_text()) >= GAP_S


@pytest.mark.anyio
async def test_waiting_for_the_log_is_not_the_commands_time(marked: Marked) -> None:
    class Full(MemoryLog):
        """Takes nothing for a while, as on a full disk."""

        async def write(self, data: bytes) -> None:
            if not self.size:
                await anyio.sleep(2.5)
            await super().write(data)

    log = Full()
    command = marked.command("echo one; sleep 0.1; echo two", deadline_s=2, idle_s=1.5)
    assert await Local().run(command, log=log) == Finished(exit_code=0)
    assert log.text == b"one\ntwo\n"


@pytest.mark.anyio
async def test_two_logs_that_wait_at_once_count_once(marked: Marked) -> None:
    class Slow(MemoryLog):
        """Takes nothing for two seconds."""

        async def write(self, data: bytes) -> None:
            await anyio.sleep(2)
            await super().write(data)

    command = marked.command("echo one; echo two >&2; sleep 600", deadline_s=2)
    begun_s = time.monotonic()
    ended = await Local(grace_s=0.2).run(command, log=Slow(), errors=Slow())
    assert isinstance(ended, TimedOut)
    assert 2 <= ended.after_s < 3.9
    assert time.monotonic() - begun_s >= 4


@pytest.mark.anyio
async def test_a_flood_neither_stops_the_loop_nor_fills_memory(marked: Marked) -> None:
    log = MemoryLog(keep_bytes=0)
    worst_s = 0.0

    async def beat() -> None:
        nonlocal worst_s
        while True:
            begun_s = time.monotonic()
            await anyio.sleep(0.01)
            worst_s = max(worst_s, time.monotonic() - begun_s)

    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat)
        ended = await Local(grace_s=0.2).run(
            marked.command(("cat", "/dev/zero"), deadline_s=2), log=log
        )
        tasks.cancel_scope.cancel()
    assert isinstance(ended, TimedOut)
    assert log.size > 100 << 20
    assert worst_s < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 20 << 10


@pytest.mark.anyio
async def test_a_stranger_who_holds_the_output_does_not_hold_us(marked: Marked) -> None:
    """A process outside the step, to which the output was passed, is neither waited for nor hit."""
    taker = subprocess.Popen(
        [sys.executable, "-c", TAKER, str(marked.folder / "socket")],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert taker.stdout is not None
        assert taker.stdout.readline() == b"listening\n"
        command = marked.python(GIVER.format(path=marked.folder / "socket"))
        with anyio.fail_after(20):
            assert await Local().run(command, log=MemoryLog()) == Finished(exit_code=0)
        assert lives(taker.pid)
    finally:
        taker.kill()
        taker.communicate()


TAKER = """
import socket, sys, time
listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); listener.listen()
print("listening", flush=True)
connection, _ = listener.accept()
_, kept, _, _ = socket.recv_fds(connection, 1, 1)
connection.sendall(b"k")
time.sleep(600)
"""
GIVER = """
import socket
giver = socket.socket(socket.AF_UNIX); giver.connect("{path}")
socket.send_fds(giver, [b"x"], [1]); giver.recv(1)
"""


@pytest.mark.anyio
async def test_descriptors_do_not_leak(marked: Marked) -> None:
    local = Local(grace_s=0.1)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    for command in (
        marked.command("echo x; sleep 600 & exit 0"),
        marked.command("sleep 600", deadline_s=0.05),
        marked.command(("no-such-program",)),
        marked.command(("cat",), stdin=marked.folder / "gone"),
        marked.command(("cat",), stdin=Path(__file__)),
    ):
        await local.run(command, log=MemoryLog())
        await local.run(command, log=MemoryLog(), errors=MemoryLog())
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


@pytest.mark.anyio
async def test_it_costs_little(marked: Marked) -> None:
    """CPU of this process for a command, beside what bare anyio takes; the best of each."""
    local = Local()
    bare_s: list[float] = []
    spent_s: list[float] = []
    for _ in range(30):
        begun_s = time.process_time()
        await anyio.run_process(["true"])
        bare_s.append(time.process_time() - begun_s)
        begun_s = time.process_time()
        await local.run(marked.command(("true",)), log=MemoryLog())
        spent_s.append(time.process_time() - begun_s)
    print(f"{min(spent_s) / min(bare_s):.2f} times")
    assert min(spent_s) < 3 * min(bare_s)


def test_a_process_is_told_from_a_later_one_with_its_pid() -> None:
    child = subprocess.Popen(["sleep", "600"])
    try:
        process = procfs.read(child.pid)
        assert process is not None
        signalling.send(process._replace(start_ticks=process.start_ticks - 1), signal.SIGKILL)
        assert child.poll() is None
        signalling.send(process, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    finally:
        child.kill()
        child.wait()
