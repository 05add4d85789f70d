"""No process of a step outlives it, whatever it does to hide; nor one of a killed engine's run."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import msgspec
import pytest

from engine.executors import procfs, trees
from engine.executors.clock import EngineClock
from engine.executors.local import Local
from engine.executors.protocol import Box, Command, Finished, Interrupted, Marker, TimedOut
from engine.executors.trees import kill_leftovers
from tests.executing import Machine, Marked, MemoryLog, lives, pid_in, until

REPOSITORY = Path(__file__).resolve().parents[2]

# Each writes its pid to the file named by $P, then lives on in its own way of hiding.
NOTE = "echo $$ > $P.new; mv $P.new $P"
INNER = NOTE.replace("$$", r"\$\$")
SETSID = f"setsid sh -c '{NOTE}; sleep 600' &"
DOUBLE_FORK = f"""(setsid sh -c 'sh -c "{INNER}; exec sleep 600" & exit' &)"""
IGNORES_TERM = f"""sh -c 'trap "" TERM HUP INT; {NOTE}; sleep 600; sleep 600' &"""
CLEAN_IN_SESSION = f"env -i P=$P PATH=$PATH sh -c '{NOTE}; sleep 600' &"
CLEAN_ORPHAN = (
    f"""(env -i P=$P PATH=$PATH setsid sh -c 'sh -c "{INNER}; exec sleep 600" & exit' &)"""
)
SILENT_ORPHAN = CLEAN_ORPHAN.removesuffix(" &)") + " >/dev/null 2>&1 &)"
STOPPED = f"sh -c '{NOTE}; kill -STOP $$; sleep 600' &"
SILENT = f"sh -c '{NOTE}; exec >/dev/null 2>&1; sleep 600' &"
WAYS = {
    "setsid": SETSID,
    "double fork": DOUBLE_FORK,
    "ignores TERM": IGNORES_TERM,
    "no environment": CLEAN_IN_SESSION,
    "no environment, own session, orphan": CLEAN_ORPHAN,
    "stopped": STOPPED,
    "no output": SILENT,
}


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Marked]:
    marked = Marked(tmp_path)
    yield marked
    assert kill_leftovers(marked.run) == []


@pytest.fixture
def local() -> Local:
    return Local(grace_s=0.3)


def hiding(marked: Marked, way: str, then: str, **more: float) -> tuple[Command, Path]:
    """A command that starts a process which hides, waits until it does, and goes on with `then`."""
    file = marked.folder / "hidden.pid"
    script = f"P={file}; export P; {WAYS[way]}\nwhile [ ! -e {file} ]; do sleep 0.01; done; {then}"
    return marked.command(script, **more), file


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_what_a_check_leaves_behind_is_killed_and_counted(
    marked: Marked, local: Local, way: str
) -> None:
    command, file = hiding(marked, way, "exit 7")
    ended = await local.run(command, log=MemoryLog())
    assert isinstance(ended, Finished)
    assert ended.exit_code == 7
    assert ended.background >= 1
    assert not lives(pid_in(file))


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_a_deadline_reaches_what_hides(marked: Marked, way: str) -> None:
    machine = Machine()
    local = Local(EngineClock(source=machine), grace_s=0.3)
    command, file = hiding(marked, way, "sleep 600", deadline_s=600, idle_s=4)
    ended: list[object] = []

    async def run() -> None:
        ended.append(await local.run(command, log=MemoryLog()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(20):
            while not file.exists():
                await anyio.sleep(0.005)
        machine.jumped_s = 4.5  # less than a gap
    assert isinstance(ended[0], TimedOut)
    assert not lives(pid_in(file))


@pytest.mark.anyio
async def test_everyone_gets_a_chance_to_clean_up(marked: Marked, local: Local) -> None:
    script = "trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    log = MemoryLog()
    await local.run(marked.command(script, idle_s=0.5, deadline_s=20), log=log)
    assert log.text.startswith(b"ready\n")
    assert log.text.endswith(b"cleaned\n")


@pytest.mark.anyio
async def test_a_forking_storm_ends(marked: Marked, local: Local) -> None:
    storm = "storm() { (trap '' TERM; while :; do sleep 0.05 & wait; done) & }; "
    spread = "for i in 1 2 3 4 5 6 7 8; do storm; setsid sh -c 'sleep 600 & sleep 600' & done; "
    ended = await local.run(marked.command(storm + spread + "echo up; exit 0"), log=MemoryLog())
    assert isinstance(ended, Finished)
    assert ended.background >= 16
    assert marked.alive() == []


@pytest.mark.anyio
async def test_a_step_that_closed_its_output_runs_on(marked: Marked, local: Local) -> None:
    script = "echo said; exec >/dev/null 2>&1; sleep 0.3; exit 5"
    log = MemoryLog()
    assert await local.run(marked.command(script), log=log) == Finished(exit_code=5)
    assert log.text == b"said\n"


@pytest.mark.anyio
@pytest.mark.parametrize("quiet", [False, True], ids=["keeps its output", "closed its output"])
async def test_other_steps_are_left_alone(marked: Marked, local: Local, *, quiet: bool) -> None:
    """A step that ends, leaving an orphan that shed its marks, beside one that goes on."""
    long_script = (
        "env -i sleep 600 & setsid sleep 600 & touch up; while [ ! -e go ]; do sleep 0.01; done; "
        "kill -0 $! && echo both"
    )
    log = MemoryLog()
    ended: list[object] = []

    async def long() -> None:
        ended.append(await local.run(marked.command(long_script), log=log))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(long)
        with anyio.fail_after(20):
            while not (marked.folder / "up").exists():
                await anyio.sleep(0.005)
        command, file = hiding(marked, "no environment, own session, orphan", "exit 0")
        if quiet:
            command = msgspec.structs.replace(command, run=f"exec >/dev/null 2>&1; {command.run}")
        await local.run(command, log=MemoryLog())
        # A silent orphan could have come from either step: it goes with the last of them.
        assert lives(pid_in(file)) == quiet
        (marked.folder / "go").touch()
    assert ended == [Finished(exit_code=0, background=3 if quiet else 2)]
    assert log.text == b"both\n"
    assert not lives(pid_in(file))


@pytest.mark.anyio
async def test_children_of_libraries_are_left_alone(marked: Marked, local: Local) -> None:
    """A program that a library started for the engine is neither killed nor reaped by us."""
    library = subprocess.Popen(["sleep", "600"], start_new_session=True)
    short = subprocess.Popen(["sh", "-c", "exit 9"])
    try:
        await local.run(marked.command("sleep 600 & exit 0"), log=MemoryLog())
        assert library.poll() is None
        assert short.wait() == 9
    finally:
        library.kill()
        library.wait()


@pytest.mark.anyio
async def test_no_zombies_pile_up(marked: Marked, local: Local) -> None:
    mine = procfs.children()
    for _ in range(5):
        await local.run(
            marked.command("(setsid sh -c 'sleep 600 & exit' &) ; sleep 0.02"), log=MemoryLog()
        )
    assert procfs.children() == mine


@pytest.mark.anyio
async def test_a_log_that_fails_ends_the_step(marked: Marked, local: Local) -> None:
    class Broken(MemoryLog):
        async def write(self, data: bytes) -> None:
            raise OSError(5, "Input/output error")

    ended = await local.run(marked.command("echo x; sleep 600"), log=Broken())
    assert isinstance(ended, Interrupted)
    assert "Input/output error" in ended.reason
    assert marked.alive() == []


@pytest.mark.anyio
async def test_a_log_for_errors_that_fails_ends_the_step(marked: Marked, local: Local) -> None:
    class Broken(MemoryLog):
        async def write(self, data: bytes) -> None:
            raise OSError(5, "Input/output error")

    ended = await local.run(
        marked.command("echo x >&2; sleep 600"), log=MemoryLog(), errors=Broken()
    )
    assert isinstance(ended, Interrupted)
    assert marked.alive() == []


ONLY_ERRORS = CLEAN_ORPHAN.replace("exec sleep 600", "exec sleep 600 >/dev/null")


@pytest.mark.anyio
async def test_an_orphan_is_known_by_the_standard_error_it_holds(
    marked: Marked, local: Local
) -> None:
    """Beside another step, and without marks, only the pipe tells whose it is."""
    file = marked.folder / "hidden.pid"
    script = f"P={file}; export P; {ONLY_ERRORS}\nwhile [ ! -e {file} ]; do sleep 0.01; done"
    async with anyio.create_task_group() as tasks:
        other = marked.command("touch up; sleep 600")
        tasks.start_soon(lambda: local.run(other, log=MemoryLog()))
        with anyio.fail_after(20):
            while not (marked.folder / "up").exists():
                await anyio.sleep(0.005)
        await local.run(marked.command(script), log=MemoryLog(), errors=MemoryLog())
        assert not lives(pid_in(file))
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_mistake_in_the_log_ends_the_step_too(marked: Marked, local: Local) -> None:
    class Wrong(MemoryLog):
        async def write(self, data: bytes) -> None:
            raise KeyError("a defect")

    with pytest.raises(BaseExceptionGroup) as caught:
        await local.run(marked.command("echo x; sleep 600"), log=Wrong())
    assert caught.group_contains(KeyError)
    assert marked.alive() == []


@pytest.fixture
def stand_in(marked: Marked) -> Iterator["subprocess.Popen[bytes]"]:
    scripts = "\n".join(
        f"P={marked.folder}/{number}; export P; {way}" for number, way in enumerate(WAYS.values())
    )
    program = [sys.executable, "-P", str(Path(__file__).with_name("engine_stand_in.py"))]
    stand_in = subprocess.Popen(
        [*program, marked.run, f"{scripts}\necho $$ > main; sleep 600"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    yield stand_in
    stand_in.kill()
    stand_in.wait()
    kill_leftovers(marked.run)
    _kill(pid_in(marked.folder / str(ORPHAN)))


ORPHAN = list(WAYS).index("no environment, own session, orphan")
"""Without marker, session and parent, and with no engine that adopted it, nothing tells whose
process it is."""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_a_killed_engine_takes_its_main_processes_along(
    marked: Marked, stand_in: "subprocess.Popen[bytes]"
) -> None:
    assert shutil.which("setpriv"), "the test needs util-linux"
    main = pid_in(marked.folder / "main")
    pid_in(marked.folder / str(ORPHAN))  # the fixture ends it, by the number
    stand_in.kill()
    stand_in.wait()
    until(lambda: not lives(main))


def test_what_a_killed_engine_left_is_found(
    marked: Marked, stand_in: "subprocess.Popen[bytes]"
) -> None:
    pids = [pid_in(marked.folder / str(number)) for number in range(len(WAYS))]
    pid_in(marked.folder / "main")
    stand_in.kill()
    stand_in.wait()
    begun_s = time.monotonic()
    left = kill_leftovers(marked.run)
    assert time.monotonic() - begun_s < 5
    assert len(left) >= len(WAYS) - 1
    assert marked.alive() == []
    assert [number for number, pid in enumerate(pids) if lives(pid)] == [ORPHAN]


@pytest.mark.anyio
async def test_a_sandbox_that_stands_by_hides_no_orphan(marked: Marked, local: Local) -> None:
    """It was there before: but what sheds everything cannot have come out of it."""
    unwanted = anyio.Event()

    async def awaits() -> None:
        await unwanted.wait()

    orphan = (
        f"P={marked.folder}/orphan; export P; {SILENT_ORPHAN}\nuntil [ -e $P ]; do sleep 0.01; done"
    )
    async with anyio.create_task_group() as tasks:
        early = marked.command((), box=Box(read=(marked.folder,)), awaits=awaits)
        tasks.start_soon(lambda: local.run(early, log=MemoryLog()))
        with anyio.fail_after(20):
            while len(marked.alive()) < 2:
                await anyio.sleep(0.005)
        ended = await local.run(marked.command(orphan), log=MemoryLog())
        unwanted.set()
    assert isinstance(ended, Finished)
    assert ended.background > 0
    assert not lives(pid_in(marked.folder / "orphan"))


def test_a_tool_of_a_dead_engine_is_ended_alone(marked: Marked, tmp_path: Path) -> None:
    """It is in the session that its engine was in, and so is what else a person runs there."""
    tool = "sh -c 'echo $$ > tool; sleep 600; true' & echo $! > child"
    lines = [
        f"CONTROLROOM_TOOL={marked.run} {tool}",
        f"CONTROLROOM_TOOL={marked.run}2 sleep 600 & echo $! > others",
        "sleep 600 & echo $! > persons",
    ]
    subprocess.run(["sh", "-c", "\n".join(lines)], cwd=tmp_path, start_new_session=True, check=True)
    child, tool_itself, *rest = (
        pid_in(tmp_path / n) for n in ("child", "tool", "others", "persons")
    )
    try:
        left = kill_leftovers(marked.run)
        assert {child, tool_itself} <= set(left)
        assert not any(map(lives, left))
        assert all(map(lives, rest))
    finally:
        for pid in rest:
            _kill(pid)


def test_another_run_is_left_alone(marked: Marked) -> None:
    other = subprocess.Popen(
        ["sleep", "600"],
        env={"PATH": os.environ["PATH"], "CONTROLROOM_RUN": marked.run + "2"},
        start_new_session=True,
    )
    try:
        assert kill_leftovers(marked.run) == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.anyio
async def test_without_proc_the_process_group_ends(marked: Marked) -> None:
    """What is left to do on a system that has no /proc."""
    leader = subprocess.Popen(
        ["sh", "-c", f"trap '' TERM; sleep 600 & echo $! > {marked.folder}/child; wait; wait"],
        start_new_session=True,
    )
    child = pid_in(marked.folder / "child")
    step = trees.Step(Marker(marked.run, marked.run), leader.pid, 0, ())
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trees._end_group, step, 0.2)
            with anyio.fail_after(20):
                while leader.poll() is None:
                    await anyio.sleep(0.005)
        assert leader.returncode == -signal.SIGKILL
        until(lambda: not lives(child))
    finally:
        leader.kill()
        leader.wait()
        _kill(child)
