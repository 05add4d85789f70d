"""Giving a check what it lacks: another environment, or another model.

An environment that is there is never changed: one is made of the campaign's requirements and what
is missing, by its content, so that what was installed stands in a file and can be left again.
"""

import re
import shlex
from pathlib import Path
from typing import Final, NamedTuple

import anyio
import msgspec

from engine.checks.boxes import Ground
from engine.checks.environment import EnvironmentFailedError, Interpreter, maker_of, prepare
from engine.checks.falling_back import fallback_of
from engine.checks.runner import CheckRunner
from engine.core.campaign.environment import InterpreterEnvironment, UvEnvironment, VenvEnvironment
from engine.core.campaign.models import Campaign
from engine.core.event import LogSpan
from engine.core.repair.choose import Facts
from engine.core.repair.events import RepairStarted
from engine.core.repair.parts import Clone, Fallback, Found, Way
from engine.core.state import Candidate
from engine.executors.protocol import Executor
from engine.runfolder.paths import RunPaths

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_URL: Final = re.compile(r"[a-z+]+://|[\w.-]+@[\w.-]+:")


class Subject(NamedTuple):
    """A candidate, and where its check runs, if it has code of its own."""

    candidate: Candidate
    ground: Ground | None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a way that worked has brought: more requirements and their Python, or a fallback."""

    lines: list[str] = []
    requirements: str = ""
    interpreter: Interpreter | None = None
    fallback: Fallback | None = None


class Toolbox:
    """What repairs of a campaign's checks are done with."""

    def __init__(
        self, campaign: Campaign, root: Path, paths: RunPaths, *, executor: Executor
    ) -> None:
        self._campaign = campaign
        self._specs = {spec.name: spec for spec in campaign.all_checks}
        self._root = root
        self._paths = paths
        self._executor = executor
        self._runner: CheckRunner | None = None

    def serve(self, runner: CheckRunner) -> None:
        """Whose interpreter is exchanged."""
        self._runner = runner

    def use(self, interpreter: Interpreter) -> None:
        """Let checks run in this environment from now on."""
        if self._runner is not None:
            self._runner.use(interpreter)

    async def interpreter(self, lines: list[str]) -> Interpreter:
        """The Python of the checks with what earlier repairs have added.

        Raises:
            EnvironmentFailedError: it could not be made.
        """
        return await self._made(lines, self._paths.repairs)

    def facts(self, check: str, found: Found, candidate: Candidate, ground: Ground | None) -> Facts:
        """What is seen of the candidate and of where its check runs."""
        root = ground.root if ground else self._root
        if found.kind == "model":
            there = fallback_of(self._specs[check], candidate, root, found.name)
            return Facts(replaceable=there is not None)
        place = root / found.name.replace(".", "/")
        return Facts(here=place.exists() or place.with_suffix(".py").exists())

    def log(self) -> LogSpan:
        """Where what the next environment prints will lie."""
        return self._paths.environment_span()

    async def go(
        self,
        way: Way,
        started: RepairStarted,
        lines: list[str],
        on: Subject,
    ) -> Done:
        """Go one way.

        Args:
            way: which.
            started: the repair.
            lines: the requirements that earlier repairs have added.
            on: the candidate, and where its check runs.

        Raises:
            EnvironmentFailedError: it leads nowhere.
        """
        if way.kind == "fallback":
            return self._fallback(way, started, on)
        more = [await self._source(way.name, way.clone)] if way.clone else way.packages
        wanted = list(dict.fromkeys([*lines, *more]))
        folder = self._paths.root / started.folder
        try:
            with anyio.fail_after(self._deadline_s):
                interpreter = await self._made(wanted, folder)
        except TimeoutError as error:
            late = f"it was not made within {self._deadline_s:g} s"
            raise EnvironmentFailedError(late) from error
        return Done(
            lines=wanted,
            requirements=f"{started.folder}/requirements.txt",
            interpreter=interpreter,
        )

    @property
    def _deadline_s(self) -> float:
        return self._campaign.repair.deadline_s if self._campaign.repair else 0.0

    def _fallback(self, way: Way, started: RepairStarted, on: Subject) -> Done:
        candidate, ground = on
        root = ground.root if ground else self._root
        spec = self._specs[started.check]
        fallback = fallback_of(spec, candidate, root, way.name, to=way.to, folder=started.folder)
        if fallback is None:
            raise EnvironmentFailedError(f"{way.name} is not named there any more")
        return Done(fallback=fallback)

    async def _source(self, name: str, clone: Clone) -> str:
        """The requirement line of a repository, at the commit that its ref is now."""
        url = clone.repo if _URL.match(clone.repo) else (self._root / clone.repo).resolve().as_uri()
        commit = clone.ref if _COMMIT.fullmatch(clone.ref) else await self._commit(url, clone.ref)
        parts = [f"egg={name.replace('.', '-')}"] if clone.editable else []
        parts += [f"subdirectory={clone.subdir}"] if clone.subdir else []
        line = f"git+{_as_pip(url)}@{commit}" + (f"#{'&'.join(parts)}" if parts else "")
        return f"-e {line}" if clone.editable else line

    async def _commit(self, url: str, ref: str) -> str:
        maker = maker_of(self._root, self._paths, executor=self._executor)
        printed = await maker.run(("git", "ls-remote", url, ref or "HEAD"))
        found = _COMMIT.match(printed.decode(errors="replace"))
        if found is None:
            raise EnvironmentFailedError(f"{url} has no {ref or 'HEAD'}")
        return found[0]

    async def _made(self, lines: list[str], folder: Path) -> Interpreter:
        environment = self._campaign.environment
        if lines:
            environment = self._with(environment, self._written(environment, lines, folder))
        return await prepare(environment, self._root, self._paths, executor=self._executor)

    def _written(
        self,
        environment: InterpreterEnvironment | VenvEnvironment | UvEnvironment,
        lines: list[str],
        folder: Path,
    ) -> Path:
        match environment:
            case VenvEnvironment(venv=spec) | UvEnvironment(uv=spec):
                own = (self._root / spec.requirements).absolute()
            case _:
                raise EnvironmentFailedError("the environment is not the campaign's own")
        file = folder.absolute() / "requirements.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join([f"-r {shlex.quote(str(own))}", *lines, ""]))
        except OSError as error:
            raise EnvironmentFailedError(f"{file}: {error.strerror}") from error
        return file

    def _with(
        self,
        environment: InterpreterEnvironment | VenvEnvironment | UvEnvironment,
        requirements: Path,
    ) -> InterpreterEnvironment | VenvEnvironment | UvEnvironment:
        python = self._campaign.repair.python if self._campaign.repair else None
        change = {"requirements": str(requirements)}
        match environment:
            case VenvEnvironment(venv=spec):
                more = {"interpreter": python} if python else {}
                spec = spec.model_copy(update={**change, **more})
                return environment.model_copy(update={"venv": spec})
            case UvEnvironment(uv=spec):
                more = {"python": python} if python else {}
                return environment.model_copy(
                    update={"uv": spec.model_copy(update={**change, **more})}
                )
            case _:
                return environment


def _as_pip(url: str) -> str:
    """The URL as pip takes it: `git@host:path` is written with its scheme."""
    if "://" in url:
        return url
    host, _, path = url.partition(":")
    return f"ssh://{host}/{path}"
