"""What a box shows, hides and allows, and what is said where there can be no sandbox."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from engine.cli import doctor
from engine.executors import procfs, produced, sandbox
from engine.executors.inside import wire
from engine.executors.local import Local
from engine.executors.protocol import (
    Box,
    Command,
    Ended,
    Exceeded,
    Finished,
    Interrupted,
    NotStarted,
    Produced,
)
from engine.executors.trial import available, nesting
from tests.executing import Marked, MemoryLog
from tests.mounts import small_disk

REPOSITORY = Path(__file__).resolve().parents[2]
TRIAL = "from engine.executors.trial import available; print(available())"


@pytest.fixture
def marked(tmp_path: Path) -> Marked:
    (tmp_path / "here").mkdir()
    return Marked(tmp_path / "here")


async def run(marked: Marked, script: str, box: Box, **more: Any) -> tuple[Ended, str]:
    log = MemoryLog()
    command = marked.command(script, box=box, deadline_s=30, **more)
    ended = await Local(grace_s=0.2).run(command, log=log)
    return ended, log.text.decode(errors="replace")


@pytest.mark.anyio
async def test_only_what_is_named_is_seen(marked: Marked, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data").write_text("shared data")
    box = Box(read=(marked.folder, tmp_path / "shared"))
    ended, text = await run(marked, f"ls {tmp_path}; cat {tmp_path}/shared/data", box)
    assert (ended, text) == (Finished(exit_code=0), "here\nshared\nshared data")


@pytest.mark.anyio
async def test_what_is_read_stays_and_what_is_written_comes_out(
    marked: Marked, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    box = Box(read=(marked.folder,), write=(tmp_path / "out",))
    script = f"echo new > {tmp_path}/out/file; touch here 2>/dev/null || echo refused"
    assert await run(marked, script, box) == (Finished(exit_code=0), "refused\n")
    assert (tmp_path / "out" / "file").read_text() == "new\n"
    assert list(marked.folder.iterdir()) == []


@pytest.mark.anyio
async def test_an_inner_folder_may_differ_from_the_outer(marked: Marked) -> None:
    inner = marked.folder / "a" / "b"
    inner.mkdir(parents=True)
    box = Box(read=(marked.folder,), write=(inner,))
    script = "touch a/b/yes && touch a/no 2>/dev/null || echo refused"
    assert await run(marked, script, box) == (Finished(exit_code=0), "refused\n")
    assert [path.name for path in inner.iterdir()] == ["yes"]


@pytest.mark.anyio
async def test_what_is_hidden_is_empty_by_whatever_name(marked: Marked, tmp_path: Path) -> None:
    (marked.folder / "tests").mkdir()
    (marked.folder / "tests" / "hidden.py").write_text("secret")
    (marked.folder / "key").write_text("secret")
    (tmp_path / "alias").symlink_to(marked.folder)
    hidden = (tmp_path / "alias" / "tests", marked.folder / "key", marked.folder / "not there")
    box = Box(read=(marked.folder,), write=(tmp_path / "alias",), hide=hidden)
    script = f"ls tests; cat key {tmp_path}/alias/tests/* {tmp_path}/alias/key; echo x > tests/new"
    ended, text = await run(marked, script, box)
    assert ended != Finished(exit_code=0)
    assert "secret" not in text
    assert "hidden.py" not in text
    assert (marked.folder / "key").read_text() == "secret"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Box(read=(Path("/no/such/place"),)), "/no/such/place does not exist"),
        (Box(write=(Path("/no/such/place"),)), "/no/such/place does not exist"),
        (Box(read=(Path("/"),)), "the sandbox cannot show /"),
        (Box(read=(Path("relative"),)), "the sandbox cannot show relative"),
        (Box(), "is not among what the sandbox shows"),
    ],
)
async def test_a_box_that_cannot_be_is_told(marked: Marked, box: Box, words: str) -> None:
    ended, text = await run(marked, "true", box)
    assert isinstance(ended, NotStarted)
    assert words in ended.reason
    assert ended.machine is ("does not exist" in words)
    assert text == ""


@pytest.mark.anyio
async def test_a_program_that_the_sandbox_does_not_show_is_told(
    marked: Marked, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    log = MemoryLog()
    command = marked.command((str(program),), box=Box(read=(marked.folder,)))
    ended = await Local().run(command, log=log)
    reason = f"cannot start {program} in the sandbox: No such file or directory"
    assert ended == NotStarted(reason)


@pytest.mark.anyio
async def test_home_and_scratch_are_its_own(marked: Marked) -> None:
    script = 'echo x > "$HOME/file" && echo y > "$TMPDIR/file" && ls /tmp; id -un; hostname'
    ended, text = await run(marked, script, Box(read=(marked.folder,)))
    assert ended == Finished(exit_code=0)
    lines = text.split()
    assert {"file", "home"} <= set(lines)
    assert lines[-2:] == [sandbox.USER, sandbox.USER]
    ended, text = await run(marked, "ls /tmp /tmp/home", Box(read=(marked.folder,)))
    assert "file" not in text


@pytest.mark.anyio
@pytest.mark.parametrize("network", [True, False])
async def test_the_network_is_there_only_where_it_is_wanted(
    marked: Marked, *, network: bool
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        calls = f'import socket; socket.create_connection(("127.0.0.1", {port}))'
        script = f"{sys.executable} -I -S -c '{calls}'"
        box = Box(read=(marked.folder, Path(sys.prefix)), network=network)
        ended, text = await run(marked, script, box)
    assert isinstance(ended, Finished)
    assert (ended.exit_code == 0) == network, text
    _, names = await run(marked, "cat /etc/hosts", Box(read=(marked.folder,), network=network))
    assert (names == Path("/etc/hosts").read_text()) == network


@pytest.mark.anyio
async def test_nothing_of_an_old_answer_is_overwritten(marked: Marked, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_text("old")
    box = Box(read=(marked.folder,), collects=tmp_path / "out")
    ended, _ = await run(marked, 'echo new > "$CONTROLROOM_PRODUCED/x"', box)
    assert "cannot be stored" in str(ended)
    assert (tmp_path / "out" / "x").read_text() == "old"


@pytest.mark.anyio
async def test_a_full_disk_outside_is_no_fault_of_the_command(
    marked: Marked, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 1 << 20) as disk:
        box = Box(read=(marked.folder,), collects=disk / "out")
        script = 'head -c 20000000 /dev/zero > "$CONTROLROOM_PRODUCED/big"; sleep 600 & exit 0'
        ended, _ = await run(marked, script, box)
    assert isinstance(ended, Interrupted)
    assert "cannot be stored" in ended.reason
    assert "No space left" in ended.reason
    assert marked.alive() == []


@pytest.mark.anyio
async def test_much_is_copied_out_whole(marked: Marked, tmp_path: Path) -> None:
    box = Box(read=(marked.folder,), collects=tmp_path / "out")
    makes = "head -c 50000000 /dev/urandom > big; : > empty; sha256sum big"
    script = f'cd "$CONTROLROOM_PRODUCED"; {makes}'
    ended, text = await run(marked, script, box)
    assert isinstance(ended, Finished)
    assert ended.produced == Produced(files=("big", "empty"), size_bytes=50_000_000)
    said = subprocess.run(
        ["sha256sum", "big"], cwd=tmp_path / "out", capture_output=True, text=True, check=True
    )
    assert said.stdout == text


@pytest.mark.anyio
async def test_what_it_leaves_is_not_mixed_up_with_its_failure(
    marked: Marked, tmp_path: Path
) -> None:
    box = Box(read=(marked.folder,), collects=tmp_path / "out")
    ended, _ = await run(marked, 'echo x > "$CONTROLROOM_PRODUCED/x"; kill -SEGV $$', box)
    assert ended == Finished(signal=11, produced=Produced(files=("x",), size_bytes=2))


@pytest.mark.anyio
async def test_no_core_is_left(marked: Marked, tmp_path: Path) -> None:
    box = Box(read=(marked.folder,), collects=tmp_path / "out")
    script = 'cd "$CONTROLROOM_PRODUCED"; ulimit -c unlimited; kill -SEGV $$'
    ended, text = await run(marked, script, box)
    assert ended == Finished(signal=11, produced=Produced())
    assert "not permitted" in text


@pytest.mark.anyio
async def test_it_goes_first_where_memory_runs_out(marked: Marked) -> None:
    box = Box(read=(marked.folder,))
    assert await run(marked, "cat /proc/self/oom_score_adj", box) == (
        Finished(exit_code=0),
        "1000\n",
    )


@pytest.mark.anyio
async def test_a_report_comes_back_beside_the_output(marked: Marked) -> None:
    script = "echo said; echo '{\"metrics\": {}}' >&$REPORT; exit 4"
    ended, text = await run(marked, script, Box(read=(marked.folder,)), report_to="REPORT")
    assert ended == Finished(exit_code=4, report=b'{"metrics": {}}\n')
    assert text == "said\n"


@pytest.mark.anyio
async def test_one_that_is_made_ready_knows_and_sees_nothing_too_early(
    marked: Marked, tmp_path: Path
) -> None:
    """What is told later is in no process before, and what is hidden stays so."""
    shown, hidden, out = tmp_path / "shown", tmp_path / "here" / "hidden", tmp_path / "out"
    for folder in (shown, hidden, out):
        folder.mkdir()
    (hidden / "key").write_text("secret")
    box = Box(read=(marked.folder, shown), hide=(hidden,), collects=out)
    script = f"cat {shown}/late; cat {hidden}/*; ls {tmp_path}; echo $TOKEN; ls /proc/self/fd"
    later = marked.command(script, env={"TOKEN": "a-token", "PATH": os.environ["PATH"]}, box=box)
    early: list[bytes] = []

    async def awaits() -> Command:
        with anyio.fail_after(20):
            while len(marked.alive()) < 2:  # bubblewrap and the first process
                await anyio.sleep(0.005)
        for pid in marked.alive():
            folder = Path(f"/proc/{pid}")
            early.append(folder.joinpath("environ").read_bytes())
            early.append(folder.joinpath("cmdline").read_bytes())
        (shown / "late").write_text("late\n")
        (hidden / "more").write_text("secret")
        return later

    log = MemoryLog()
    command = msgspec.structs.replace(later, run=(), env={}, awaits=awaits)
    ended = await Local(grace_s=0.2).run(command, log=log)
    assert isinstance(ended, Finished)
    lines = log.text.decode().splitlines()
    assert lines[0] == "late"
    assert lines[2:] == ["here", "shown", "a-token", "0", "1", "2", "3"]
    assert b"secret" not in log.text
    assert b"a-token" not in b"".join(early)


def make_hidden_again(folder: Path) -> None:
    """What was mounted over it goes with it."""
    shutil.rmtree(folder / "hidden")
    (folder / "hidden").mkdir()
    (folder / "hidden" / "key").write_text("secret")


def make_hidden_file_again(folder: Path) -> None:
    (folder / "masked").unlink()
    (folder / "masked").write_text("secret")


def make_hidden_appear(folder: Path) -> None:
    (folder / "absent").write_text("secret")


def make_shown_another(folder: Path) -> None:
    shown = folder.with_name("shown")
    shown.rename(folder.with_name("before"))
    shown.mkdir()


def remove_shown(folder: Path) -> None:
    folder.with_name("shown").rmdir()


def change_nothing(folder: Path) -> None:
    """But what is in the folders."""
    (folder / "hidden" / "more").write_text("secret")
    folder.with_name("shown").joinpath("more").write_text("more")
    (folder / "masked").write_text("secret")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "change",
    [
        make_hidden_again,
        make_hidden_file_again,
        make_hidden_appear,
        make_shown_another,
        remove_shown,
        change_nothing,
    ],
)
async def test_one_that_shows_something_else_by_then_runs_nothing(
    change: Callable[[Path], None], marked: Marked
) -> None:
    folder = marked.folder
    shown = folder.with_name("shown")
    for path in (folder / "hidden", shown):
        path.mkdir()
    (folder / "masked").write_text("secret")
    hidden = tuple(folder / name for name in ("hidden", "masked", "absent"))
    box = Box(read=(folder, shown), hide=hidden)
    script = "echo begun; cat hidden/* masked absent ../shown/more 2>/dev/null; true"
    later = marked.command(script, box=box)

    async def awaits() -> Command:
        with anyio.fail_after(20):
            while len(marked.alive()) < 2 or not _stands(marked):
                await anyio.sleep(0.005)
        change(folder)
        return later

    log = MemoryLog()
    early = msgspec.structs.replace(later, run=(), awaits=awaits)
    ended = await Local(grace_s=0.2).run(early, log=log)
    if change is change_nothing:
        assert (ended, log.text) == (Finished(exit_code=0), b"begun\nmore")
        return
    assert isinstance(ended, NotStarted)
    assert log.text == b""
    assert marked.alive() == []
    ended, text = await run(
        marked, "cat hidden/* masked absent; true", Box(read=(folder,), hide=hidden)
    )
    assert isinstance(ended, Finished)
    assert "secret" not in text


def _stands(marked: Marked) -> bool:
    """Whether the first process of the sandbox is there: all is mounted by then."""
    words = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in marked.alive()]
    return any(b"marshal" in each and not each.startswith(b"/usr/bin/bwrap") for each in words)


@pytest.mark.anyio
async def test_one_that_cannot_be_made_ready_is_told(marked: Marked) -> None:
    async def never() -> None:
        await anyio.sleep_forever()

    box = Box(read=(marked.folder,), scratch_bytes=0)
    ended, text = await run(marked, "true", box, awaits=never)
    assert isinstance(ended, NotStarted)
    assert "could not be made" in ended.reason
    assert "bwrap" in text


def _is_outer(process: procfs.Process, marked: Marked) -> bool:
    return process.parent == os.getpid() and process.pid in marked.alive()


@pytest.mark.anyio
async def test_one_that_is_killed_while_it_waits_was_killed(marked: Marked) -> None:
    async def awaits() -> None:
        (outer,) = [each for each in procfs.everything() if _is_outer(each, marked)]
        os.kill(outer.pid, signal.SIGKILL)
        await anyio.sleep_forever()

    ended, _ = await run(marked, "true", Box(read=(marked.folder,)), awaits=awaits)
    assert isinstance(ended, Finished)
    assert ended.signal == signal.SIGKILL  # what it leaves may be dying still, and is counted then
    assert marked.alive() == []


@pytest.mark.anyio
async def test_a_storm_of_output_before_a_limit_is_whole(marked: Marked) -> None:
    box = Box(read=(marked.folder,), output_bytes=1000)
    ended, text = await run(marked, "head -c 1000 /dev/zero", box)
    assert (ended, len(text)) == (Finished(exit_code=0), 1000)
    ended, text = await run(marked, "head -c 1001 /dev/zero", box)
    assert (ended, len(text)) == (Exceeded("output", 1000), 1000)


@pytest.mark.anyio
async def test_many_run_side_by_side(marked: Marked) -> None:
    ended: list[Ended] = []

    async def one(number: int) -> None:
        box = Box(read=(marked.folder,))
        ended.append((await run(marked, f"sleep 0.2; exit {number}", box))[0])

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(one, number)
    statuses = sorted(each.exit_code or 0 for each in ended if isinstance(each, Finished))
    assert statuses == list(range(8))


def test_a_sandbox_works_here_or_says_why_not() -> None:
    found = available()
    assert found.works == (not found.why)
    assert found.works, found.why
    assert found.version


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """An environment with a PATH of its own, empty so far."""
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin"), "PYTHONPATH": str(REPOSITORY)}


def tried(env: dict[str, str], *before: str) -> str:
    words = [*before, sys.executable, "-c", TRIAL]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("policy", ["SCHED_BATCH", "SCHED_IDLE", "SCHED_FIFO"])
def test_an_engine_of_any_priority_has_a_sandbox(marked: Marked, policy: str) -> None:
    """What may come before all others does not hand that on; what gives way does."""
    number: int = getattr(os, policy)
    first = policy == "SCHED_FIFO"
    script = f"{sys.executable} -I -S -c 'import os; print(os.sched_getscheduler(0))'"
    box = Box(read=(marked.folder, Path(sys.prefix)))
    found: list[tuple[Ended, str]] = []

    def engine() -> None:
        with contextlib.suppress(PermissionError):  # not everybody may come before all others
            os.sched_setscheduler(0, number, os.sched_param(first))
        found.append(anyio.run(run, marked, script, box))

    thread = threading.Thread(target=engine)  # its priority ends with it
    thread.start()
    thread.join()
    expected = os.SCHED_OTHER if first else number
    assert found == [(Finished(exit_code=0), f"{expected}\n")]


def test_doctor_says_what_there_is(tmp_path: Path) -> None:
    found = {each.name: each for each in doctor.examine(tmp_path) if "sandbox" in each.name}
    assert list(found) == ["sandbox", "sandbox shows", "sandbox limits"]
    assert all(each.ok for each in found.values())
    assert available().version in found["sandbox"].found
    assert "no network" in found["sandbox shows"].found
    assert "memory 8,192 MiB, 256 processes" in found["sandbox limits"].found


def test_without_bubblewrap_it_says_so(elsewhere: dict[str, str]) -> None:
    assert "works=False, why='there is no bwrap on PATH; install bubblewrap'" in tried(elsewhere)


KNOWS = "[ $1 = --help ] && echo --size && exit 0"
FAILING = {
    "echo --unshare-all": "is too old: 0.7 or later is needed",
    f"{KNOWS}; echo 'bwrap: No permissions to create new namespace' >&2; exit 1": (
        "user namespaces are forbidden here"
    ),
    f"{KNOWS}; echo 'bwrap: something else' >&2; exit 1": "bwrap: something else",
    KNOWS: "it ended without a word",
}


@pytest.mark.parametrize(("script", "words"), FAILING.items())
def test_a_bubblewrap_that_does_not_do_says_why(
    elsewhere: dict[str, str], script: str, words: str
) -> None:
    program = Path(elsewhere["PATH"], "bwrap")
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    said = tried(elsewhere)
    assert "works=False" in said
    assert words in said


def test_inside_another_sandbox_it_works_or_says_why() -> None:
    outer = ("bwrap", "--dev-bind", "/", "/", "--unshare-user", "--unshare-pid", "--proc", "/proc")
    said = tried({"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}, *outer)
    assert "works=True" in said or "inside a sandbox or container that covers" in said


@pytest.mark.anyio
@pytest.mark.parametrize("nesting", [True, False])
async def test_a_sandbox_within_needs_to_be_allowed(marked: Marked, *, nesting: bool) -> None:
    script = "bwrap --ro-bind / / --unshare-user --unshare-pid --dev /dev sh -c 'echo within'"
    ended, text = await run(marked, script, Box(read=(marked.folder,), nesting=nesting))
    assert isinstance(ended, Finished)
    assert (text == "within\n") == nesting, text


@pytest.mark.anyio
async def test_what_may_make_sandboxes_reaches_no_control_group(marked: Marked) -> None:
    """With one of the engine's it could freeze the engine, where that is root."""
    mount = "mkdir /tmp/m && mount -t cgroup2 none /tmp/m && echo mounted"
    script = f"""
        unshare --user --map-root-user --mount true && echo within
        unshare --user --map-root-user --mount --cgroup sh -c '{mount}'
        unshare --user --map-root-user --mount sh -c '{mount}'
    """
    _, text = await run(marked, script, Box(read=(marked.folder,), nesting=True))
    assert text.startswith("within\n"), text
    assert "mounted" not in text


def test_a_sandbox_within_is_tried() -> None:
    found = nesting()
    assert found.works == (not found.why)
    assert found.works, found.why
    assert found.own_proc == (os.geteuid() != 0)


@pytest.mark.anyio
async def test_a_home_may_stay(marked: Marked, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    box = Box(read=(marked.folder,), write=(home,), home=home)
    script = 'echo x > "$HOME/file"; echo y > "$TMPDIR/file"; echo "$HOME $TMPDIR"'
    assert await run(marked, script, box) == (Finished(exit_code=0), f"{home} /tmp/own\n")
    assert [path.name for path in home.iterdir()] == ["file"]


def test_frames_come_whole_out_of_any_pieces() -> None:
    sent = [(wire.FILE, b"a/b"), (wire.DATA, b"x" * wire.MOST_PAYLOAD_BYTES), (wire.ENDED, b"")]
    packed = b"".join(wire.frame(*each) for each in sent)
    for size in (1, 7, 65536, len(packed)):
        frames = wire.Frames()
        pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
        assert [each for piece in pieces for each in frames.feed(piece)] == sent
    with pytest.raises(ValueError, match="a frame of"):
        list(wire.Frames().feed(b"D\xff\xff\xff\xff"))


def test_orders_and_endings_come_back_as_they_were_sent() -> None:
    for ending in (wire.Ending(-9, 3), wire.Ending(0, 0, ("memory", 5))):
        assert vars(wire.unpacked(ending.packed())) == vars(ending)
    for garbage in (b"", b"1", b"1 2 3", b"x 0 - 0", b"\xff 0 - 0"):
        with pytest.raises(ValueError):  # noqa: PT011
            wire.unpacked(garbage)


@pytest.mark.parametrize("name", ["../up", "/abs", "a/../../b", "", "a\0b", ".."])
def test_a_name_that_leads_elsewhere_is_not_written(tmp_path: Path, name: str) -> None:
    """The first process hands out no such name; one that does is not believed."""
    collector = produced.Collector(tmp_path / "in", most_files=3, most_bytes=100)
    with pytest.raises(ValueError, match="a file called"):
        collector.begin(name.encode())
    assert list(tmp_path.rglob("*")) == []


def test_what_is_more_than_ordered_is_not_written(tmp_path: Path) -> None:
    collector = produced.Collector(tmp_path, most_files=1, most_bytes=10)
    with pytest.raises(ValueError, match="more bytes"):
        collector.add(b"no file yet")
    collector.begin(b"a")
    with pytest.raises(ValueError, match="more bytes"):
        collector.add(b"x" * 11)
    with pytest.raises(ValueError, match="more files"):
        collector.begin(b"b")
    collector.close()


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").symlink_to(tmp_path / "victim")
    collector = produced.Collector(tmp_path / "in", most_files=3, most_bytes=100)
    with pytest.raises(OSError, match="exists"):
        collector.begin(b"a")
    assert not (tmp_path / "victim").exists()
