"""What goes wrong between the engine and a host: cuts, black holes, restarts, what is missing."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.executors.jobs.protocol import Attached, Job, JobEnded, Lost, News
from engine.executors.protocol import Finished, Interrupted
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.host import Host
from engine.executors.ssh.jobs import RemoteJobs
from engine.executors.ssh.place import Place
from tests.executing import Marked, MemoryLog, until
from tests.mounts import small_disk
from tests.sshd import Cable, Sshd

TICKING = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.1; done; exit 3"
TICKED = "".join(f"line {number}\n" for number in range(40)).encode()


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    made = Sshd(tmp_path_factory.mktemp("sshd"))
    yield made
    made.stop()


@pytest.fixture
def marked(tmp_path: Path) -> Marked:
    return Marked(tmp_path)


class Following:
    """One job on a host, and what is heard of it."""

    def __init__(self, sshd: Sshd, marked: Marked, **settings: Any) -> None:
        self.marked = marked
        self.log = MemoryLog()
        self.news: list[News] = []
        self.settings = sshd.settings(**settings)
        self.folder = marked.folder / "jobs" / "j-0001"

    async def run(self, script: str, *, leash_s: float | None = None, **more: Any) -> JobEnded:
        host = Host(self.settings.hosts[0], self.settings)
        command = self.marked.command(script, **more)

        async def tell(news: News) -> None:
            self.news.append(news)

        try:
            place = Place(
                executor="far",
                host=host.name,
                folder=await host.folder("jobs", self.marked.folder.name),
                marker=f"{self.marked.run}#j-0001",
            )
            job = Job(id="j-0001", folder=self.folder, tell=tell)
            jobs = RemoteJobs(host)
            return await jobs.run(command, job, place, log=self.log, leash_s=leash_s)
        finally:
            with anyio.CancelScope(shield=True):
                await host.close()


async def with_fault(
    following: Following, script: str, fault: Callable[[], Awaitable[object]], **more: Any
) -> JobEnded:
    """How a job ends that meets a fault once it has printed a few lines."""
    ended: list[JobEnded] = []

    async def run() -> None:
        ended.append(await following.run(script, **more))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(30):
            while b"line 4\n" not in following.log.text:
                await anyio.sleep(0.02)
        await fault()
    return ended[0]


@pytest.mark.anyio
async def test_a_session_that_is_killed_costs_nothing(sshd: Sshd, marked: Marked) -> None:
    following = Following(sshd, marked)

    async def fault() -> None:
        sshd.cut()

    assert await with_fault(following, TICKING, fault) == Finished(exit_code=3)
    assert following.log.text == TICKED
    assert (following.folder / "log").read_bytes() == TICKED


@pytest.mark.anyio
async def test_a_server_that_is_started_again_costs_nothing(sshd: Sshd, marked: Marked) -> None:
    following = Following(sshd, marked)

    async def fault() -> None:
        sshd.stop()
        await anyio.sleep(1)
        await anyio.to_thread.run_sync(sshd.start)

    assert await with_fault(following, TICKING, fault) == Finished(exit_code=3)
    assert following.log.text == TICKED


@pytest.mark.anyio
async def test_a_black_hole_is_noticed_and_gone_round(sshd: Sshd, marked: Marked) -> None:
    cable = Cable(sshd.port)
    sshd.known_hosts.write_text(sshd.known_line(sshd.port) + sshd.known_line(cable.port))
    sshd.write_config(cable.port)
    following = Following(sshd, marked, keepalive_s=1.0, keepalives=2, connect_s=3.0)

    async def fault() -> None:
        cable.swallow()
        await anyio.sleep(6)
        cable.cut()
        cable.pass_on()

    try:
        assert await with_fault(following, TICKING, fault) == Finished(exit_code=3)
        assert following.log.text == TICKED
    finally:
        cable.close()
        sshd.write_config(sshd.port)


@pytest.mark.anyio
async def test_a_host_that_stays_away_loses_the_job_and_the_leash_ends_it(
    sshd: Sshd, marked: Marked
) -> None:
    cable = Cable(sshd.port)
    sshd.known_hosts.write_text(sshd.known_line(sshd.port) + sshd.known_line(cable.port))
    sshd.write_config(cable.port)
    following = Following(
        sshd, marked, patience_s=2.0, keepalive_s=1.0, keepalives=2, connect_s=1.0
    )

    async def fault() -> None:
        cable.close()

    try:
        script = TICKING.replace("-lt 40", "-lt 4000")
        ended = await with_fault(following, script, fault, leash_s=8)
        assert isinstance(ended, Lost)
        assert "far: no connection" in ended.reason
        assert "given up after 2 s" in ended.reason
        until(lambda: marked.alive() == [], 40)
    finally:
        sshd.write_config(sshd.port)


@pytest.mark.anyio
async def test_a_host_whose_processes_are_killed_has_lost_the_job(
    sshd: Sshd, marked: Marked
) -> None:
    """As by a reboot: the supervisor cannot write down how it ended."""
    following = Following(sshd, marked)

    async def fault() -> None:
        for pid in marked.alive():
            os.kill(pid, signal.SIGKILL)

    ended = await with_fault(following, TICKING, fault)
    assert isinstance(ended, Lost)
    assert marked.alive() == []


@pytest.mark.anyio
async def test_a_killed_follower_leaves_a_job_that_is_followed_again(
    sshd: Sshd, marked: Marked
) -> None:
    first = Following(sshd, marked)
    task = asyncio.ensure_future(first.run(TICKING))
    with anyio.fail_after(30):
        while b"line 4\n" not in first.log.text:
            await anyio.sleep(0.02)
    # As `kill -9` of an engine would: nothing of it is heard any more, nobody says goodbye.
    kept = shutil.copytree(first.folder, marked.folder / "kept")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert marked.alive() == [], "one that is cancelled is ended"
    assert (kept / "log").read_bytes() in TICKED


@pytest.mark.anyio
async def test_a_later_engine_goes_on_where_the_first_one_was_killed(
    sshd: Sshd, marked: Marked, tmp_path: Path
) -> None:
    program = f"""
import sys, anyio
from pathlib import Path
from tests.contract.test_executors_ssh import Following, TICKING
from tests.executing import Marked
from tests.sshd import Sshd
class Known(Sshd):
    def __init__(self):
        self.folder, self.alias = Path({str(sshd.folder)!r}), "far"
        self.config = self.folder / "config"
anyio.run(Following(Known(), Marked(Path({str(tmp_path)!r}))).run, TICKING)
"""
    engine = subprocess.Popen([sys.executable, "-c", program], env=os.environ | _path(), cwd=_ROOT)
    log = tmp_path / "jobs" / "j-0001" / "log"
    until(lambda: log.exists() and b"line 4\n" in log.read_bytes())
    engine.kill()
    engine.wait()
    assert marked.alive() != [], "it goes on without an engine"
    second = Following(sshd, marked)
    assert await second.run(TICKING) == Finished(exit_code=3)
    assert second.log.text == TICKED
    assert any(isinstance(each, Attached) for each in second.news)
    assert marked.alive() == []


@pytest.mark.anyio
async def test_nobody_who_follows_is_the_end_of_its_leash(sshd: Sshd, marked: Marked) -> None:
    following = Following(sshd, marked)
    begun_s = time.monotonic()
    ended = await following.run("sleep 3; exit 4", leash_s=1)
    assert ended == Finished(exit_code=4), "one that is followed has none"
    assert time.monotonic() - begun_s >= 3


@pytest.mark.anyio
async def test_what_is_wrong_with_a_host_is_said_in_one_sentence(
    sshd: Sshd, tmp_path: Path
) -> None:
    async def trouble(**settings: Any) -> HostError:
        host = Host("far", sshd.settings(**settings))
        with pytest.raises(HostError) as caught:
            await host.facts()
        host.drop()
        return caught.value

    known, keys = sshd.known_hosts.read_text(), sshd.folder / "authorized_keys"
    sshd.known_hosts.write_text("")
    found = await trouble()
    assert found.kind == "host key"
    assert f"ssh-keyscan -p {sshd.port} 127.0.0.1 >> ~/.ssh/known_hosts" in found.reason
    sshd.known_hosts.write_text(sshd.known_line(sshd.port, "id.pub"))
    found = await trouble()
    assert found.kind == "host key"
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in found.reason
    sshd.known_hosts.write_text(known)
    allowed = keys.read_text()
    keys.write_text("")
    found = await trouble()
    assert found.kind == "login"
    assert "`ssh far` works" in found.reason
    keys.write_text(allowed)
    found = await trouble(python="no-such-python")
    assert found.kind == "python"
    assert "there is no no-such-python" in found.reason
    with small_disk(tmp_path / "small", 65536) as small:
        (small / "filler").write_bytes(b"x" * 49152)
        found = await trouble(folder=str(small / "ours"))
    assert found.kind == "disk"
    assert "its disk is full; make room for" in found.reason
    assert not found.passing


@pytest.mark.anyio
async def test_a_stop_from_elsewhere_ends_the_whole_tree(sshd: Sshd, marked: Marked) -> None:
    following = Following(sshd, marked)
    script = "(trap '' TERM; setsid sleep 600) & " + TICKING.replace("-lt 40", "-lt 4000")

    async def fault() -> None:
        (following.folder / "stop.json").write_text('{"how": "interrupted", "reason": "enough"}')

    ended = await with_fault(following, script, fault)
    assert ended == Interrupted("enough")
    assert marked.alive() == []


@pytest.mark.anyio
async def test_a_host_behind_another_one_is_reached_through_it(sshd: Sshd, tmp_path: Path) -> None:
    inner = sshd.config.read_text().replace("Host far", "Host inner")
    config = tmp_path / "config"
    config.write_text(f"{inner}  ProxyJump far\n{sshd.config.read_text()}")
    host = Host("inner", sshd.settings(hosts=("inner",), config=config))
    before = len(sshd.sessions())
    try:
        assert (await host.facts()).cpus > 0
        assert len(sshd.sessions()) >= before + 2, "one connection within another"
    finally:
        await host.close()


_ROOT = Path(__file__).parent.parent.parent


def _path() -> dict[str, str]:
    return {"PYTHONPATH": str(_ROOT)}
