"""Checks that run on hosts: sent there with all they need, followed, and their answers fetched.

A check finds on a host what it would find here: the files of the campaign's root, its candidate,
the scratch folder of the iteration with what earlier checks left in it. What it leaves there comes
back.
"""

import hashlib
import platform
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import anyio
import msgspec

from engine.checks.artifacts import ARTIFACT_BYTES
from engine.checks.jobs import JobChecks, JobLog, Wanted
from engine.checks.result import read_result
from engine.checks.step import described, step_in
from engine.checks.turn import Turn
from engine.checks.variables import ALLOWED, variables
from engine.core.campaign.models import Campaign
from engine.executors.jobs import record
from engine.executors.jobs.protocol import Job, JobEnded, Lost
from engine.executors.protocol import Command, Interrupted, Marker, NotStarted
from engine.executors.ssh import sending
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.fetching import fetch
from engine.executors.ssh.host import Facts, Host
from engine.executors.ssh.jobs import RemoteJobs
from engine.executors.ssh.place import (
    Place,
    forget_place,
    is_gone,
    read_place,
    set_gone,
)
from engine.executors.ssh.pool import Pool
from engine.executors.ssh.tree import Tree
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

_CANDIDATE: Final = "candidate.json"
_ELSEWHERE: Final = "elsewhere"
"""No folder: that a job ended where it was before says nothing of where it is now."""

_LEFT_S: Final = 10.0
_MACHINE_ID: Final = Path("/etc/machine-id")


class RemoteChecks(JobChecks):
    """Runs checks on the hosts of the campaign's executors, and goes on with those that run there.

    Args:
        campaign: whose checks are run.
        paths: the run's folder.
        pools: the hosts, by the name of their executor.
        followed: the jobs that go on, of those that an earlier engine began.
        environ: the variables from which some are handed on.
        room: where everything waits when the disk is full.
    """

    def __init__(
        self,
        campaign: Campaign,
        paths: RunPaths,
        *,
        pools: Mapping[str, Pool],
        followed: Collection[str],
        environ: Mapping[str, str],
        room: Room,
    ) -> None:
        super().__init__(paths, None, room)
        self._campaign = campaign
        self._environ = environ
        self._followed = frozenset(followed)
        self._pools = pools
        self._trees: dict[tuple[str, Path], Tree] = {}
        self._mark = f"{_machine()}:{self._run_marker}"
        name = hashlib.sha256(self._mark.encode()).hexdigest()[:10]
        self._base = f"runs/{paths.name}-{name}"
        self._hosts: dict[int, str] = {}

    def clear(self, iteration: int) -> None:
        """Forget on which host an iteration's checks ran."""
        self._hosts.pop(iteration, None)

    async def attend(self) -> None:
        """End what an earlier engine left on hosts, but for the jobs that go on."""
        for folder, place in self._left():
            if folder.name not in self._followed:
                self._pools[place.executor].owe(place.host, folder, place)
        for pool in self._pools.values():
            await pool.settle()

    async def end_left(self) -> None:
        """End what is not wanted any more and nobody follows: an orderly end leaves nothing."""
        for folder, place in self._left():
            if record.stop(folder) is not None:
                self._pools[place.executor].owe(place.host, folder, place)
        with anyio.move_on_after(_LEFT_S, shield=True):
            for pool in self._pools.values():
                await pool.settle()

    def _left(self) -> Iterator[tuple[Path, Place]]:
        """The jobs that may run on a host, and where."""
        for folder in sorted(self._paths.jobs.iterdir()) if self._paths.jobs.is_dir() else ():
            place = read_place(folder)
            done = record.ended(folder) is not None or is_gone(folder)
            if place is not None and not done and place.executor in self._pools:
                yield folder, place

    def _is_begun(self, folder: Path) -> bool:
        return read_place(folder) is not None

    async def _execute(
        self,
        folder: Path,
        turn: Turn,
        wanted: Wanted,
        command: tuple[str, ...] | str | NotStarted,
        log: JobLog,
    ) -> JobEnded:
        del command  # its words name places here
        pool = self._pools[turn.spec.executor]
        place = read_place(folder)
        if place is not None and record.started(folder) is not None:
            return await self._go_on(pool, place, (folder, turn, wanted, log))
        if place is not None:  # nobody heard whether it began: it is begun again, or is found there
            self._hosts[turn.candidate.iteration] = place.host
        while True:
            try:
                async with pool.turn(self._hosts.get(turn.candidate.iteration, "")) as host:
                    ended = await self._begin(pool, host, (folder, turn, wanted, log))
            except HostError as error:
                return Lost(str(error))
            if ended is not None:
                return ended

    async def _go_on(
        self, pool: Pool, place: Place, what: "tuple[Path, Turn, Wanted, JobLog]"
    ) -> JobEnded:
        folder = what[0]
        async with pool.kept(place.host) as host:
            if host is None:
                return Lost(f"{place.host} is no host of {pool.settings.name} any more")
            nothing = Command(run=(), cwd=folder, env={}, marker=Marker("", ""))
            try:
                return await self._work(pool, host, place, nothing, what)
            except HostError as error:
                if not error.passing:
                    return Lost(str(error))
                pool.owe(host.name, folder, place)
                return Lost(str(error))

    async def _begin(
        self, pool: Pool, host: Host, what: "tuple[Path, Turn, Wanted, JobLog]"
    ) -> JobEnded | None:
        """How the check ended on this host; None where another one is to be taken."""
        folder, turn, wanted, _ = what
        iteration = turn.candidate.iteration
        place: Place | None = None
        before = read_place(folder)
        if before is not None and before.host != host.name:
            pool.owe(before.host, folder / _ELSEWHERE, before)
        try:
            place, command = await self._sent(host, turn, wanted)
            self._hosts[iteration] = host.name
            return await self._work(pool, host, place, command, what)
        except HostError as error:
            self._hosts.pop(iteration, None)
            pool.set_aside(host, str(error), hopeless=not error.passing)
            if record.started(folder) is not None:
                return Lost(str(error))
            if place is not None:  # it may have begun, unheard
                pool.owe(host.name, folder / _ELSEWHERE, place)
            forget_place(folder)
            return None

    async def _work(
        self,
        pool: Pool,
        host: Host,
        place: Place,
        command: Command,
        what: "tuple[Path, Turn, Wanted, JobLog]",
    ) -> JobEnded:
        """Run it there, or follow it; then bring over what it left.

        Raises:
            HostError: the host cannot be used any more.
        """
        folder, turn, wanted, log = what
        job = Job(
            id=wanted.id,
            folder=folder,
            stop_patterns=turn.spec.stop_patterns,
            secrets=dict(turn.variables.secrets),
            tell=wanted.tell,
        )
        leash_s = None if turn.spec.detached else pool.settings.leash_s
        ended = await RemoteJobs(host).run(command, job, place, log=log, leash_s=leash_s)
        if isinstance(ended, Lost) and not is_gone(folder):
            pool.owe(host.name, folder, place)
            pool.set_aside(host, ended.reason)
            self._hosts.pop(turn.candidate.iteration, None)
            return ended
        try:
            if not isinstance(ended, Lost | Interrupted | NotStarted):
                await self._fetch(host, place, turn)
            await host.call("remove", {"paths": [place.folder, place.step]})
        except HostError as error:
            if isinstance(ended, Interrupted | NotStarted):
                return ended
            return Lost(f"what it left could not be fetched: {error}")
        set_gone(folder)
        return ended

    async def _sent(self, host: Host, turn: Turn, wanted: Wanted) -> tuple[Place, Command]:
        """Where it will run, with all that it needs there.

        Raises:
            HostError: it cannot be sent there.
        """
        facts = await host.facts()
        base = f"{facts.folder}/{self._base}"
        tree = await self._tree(turn).on(host, f"{base}/trees")
        place = Place(
            executor=turn.spec.executor,
            host=host.name,
            folder=f"{base}/jobs/{wanted.id}",
            marker=f"{self._mark}#{wanted.id}",
            tree=tree,
            step=f"{base}/steps/{wanted.id}",
        )
        python = facts.python or host.settings.python
        step = step_in(Path(place.step), turn.candidate, turn.spec.name, python)
        await self._send_step(host, place, turn)
        values = self._variables(turn, facts) | step.variables(turn.trace_id)
        chosen = turn.candidate.chosen
        below = chosen.folder if chosen is not None and turn.spec.commanded else ""
        command = Command(
            run=step.command(turn.spec),
            cwd=Path(tree, below),
            env=values,
            marker=Marker(self._mark, place.marker),
            deadline_s=turn.spec.deadline_s,
            idle_s=turn.spec.idle_s,
        )
        return place, command

    def _tree(self, turn: Turn) -> Tree:
        """The files that the check sees: of the campaign's root, or of the candidate's own tree."""
        key = (turn.spec.executor, turn.ground.root)
        if key not in self._trees:
            send = self._pools[turn.spec.executor].settings.send
            self._trees[key] = Tree(turn.ground.root, send)
        return self._trees[key]

    def _variables(self, turn: Turn, facts: Facts) -> dict[str, str]:
        """Those that every command gets are the host's; what the campaign hands on is ours."""
        spec = self._campaign.env_of(turn.spec)
        handed = {*spec.pass_, *spec.secret}
        ours = {name: value for name, value in self._environ.items() if name in handed}
        theirs = {
            name: value
            for name, value in facts.environ.items()
            if name in ALLOWED or name.startswith("LC_")
        }
        return variables(spec, theirs | ours).values

    async def _send_step(self, host: Host, place: Place, turn: Turn) -> None:
        """Send the candidate, and what earlier checks of the iteration left for later ones."""
        local = turn.step.folder
        told = msgspec.json.encode(described(turn.candidate))
        candidate = {
            "path": _CANDIDATE,
            "mode": 0o600,
            "size": len(told),
            "sha256": hashlib.sha256(told).hexdigest(),
        }
        names = [name for name in _names(local) if name != _CANDIDATE]
        try:
            files = await anyio.to_thread.run_sync(sending.described, local, names)
        except OSError as error:
            raise HostError(host.name, "program", f"{local}: {error.strerror}") from error
        paths = [local / each["path"] for each in files if "link" not in each]

        async def contents() -> AsyncIterator[bytes]:
            yield told
            async for data in sending.reading(paths):
                yield data

        request = {"into": place.step, "fresh": False, "files": [candidate, *files]}
        await host.call("put", request, contents())

    async def _fetch(self, host: Host, place: Place, turn: Turn) -> None:
        """Bring over the scratch folder, and the artifacts that lie elsewhere in the tree."""
        local = turn.step.folder

        async def step() -> None:
            local.mkdir(parents=True, exist_ok=True)
            await fetch(host, place.step, local, ARTIFACT_BYTES)

        await self._room.write(str(local), step)
        named = read_result(turn.step.result_file).artifacts
        elsewhere = [name for name in named if not (local / name).exists()]
        if elsewhere and place.tree:

            async def tree() -> None:
                await fetch(host, place.tree, local, ARTIFACT_BYTES, elsewhere)

            await self._room.write(str(local), tree)


def _names(folder: Path) -> list[str]:
    """The files in a scratch folder, but for those of the champion's checks."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    names = sorted(str(path.relative_to(folder)) for path in found)
    return [name for name in names if not name.startswith("champion/")]


def _machine() -> str:
    """What tells this machine from all others: two may have a run at the same place."""
    try:
        known = _MACHINE_ID.read_text(encoding="ascii").strip()
    except OSError:
        known = ""
    return hashlib.sha256(f"{platform.node()} {known}".encode()).hexdigest()[:12]
