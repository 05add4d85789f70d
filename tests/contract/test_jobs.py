"""What a job promises beyond the contract of executors: it is begun once, and its end is known."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.executors import procfs
from engine.executors.jobs import record
from engine.executors.jobs.detached import Detached
from engine.executors.jobs.keeping import TAIL_BYTES
from engine.executors.jobs.protocol import Gone, Job, JobEnded, Lost, News, Over, Stopped
from engine.executors.protocol import Command, Finished, Interrupted, TimedOut
from engine.executors.trees import kill_leftovers
from tests.crash.test_process_trees import WAYS
from tests.executing import Marked, MemoryLog, lives, pid_in, until
from tests.mounts import small_disk

pytestmark = pytest.mark.anyio


class Place:
    """A job, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.marked = Marked(folder)
        self.folder = folder / "jobs/j-0001"
        self.news: list[News] = []
        self.log = MemoryLog(keep_bytes=64 << 20)
        self.detached = Detached(grace_s=0.3)

    async def tell(self, news: News) -> None:
        self.news.append(news)

    async def run(self, command: Command, **more: Any) -> JobEnded:
        """How the job ends, seen by an engine that knows nothing of it."""
        self.log = MemoryLog(keep_bytes=64 << 20)
        job = Job(id="j-0001", folder=self.folder, tell=self.tell, **more)
        return await self.detached.run(command, job, log=self.log)

    def begin(self, script: str, **more: Any) -> None:
        """Let an engine begin the job that is killed right after."""
        orders = self.detached._orders(
            self.marked.command(script, **more), Job(id="j-0001", folder=self.folder), apart=False
        )
        self.folder.mkdir(parents=True)
        from engine.executors.jobs.detached import _spawn

        _spawn(orders, self.folder, self.marked.run).returncode = 0
        until(lambda: record.started(self.folder))

    def over(self) -> record.Ended:
        """How it ended, without any engine; its supervisor is gone, too."""
        until(lambda: record.ended(self.folder) and not lives(self.supervisor()))
        ended = record.ended(self.folder)
        assert ended is not None
        return ended

    def supervisor(self) -> int:
        """Its pid, as recorded."""
        started = record.started(self.folder)
        assert started is not None
        return started.pid


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    assert kill_leftovers(place.marked.run) == []


async def test_one_that_is_over_is_not_begun_again(place: Place) -> None:
    command = place.marked.command("echo once >> said; cat said; exit 4")
    assert await place.run(command) == Finished(exit_code=4)
    assert await place.run(command) == Finished(exit_code=4)
    assert place.log.text == b"once\n"
    ends = [each for each in place.news if isinstance(each, Over)]
    assert [(end.how, end.exit_code, end.log_bytes) for end in ends] == [("ended", 4, 5)] * 2


async def test_one_that_runs_is_followed_from_its_beginning(place: Place) -> None:
    script = "echo one; until [ -e go ]; do sleep 0.01; done; echo two; exit 3"
    place.begin(script)
    until(lambda: (place.folder / "log").read_bytes() == b"one\n")
    (place.marked.folder / "go").touch()
    assert await place.run(place.marked.command("exit 99")) == Finished(exit_code=3)
    assert place.log.text == b"one\ntwo\n"


async def test_two_engines_begin_it_once(place: Place) -> None:
    command = place.marked.command("echo $$ >> pids; sleep 0.2; cat pids")
    ended: list[JobEnded] = []

    async def run() -> None:
        job = Job(id="j-0001", folder=place.folder)
        ended.append(await Detached(grace_s=0.3).run(command, job, log=MemoryLog()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        tasks.start_soon(run)
    assert ended == [Finished(exit_code=0)] * 2
    assert (place.folder / "log").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_hides_from_its_supervisor(place: Place, way: str) -> None:
    """No engine has to live for that."""
    file = place.marked.folder / "hidden.pid"
    begin = f"P={file}; export P; {WAYS[way]}\nwhile [ ! -e {file} ]; do sleep 0.01; done; "
    place.begin(begin + "exit 7")
    ended = place.over()
    assert (ended.exit_code, ended.unkilled) == (7, 0)
    assert ended.background >= 1
    assert not lives(pid_in(file))


async def test_a_killed_supervisor_leaves_nothing_that_carries_its_marks(place: Place) -> None:
    place.begin("setsid sleep 600 & echo $! > pid; trap '' TERM; while :; do sleep 1; done")
    hidden = pid_in(place.marked.folder / "pid")
    os.kill(place.supervisor(), signal.SIGKILL)
    ended = await place.run(place.marked.command("exit 99"))
    assert ended == Lost("its supervisor is gone, and has not written down how it ended")
    assert isinstance(place.news[-1], Gone)
    assert not lives(hidden)
    assert place.marked.alive() == []


@pytest.mark.parametrize(
    "what",
    [
        "pid",
        "lock",
        *(
            pytest.param(part, marks=pytest.mark.long)
            for part in ("start_ticks", "boot_id", "marker")
        ),
    ],
)
async def test_every_part_of_the_record_has_to_fit(place: Place, what: str) -> None:
    """A process of which only the rest is right is another one: it is left alone."""
    foreign = subprocess.Popen(
        ["sleep", "600"],
        env={"PATH": os.environ["PATH"], "CONTROLROOM_JOB": "elsewhere#j-0001"},
        start_new_session=True,
    )
    place.folder.mkdir(parents=True)
    told = record.Started(
        pid=foreign.pid,
        start_ticks=procfs.start_ticks(foreign.pid) or 0,
        boot_id=record.boot_id(),
        marker="elsewhere#j-0001",
        began=0.0,
    )
    lies: dict[str, Any] = {
        "pid": 1,
        "start_ticks": told.start_ticks + 1,
        "boot_id": "another",
        "marker": f"{place.marked.run}#j-0001",
    }
    held = None if what == "lock" else record.take_lock(place.folder)
    told = told._replace(**{what: lies[what]}) if what in lies else told
    record.write(place.folder, record.STARTED, told)
    try:
        assert isinstance(await place.run(place.marked.command("exit 99")), Lost)
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()
        if held is not None:
            os.close(held)


async def test_a_record_that_is_torn_is_none(place: Place) -> None:
    place.begin("exit 3")
    place.over()
    (place.folder / "exit.json").write_text('{"how": "ended", "exit')
    assert isinstance(await place.run(place.marked.command("exit 99")), Lost)


@pytest.mark.parametrize("end", ["\\n", "\\r"], ids=["line", "progress bar"])
async def test_a_pattern_ends_it(place: Place, end: str) -> None:
    script = f"printf 'a\\nstep 3: loss nan{end}'; while :; do sleep 0.02; done"
    ended = await place.run(place.marked.command(script), stop_patterns=("never", "loss n[a]n"))
    assert ended == Stopped(reason="its output matched 'loss n[a]n': step 3: loss nan", asked=False)


async def test_secrets_are_in_no_file(place: Place) -> None:
    command = place.marked.command("echo key=$KEY.", env={"KEY": "hush-hush-1"})
    await place.run(command, secrets={"KEY": "hush-hush-1"})
    assert place.log.text == b"key=[secret KEY].\n"
    files = [path for path in place.folder.iterdir() if b"hush" in path.read_bytes()]
    assert files == []


async def test_of_a_flood_beginning_and_end_are_kept(place: Place) -> None:
    program = "import sys\nfor n in range(300000): sys.stdout.write(f'{n:09d}\\n')"
    ended = await place.run(place.marked.python(program), most_bytes=100_000)
    assert ended == Finished(exit_code=0)
    text = place.log.text
    assert text[:100_000] == b"".join(b"%09d\n" % n for n in range(10_000))
    left_out = 3_000_000 - 100_000 - TAIL_BYTES
    assert text[100_000:].startswith(b"\n[... %d bytes left out ...]\n" % left_out)
    assert text.endswith(b"000299999\n")
    assert place.log.size < 100_100 + TAIL_BYTES


async def test_what_computes_in_silence_is_not_idle(place: Place) -> None:
    """And what only waits is."""
    busy = "import time\nend = time.monotonic() + 4\nwhile time.monotonic() < end: pass\nprint('x')"
    assert await place.run(place.marked.python(busy, idle_s=2)) == Finished(exit_code=0)


async def test_what_waits_in_silence_is_idle(place: Place) -> None:
    ended = await place.run(place.marked.command("while :; do sleep 0.5; done", idle_s=2))
    assert isinstance(ended, TimedOut)
    assert ended.kind == "idle"


async def test_a_deadline_passes_while_no_engine_lives(place: Place) -> None:
    place.begin("echo said; sleep 600", deadline_s=0.3)
    place.over()
    ended = await place.run(place.marked.command("exit 99"))
    assert isinstance(ended, TimedOut)
    assert ended.kind == "deadline"
    assert place.log.text == b"said\n"


async def test_a_supervisor_that_is_told_to_end_takes_all_along(place: Place) -> None:
    """As when the machine is shut down: the check is done again."""
    place.begin("echo $$ > pid; sleep 600")
    main = pid_in(place.marked.folder / "pid")
    os.kill(place.supervisor(), signal.SIGTERM)
    ended = await place.run(place.marked.command("exit 99"))
    assert ended == Interrupted("its supervisor got SIGTERM")
    assert not lives(main)


async def test_a_supervisor_that_does_not_react_is_ended(place: Place, tmp_path: Path) -> None:
    async with anyio.create_task_group() as tasks:
        command = place.marked.command("echo $$ > pid; sleep 600")
        tasks.start_soon(place.run, command)
        with anyio.fail_after(20):
            while not (tmp_path / "pid").exists():
                await anyio.sleep(0.01)
        os.kill(place.supervisor(), signal.SIGSTOP)
        tasks.cancel_scope.cancel()
    assert place.marked.alive() == []


async def test_on_a_full_disk_it_waits_and_loses_nothing(place: Place, tmp_path: Path) -> None:
    """The time that it waits is not the command's."""
    with small_disk(tmp_path / "disk", 1 << 20) as disk:
        place.folder = disk / "j-0001"
        filler = disk / "filler"
        filler.write_bytes(bytes(800_000))
        program = "for n in range(60000): print(f'{n:09d}')"
        ended: list[JobEnded] = []

        async def run() -> None:
            command = place.marked.python(program, deadline_s=2)
            ended.append(await place.run(command, most_bytes=500_000))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await anyio.sleep(4)
            assert ended == []
            filler.unlink()
        assert ended == [Finished(exit_code=0)]
    assert place.log.text == b"".join(b"%09d\n" % n for n in range(60_000))


async def test_its_pulse_tells_what_it_takes(place: Place) -> None:
    place.begin("echo hello; while [ ! -e go ]; do :; done")
    until(lambda: (pulse := record.pulse(place.folder)) and pulse.cpu_s > 0.3)
    pulse = record.pulse(place.folder)
    assert pulse is not None
    assert pulse.out_bytes == 6
    assert pulse.processes >= 1
    assert pulse.rss_bytes > 0
    assert pulse.last_busy > pulse.last_output
    (place.marked.folder / "go").touch()
    assert await place.run(place.marked.command("exit 99")) == Finished(exit_code=0)
    told = json.loads((place.folder / "exit.json").read_text())
    assert told["cpu_s"] > 0.3
