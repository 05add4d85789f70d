"""Hostile programs in a sandbox: nothing escapes, nothing is forged, nothing of them is left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.executors.protocol import (
    MOST_PRODUCED_FILES,
    MOST_REPORT_BYTES,
    Exceeded,
    Finished,
    Produced,
    TimedOut,
)
from tests.attacks.world import MIB, SECRET, World

pytestmark = pytest.mark.anyio

ATTEMPTS = {
    "reads_secrets.py": 18,
    "writes_outside.py": 22,
    "calls_out.py": 9,
    "asks_the_kernel.py": 39,
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path).standing() as world:
        yield world


@pytest.mark.parametrize("program", ATTEMPTS)
async def test_all_that_is_tried_is_held(world: World, program: str) -> None:
    ended, text = await world.attack(program, stdin=world.folder / "prompt.md")
    assert ended == Finished(exit_code=0), text
    lines = text.splitlines()
    assert [line for line in lines if not line.startswith("held ")] == []
    assert len(lines) == ATTEMPTS[program]


async def test_the_attempts_succeed_without_a_sandbox(world: World) -> None:
    """So that being held means something."""
    _, text = await world.attack("reads_secrets.py", box=None)
    got = {line.split(":")[0] for line in text.splitlines() if line.startswith("GOT")}
    assert got >= {"GOT ssh key", "GOT journal", "GOT results", "GOT harness", "GOT strangers"}
    assert SECRET in text
    _, text = await world.attack("calls_out.py", "loopback", "abstract socket", box=None)
    assert "GOT loopback" in text
    assert "GOT abstract socket" in text
    world.forget_calls()


async def test_killing_everybody_hits_only_itself(world: World) -> None:
    assert await world.attack("kills.py") == (Finished(exit_code=0), "done\n")


async def test_no_answer_is_forged(world: World) -> None:
    ended, text = await world.attack("forges_answers.py", box={"collects": world.collects})
    assert isinstance(ended, Finished)
    assert (ended.exit_code, ended.report) == (3, None)
    assert text == "done\n"


async def test_what_is_left_behind_is_killed_and_counted(world: World) -> None:
    ended, text = await world.attack("leaves_processes.py")
    assert text.count("stays") == 4
    assert ended == Finished(exit_code=0, background=5)


async def test_an_early_exit_is_an_exit(world: World) -> None:
    ended, text = await world.attack("exits_at_once.py", report_to="REPORT")
    assert (ended, text) == (Finished(exit_code=0, report=b""), "")


@pytest.mark.parametrize("program", ["floods.py", "floods_deaf.py"])
async def test_a_flood_is_cut(world: World, program: str) -> None:
    ended, text = await world.attack(program, box={"output_bytes": 3 * MIB})
    assert ended == Exceeded("output", 3 * MIB)
    assert len(text) <= 3 * MIB


@pytest.mark.parametrize("program", ["bombs.py", "threads.py"])
async def test_a_bomb_is_put_out(world: World, program: str) -> None:
    ended, _ = await world.attack(program, box={"processes": 64})
    assert ended == Exceeded("processes", 64)


@pytest.mark.parametrize("program", ["hogs_memory.py", "hogs_memory_together.py"])
async def test_a_hog_is_put_out(world: World, program: str) -> None:
    ended, _ = await world.attack(program, box={"memory_bytes": 400 * MIB})
    assert ended == Exceeded("memory", 400 * MIB)


@pytest.mark.parametrize("folder", ["/tmp", "/tmp/home", "/dev/shm"])
async def test_a_full_scratch_space_ends_it(world: World, folder: str) -> None:
    ended, _ = await world.attack("fills_scratch.py", folder, box={"scratch_bytes": 40 * MIB})
    assert ended == Exceeded("scratch", 40 * MIB)


async def test_a_full_folder_for_products_ends_it(world: World) -> None:
    box = {"collects": world.collects, "produced_bytes": 20 * MIB}
    ended, _ = await world.attack("fills_scratch.py", "/produced", box=box)
    assert ended == Exceeded("scratch", 20 * MIB)
    assert not world.collects.exists()


async def test_files_without_content_end_it_too(world: World) -> None:
    ended, _ = await world.attack("fills_with_nothing.py", deadline_s=120)
    assert isinstance(ended, Exceeded)
    assert ended.what == "scratch"


async def test_one_that_hangs_meets_its_deadline(world: World) -> None:
    ended, text = await world.attack("hangs.py", deadline_s=5)
    assert isinstance(ended, TimedOut)
    assert text == "hangs\n"


async def test_only_plain_data_is_copied_out(world: World) -> None:
    box = {"collects": world.collects, "produced_bytes": 100 * MIB}
    ended, text = await world.attack("produces_oddly.py", box=box)
    assert isinstance(ended, Finished), text
    assert ended.produced is not None, text
    files = {"plain.json", "run.sh", "deep/er/data", "locked/file", "..more", "sparse"}
    assert set(ended.produced.files) == files
    found = [path for path in world.collects.rglob("*") if not path.is_dir()]
    assert {str(path.relative_to(world.collects)) for path in found} == files
    assert not any(path.is_symlink() or path.lstat().st_mode & 0o7111 for path in found)
    assert (world.collects / "plain.json").read_text() == "[1, 2, 3]"
    assert (world.collects / "sparse").stat().st_size == 0, "it may not become so large"
    assert (world.collects / "deep/er/data").read_bytes() == b"\0\xff"
    refused = dict(each.rsplit(": ", 1) for each in ended.produced.refused)
    assert refused == REFUSED


async def test_a_locked_folder_is_opened(world: World) -> None:
    box = {"collects": world.collects}
    ended, _ = await world.attack("locks_its_product.py", box=box)
    produced = Produced(files=("below/more", "data"), size_bytes=8)
    assert ended == Finished(exit_code=0, produced=produced)


REFUSED = {
    "'link to a secret'": "it is a link",
    "'link to the harness'": "it is a link",
    "'link up'": "it is a link",
    "'fifo'": "it is a FIFO",
    "'socket'": "it is a socket",
    "'half sparse'": "with its 209,715,200 bytes there are more than 104,857,600",
    "'two\\nlines'": "its name has characters without a shape",
    "'escape\\x1b[2J'": "its name has characters without a shape",
    "'back\\\\slash'": "its name has characters without a shape",
    "'\\u202egnj.exe'": "its name has characters without a shape",
    "'no\\udcfftext'": "its name is no text",
    f"'{'n' * 200}'": "its name is too long",
    "'" + "/".join(["d"] * 17) + "'": "it lies more than 16 folders deep",
}


async def test_many_files_are_cut_short(world: World) -> None:
    ended, _ = await world.attack("produces_many.py", box={"collects": world.collects})
    assert isinstance(ended, Finished)
    assert ended.produced is not None
    assert len(ended.produced.files) == MOST_PRODUCED_FILES
    assert len(list(world.collects.iterdir())) == MOST_PRODUCED_FILES
    assert ended.produced.refused[-1] == "and 1,980 more"


@pytest.mark.parametrize("boxed", [True, False], ids=["boxed", "bare"])
async def test_a_flooded_report_is_cut(world: World, *, boxed: bool) -> None:
    more = {} if boxed else {"box": None}
    ended, text = await world.attack("floods_the_report.py", report_to="REPORT", **more)
    assert isinstance(ended, Finished)
    assert ended.report_cut
    assert ended.report == b"x" * MOST_REPORT_BYTES
    assert text == "done\n"


@pytest.mark.parametrize("boxed", [True, False], ids=["boxed", "bare"])
async def test_a_report_that_is_never_closed_ends_with_its_command(
    world: World, *, boxed: bool
) -> None:
    more = {} if boxed else {"box": None}
    ended, _ = await world.attack("holds_the_report.py", report_to="REPORT", **more)
    assert ended == Finished(exit_code=0, background=1, report=b'{"half": ')
