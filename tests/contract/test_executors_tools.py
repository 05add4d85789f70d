"""Commands of the engine's own: what they print comes back, and nothing of them is left."""

import os
import sys
import time
from pathlib import Path

import anyio
import pytest

from engine.executors.protocol import TOOL_VARIABLE, NotStarted, TimedOut
from engine.executors.tools import Captured, capture
from engine.executors.trees import kill_leftovers
from tests.executing import lives, pid_in

ENV = {"PATH": os.environ["PATH"]}


async def shell(
    script: str, cwd: Path, deadline_s: float = 20, stdin: bytes = b"", most_bytes: int = 1 << 20
) -> Captured | TimedOut | NotStarted:
    return await capture(
        ["sh", "-c", script],
        cwd=cwd,
        env=ENV,
        stdin=stdin,
        deadline_s=deadline_s,
        most_bytes=most_bytes,
    )


@pytest.mark.anyio
async def test_both_streams_and_the_status_come_back(tmp_path: Path) -> None:
    found = await shell("cat; pwd -P; env >&2; exit 3", tmp_path, stdin=b"in\0\xff")
    assert isinstance(found, Captured)
    assert (found.exit_code, found.cut) == (3, False)
    assert found.out == b"in\0\xff" + os.fsencode(tmp_path.resolve()) + b"\n"
    names = {line.split(b"=")[0] for line in found.err.splitlines()}
    assert names <= {b"PATH", b"PWD", b"OLDPWD", b"SHLVL", b"_"}


@pytest.mark.anyio
async def test_much_goes_in_and_much_comes_out(tmp_path: Path) -> None:
    much = os.urandom(1 << 16) * 100
    found = await shell("tee /dev/stderr", tmp_path, stdin=much, most_bytes=len(much))
    assert found == Captured(exit_code=0, out=much, err=much)


@pytest.mark.anyio
async def test_too_much_is_cut_and_ends_it(tmp_path: Path) -> None:
    found = await shell("yes", tmp_path, most_bytes=100_000)
    assert isinstance(found, Captured)
    assert found.cut
    assert len(found.out) == 100_000
    assert found.exit_code != 0


@pytest.mark.anyio
async def test_a_deadline_ends_all_of_it(tmp_path: Path) -> None:
    script = "sleep 600 & echo $! > child; trap '' TERM; sleep 600"
    begun_s = time.monotonic()
    assert await shell(script, tmp_path, deadline_s=0.3) == TimedOut(kind="deadline", after_s=0.3)
    assert time.monotonic() - begun_s < 10
    assert not lives(pid_in(tmp_path / "child"))


@pytest.mark.anyio
async def test_a_cancellation_ends_all_of_it(tmp_path: Path) -> None:
    script = "sleep 600 & echo $! > child; sleep 600"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shell, script, tmp_path)
        with anyio.fail_after(20):
            while not (tmp_path / "child").exists():
                await anyio.sleep(0.005)
        tasks.cancel_scope.cancel()
    assert not lives(pid_in(tmp_path / "child"))


@pytest.mark.anyio
async def test_what_it_leaves_behind_is_ended(tmp_path: Path) -> None:
    found = await shell("sleep 600 & echo $! > child; echo done", tmp_path)
    assert found == Captured(exit_code=0, out=b"done\n", err=b"")
    assert not lives(pid_in(tmp_path / "child"))


@pytest.mark.anyio
async def test_a_stranger_who_holds_the_output_does_not_hold_us(tmp_path: Path) -> None:
    begun_s = time.monotonic()
    # It is a stranger once it has a session of its own, and not before.
    stranger = "setsid sh -c 'echo $$ > child; exec sleep 30' &"
    found = await shell(f"{stranger} until [ -s child ]; do :; done; echo done", tmp_path)
    assert found == Captured(exit_code=0, out=b"done\n", err=b"")
    assert time.monotonic() - begun_s < 15
    os.kill(pid_in(tmp_path / "child"), 9)


@pytest.mark.anyio
async def test_it_dies_with_the_engine(tmp_path: Path) -> None:
    program = f"""
import anyio, os
from pathlib import Path
from engine.executors.tools import capture
async def main():
    await capture(["sh", "-c", "echo $$ > child; exec sleep 600"], cwd=Path({str(tmp_path)!r}),
        env=dict(os.environ), deadline_s=600)
anyio.run(main)
"""
    async with await anyio.open_process([sys.executable, "-c", program]) as engine:
        with anyio.fail_after(30):
            while not (tmp_path / "child").exists():
                await anyio.sleep(0.01)
        pid = pid_in(tmp_path / "child")
        engine.kill()
        await engine.wait()
    with anyio.fail_after(10):
        while lives(pid):
            await anyio.sleep(0.01)


@pytest.mark.anyio
async def test_one_that_is_marked_waits_for_the_next_engine(tmp_path: Path) -> None:
    """Nothing stands before it that would tie it to this one."""
    env = ENV | {TOOL_VARIABLE: str(tmp_path)}
    found = await capture(["sh", "-c", "cat /proc/$$/cmdline"], cwd=tmp_path, env=env, deadline_s=5)
    assert isinstance(found, Captured)
    assert found.out.startswith(b"/")
    assert found.out.split(b"\0")[0].endswith(b"sh")
    assert kill_leftovers(str(tmp_path)) == []


@pytest.mark.anyio
async def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    found = await capture(["no-such"], cwd=tmp_path, env=ENV, deadline_s=5)
    assert found == NotStarted("cannot start no-such: there is no program no-such on PATH")
    found = await capture(["true"], cwd=tmp_path / "gone", env=ENV, deadline_s=5)
    assert isinstance(found, NotStarted)
    found = await capture(["true", "a\0b"], cwd=tmp_path, env=ENV, deadline_s=5)
    assert isinstance(found, NotStarted)


@pytest.mark.anyio
async def test_no_descriptor_is_left(tmp_path: Path) -> None:
    await shell("true", tmp_path)
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        await shell("cat", tmp_path, stdin=b"x")
        await capture(["true"], cwd=tmp_path / "gone", env=ENV, deadline_s=5)
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
