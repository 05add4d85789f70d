"""What every executor does. An implementation gets a class below that says how to make one."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import ClassVar

import anyio
import msgspec
import pytest

from engine.executors.jobs.detached import Detached
from engine.executors.jobs.protocol import Job, Lost, Stopped
from engine.executors.local import Local
from engine.executors.protocol import (
    Box,
    Command,
    Ended,
    Executor,
    Finished,
    Interrupted,
    LogSink,
    NotStarted,
    TimedOut,
)
from engine.executors.ssh.host import Host
from engine.executors.ssh.jobs import RemoteJobs
from engine.executors.ssh.place import Place
from engine.executors.ssh.settings import SshSettings
from tests.executing import Marked, MemoryLog
from tests.sshd import Sshd


@pytest.fixture
def marked(tmp_path: Path) -> Marked:
    return Marked(tmp_path)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


class ExecutorContract(ABC):
    """Passed by every implementation.

    `adds` names what the environment of a command gets beside its own.
    """

    adds: ClassVar[set[str]] = {"CONTROLROOM_RUN", "CONTROLROOM_STEP"}

    @abstractmethod
    def make(self, grace_s: float = 0.2) -> Executor: ...

    @pytest.fixture
    def executor(self) -> Executor:
        return self.make()

    @pytest.mark.anyio
    @pytest.mark.parametrize("status", [0, 1, 77, 126, 127, 255])
    async def test_an_exit_status_comes_back(
        self, executor: Executor, marked: Marked, log: MemoryLog, status: int
    ) -> None:
        ended = await executor.run(marked.command(f"exit {status}"), log=log)
        assert ended == Finished(exit_code=status)

    @pytest.mark.anyio
    async def test_a_signal_comes_back(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        ended = await executor.run(marked.command("kill -SEGV $$"), log=log)
        assert ended == Finished(signal=11)

    @pytest.mark.anyio
    async def test_both_streams_arrive_whole_and_in_order(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        script = "i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
        assert await executor.run(marked.command(script), log=log) == Finished(exit_code=0)
        expected = "".join(f"out {number}\nerr {number}\n" for number in range(300))
        assert log.text.decode() == expected

    @pytest.mark.anyio
    async def test_words_are_passed_as_they_are(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        words = ("printf", "%s|", "a b", "$HOME", "*", "'", "", "é")
        assert await executor.run(marked.command(words), log=log) == Finished(exit_code=0)
        assert log.text.decode() == "a b|$HOME|*|'||é|"

    @pytest.mark.anyio
    async def test_nothing_of_the_environment_is_inherited(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        command = marked.command(("env",), env={"PATH": os.environ["PATH"], "ONE": "1\n2"})
        await executor.run(command, log=log)
        names = {line.split("=")[0] for line in log.text.decode().splitlines() if "=" in line}
        assert names == {"PATH", "ONE", *self.adds}
        marked_env = f"CONTROLROOM_STEP={command.marker.step}\n" in log.text.decode()
        assert marked_env == ("CONTROLROOM_STEP" in self.adds)

    @pytest.mark.anyio
    async def test_it_runs_in_its_folder_with_nothing_to_read(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        ended = await executor.run(marked.command("pwd -P; wc -c", deadline_s=20), log=log)
        assert ended == Finished(exit_code=0)
        assert log.text.decode().split() == [str(marked.folder.resolve()), "0"]

    @pytest.mark.anyio
    async def test_a_file_can_be_its_standard_input(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        prompt = marked.folder / "a prompt.md"
        prompt.write_bytes(b"\xff\0" + b"long\n" * 100_000)
        command = marked.command("cat | wc -c; cat | wc -c", stdin=prompt, deadline_s=20)
        assert await executor.run(command, log=log) == Finished(exit_code=0)
        assert log.text.split() == [b"500002", b"0"]

    @pytest.mark.anyio
    async def test_a_standard_input_that_is_not_there_is_told(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        command = marked.command("cat", stdin=marked.folder / "gone.md")
        ended = await executor.run(command, log=log)
        assert isinstance(ended, NotStarted)
        assert "gone.md" in ended.reason

    @pytest.mark.anyio
    async def test_standard_error_can_have_a_log_of_its_own(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        script = (
            "i=0; while [ $i -lt 3000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done; exit 3"
        )
        errors = MemoryLog()
        ended = await executor.run(marked.command(script), log=log, errors=errors)
        assert ended == Finished(exit_code=3)
        assert log.text.decode() == "".join(f"out {number}\n" for number in range(3000))
        assert errors.text.decode() == "".join(f"err {number}\n" for number in range(3000))

    @pytest.mark.anyio
    async def test_standard_error_alone_keeps_it_alive(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        script = "i=0; while [ $i -lt 6 ]; do printf . >&2; sleep 0.3; i=$((i+1)); done; sleep 600"
        errors = MemoryLog()
        command = marked.command(script, idle_s=1.5)
        ended = await executor.run(command, log=log, errors=errors)
        assert isinstance(ended, TimedOut)
        assert ended.kind == "idle"
        assert errors.text == b"." * 6
        assert marked.alive() == []

    @pytest.mark.anyio
    async def test_garbage_is_passed_on(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        await executor.run(marked.command(r"printf '\377\376\000\303'"), log=log)
        assert log.text == b"\xff\xfe\x00\xc3"

    @pytest.mark.anyio
    async def test_what_cannot_start_says_why(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        (marked.folder / "plain.py").write_text("print(1)\n")
        reasons = {
            "no program no-such-program on PATH": marked.command(("no-such-program",)),
            "plain.py is not executable": marked.command(("./plain.py",)),
            "missing does not exist": marked.command(("./missing",)),
            "gone does not exist": marked.command(("true",), cwd=marked.folder / "gone"),
            "the command is empty": marked.command(("",)),
            "null byte": marked.command(("true", "a\0b")),
        }
        for reason, command in reasons.items():
            ended = await executor.run(command, log=log)
            assert isinstance(ended, NotStarted)
            assert reason in ended.reason
            assert ended.machine is ("on PATH" in reason), "the rest hangs on the code"

    @pytest.mark.anyio
    async def test_a_deadline_ends_it(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        begun_s = time.monotonic()
        ended = await executor.run(marked.command("sleep 600", deadline_s=0.1), log=log)
        assert isinstance(ended, TimedOut)
        assert ended.kind == "deadline"
        assert 0.1 <= ended.after_s < 5
        assert time.monotonic() - begun_s < 10
        assert marked.alive() == []

    @pytest.mark.anyio
    async def test_silence_ends_it_and_output_keeps_it(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        script = "i=0; while [ $i -lt 6 ]; do printf .; sleep 0.3; i=$((i+1)); done; sleep 600"
        ended = await executor.run(marked.command(script, idle_s=1.5), log=log)
        assert isinstance(ended, TimedOut)
        assert ended.kind == "idle"
        assert log.text == b"." * 6
        assert marked.alive() == []

    @pytest.mark.anyio
    async def test_a_cancellation_leaves_nothing(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        script = "(trap '' TERM; setsid sleep 600) & echo ready; sleep 600"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: executor.run(marked.command(script), log=log))
            with anyio.fail_after(20):
                while log.size == 0:
                    await anyio.sleep(0.005)
            assert marked.alive() != []
            tasks.cancel_scope.cancel()
        assert marked.alive() == []

    @pytest.mark.anyio
    async def test_one_that_is_told_to_stop_is_still_heard(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        script = (
            "trap 'echo last words; exit 0' TERM; (trap '' TERM; setsid sleep 600) & "
            "echo ready; while :; do sleep 0.01; done"
        )
        stop = anyio.Event()
        ended: list[object] = []

        async def run() -> None:
            command = marked.command(script)
            ended.append(await executor.run(command, log=log, errors=MemoryLog(), stop=stop))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(20):
                while log.size == 0:
                    await anyio.sleep(0.005)
            stop.set()
        assert ended == [Interrupted("it was told to stop")]
        assert log.text == b"ready\nlast words\n"
        assert marked.alive() == []

    @pytest.mark.anyio
    async def test_commands_run_side_by_side(self, executor: Executor, marked: Marked) -> None:
        """Each waits for a file that the other one makes."""
        there = "touch {0}; while [ ! -e {1} ]; do sleep 0.01; done; sleep 0.05"
        ended: list[object] = []

        async def one(mine: str, other: str) -> None:
            command = marked.command(there.format(mine, other), deadline_s=20)
            ended.append(await executor.run(command, log=MemoryLog()))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one, "a", "b")
            tasks.start_soon(one, "b", "a")
        assert ended == [Finished(exit_code=0)] * 2

    @pytest.mark.anyio
    async def test_a_pause_in_the_output_shows_it(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        script = "echo one; while [ ! -e go ]; do sleep 0.01; done"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: executor.run(marked.command(script, deadline_s=20), log=log))
            with anyio.fail_after(20):
                while log.flushes == 0:
                    await anyio.sleep(0.005)
            (marked.folder / "go").touch()
        assert log.text == b"one\n"

    @pytest.mark.anyio
    async def test_a_command_may_be_told_when_all_else_is_ready(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        asked, told, ended = anyio.Event(), anyio.Event(), list[Ended]()
        later = marked.command("echo $WORD; exit 3", env={"WORD": "later"}, deadline_s=20)

        async def awaits() -> Command:
            asked.set()
            await told.wait()
            return later

        async def run() -> None:
            command = msgspec.structs.replace(later, run=(), env={}, awaits=awaits)
            ended.append(await executor.run(command, log=log))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(20):
                await asked.wait()
            assert (ended, log.text) == ([], b"")
            told.set()
        assert ended == [Finished(exit_code=3)]
        assert log.text == b"later\n"

    @pytest.mark.anyio
    async def test_a_deadline_begins_when_the_command_is_told(
        self, executor: Executor, marked: Marked, log: MemoryLog
    ) -> None:
        later = marked.command("sleep 600", deadline_s=0.5)

        async def awaits() -> Command:
            await anyio.sleep(1)  # longer than its deadline
            return later

        ended = await executor.run(msgspec.structs.replace(later, awaits=awaits), log=log)
        assert isinstance(ended, TimedOut)
        assert ended.after_s < 1

    @pytest.mark.anyio
    @pytest.mark.parametrize("act", ["none is wanted", "cancel"])
    async def test_a_command_that_was_never_told_leaves_nothing(
        self, marked: Marked, log: MemoryLog, act: str
    ) -> None:
        asked, told, ended = anyio.Event(), anyio.Event(), list[Ended]()

        async def awaits() -> None:
            asked.set()
            await told.wait()

        async def run() -> None:
            command = marked.command("echo no", awaits=awaits)
            # To be killed only after a minute: it is to end by itself.
            ended.append(await self.make(grace_s=60).run(command, log=log))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(20):
                await asked.wait()
            with anyio.fail_after(20):
                told.set() if act == "none is wanted" else tasks.cancel_scope.cancel()
        cancelled = act == "cancel"
        assert ended == ([] if cancelled else [Interrupted("nothing is wanted of it any more")])
        assert (marked.alive(), log.text) == ([], b"")


class EndsAtOnce:
    """Passed by those that run agents."""

    @pytest.mark.anyio
    @pytest.mark.parametrize("at_once", [True, False], ids=["at once", "asked"])
    async def test_one_that_ends_at_once_does_not_go_on_when_its_tool_has_ended(
        self, executor: Executor, marked: Marked, log: MemoryLog, *, at_once: bool
    ) -> None:
        tool = "sh -c 'echo ready; exec sleep 600'"
        script = f"trap true TERM; {tool}; echo went on; sleep 600"
        stop = anyio.Event()

        async def run() -> None:
            command = marked.command(script, ends_at_once=at_once)
            await executor.run(command, log=log, stop=stop)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(20):
                while log.size == 0:
                    await anyio.sleep(0.005)
            stop.set()
        assert log.text.split(b"\n", 1)[0] == b"ready"
        assert (b"went on" in log.text) is not at_once
        assert marked.alive() == []


class TestLocal(EndsAtOnce, ExecutorContract):
    """This machine."""

    def make(self, grace_s: float = 0.2) -> Executor:
        return Local(grace_s=grace_s)


class InJob:
    """An executor that lets every command outlive the engine, each in a folder of its own."""

    def __init__(self, detached: Detached) -> None:
        self._detached = detached
        self._ids = count(1)

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        """As without."""
        name = f"j-{next(self._ids):04d}"
        job = Job(id=name, folder=Path(command.marker.run) / "jobs" / name)
        ended = await self._detached.run(command, job, log=log, errors=errors, stop=stop)
        assert not isinstance(ended, Stopped | Lost), ended
        return ended


class TestDetached(ExecutorContract):
    """This machine, by a supervisor that outlives the engine."""

    adds: ClassVar[set[str]] = {"CONTROLROOM_JOBS", "CONTROLROOM_JOB"}

    def make(self, grace_s: float = 0.2) -> Executor:
        return InJob(Detached(grace_s=grace_s))


class OverSsh:
    """An executor that runs every command on a host, over a connection of its own."""

    def __init__(self, settings: SshSettings) -> None:
        self._settings = settings
        self._ids = count(1)

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        """As without."""
        name = f"j-{next(self._ids):04d}"
        job = Job(id=name, folder=Path(command.marker.run) / "jobs" / name)
        host = Host(self._settings.hosts[0], self._settings)
        try:
            place = Place(
                executor="far",
                host=host.name,
                folder=await host.folder("jobs", f"{time.time_ns()}"),
                marker=f"{command.marker.run}#{name}",
            )
            ended = await RemoteJobs(host).run(
                command, job, place, log=log, errors=errors, stop=stop
            )
        finally:
            with anyio.CancelScope(shield=True):
                await host.close()
        assert not isinstance(ended, Stopped | Lost), ended
        return ended


class TestSsh(ExecutorContract):
    """A host that is reached by ssh: a real sshd on this machine."""

    adds: ClassVar[set[str]] = {"CONTROLROOM_JOBS", "CONTROLROOM_JOB"}
    sshd: ClassVar[Sshd]

    @pytest.fixture(scope="class", autouse=True)
    def _sshd(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        type(self).sshd = Sshd(tmp_path_factory.mktemp("sshd"))
        yield
        self.sshd.stop()

    def make(self, grace_s: float = 0.2) -> Executor:
        return OverSsh(self.sshd.settings(grace_s=grace_s))


class InBox:
    """An executor that puts every command into a sandbox which shows its folder."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        """As without."""
        boxed = msgspec.structs.replace(command, box=Box(write=(command.cwd,)))
        return await self._inner.run(boxed, log=log, errors=errors, stop=stop)


class TestLocalBoxed(EndsAtOnce, ExecutorContract):
    """This machine, in a sandbox."""

    adds: ClassVar[set[str]] = {"HOME", "TMPDIR"}

    def make(self, grace_s: float = 0.2) -> Executor:
        return InBox(Local(grace_s=grace_s))
