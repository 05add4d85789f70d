"""Making a virtual environment, once for each content of its requirements.

It is made in a folder of its own, since its scripts hold their own path, and published by a link
with the name of its content: a link is there or not, never half. A lock that dies with its process
keeps a second maker waiting, and lets it throw away what a dead one left.
"""

import fcntl
import os
import re
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import msgspec

from engine.checks.files import remove
from engine.checks.interpreter import EnvironmentFailedError, Interpreter
from engine.checks.log import CheckLog
from engine.checks.readers import last_words
from engine.checks.requirements import RequirementsError, environment_name
from engine.checks.variables import allowed
from engine.core.secrets import Redactor
from engine.executors.protocol import Command, Executor, Finished, Marker
from engine.runfolder.paths import RunPaths

DEADLINE_S: Final = 3600.0
_LOCK_PAUSE_S: Final = 0.2
_TOOL_VARIABLES: Final = re.compile(
    r"(PIP|UV|XDG)_\w+|\w*_proxy|\w*_PROXY|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NETRC"
)
_CREDENTIALS: Final = re.compile(r"://([^/@\s]+)@")


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How an environment is made: `{folder}` in the commands is where. `base` names its Python."""

    tool: str
    base: tuple[str, ...]
    requirements: Path
    commands: tuple[tuple[str, ...], ...]


class Maker:
    """Makes environments into `place`, through an executor, and says where they are."""

    def __init__(
        self,
        place: Path,
        root: Path,
        paths: RunPaths,
        *,
        executor: Executor,
        environ: Mapping[str, str],
    ) -> None:
        self._place = place
        self._root = root
        self._log_path = paths.environment_log
        self._marker = Marker(paths.run_marker, f"{paths.run_marker}#environment")
        self._executor = executor
        self._variables = allowed(environ)
        more = {name: text for name, text in environ.items() if _TOOL_VARIABLES.fullmatch(name)}
        self._variables |= more
        self._redactor_of = {
            f"{name}-{number}": found
            for name, text in more.items()
            for number, found in enumerate(_CREDENTIALS.findall(text))
        }

    async def made(self, recipe: Recipe) -> Interpreter:
        """The interpreter of the environment, made now unless it is there.

        Raises:
            EnvironmentFailedError: it could not be made.
        """
        base = await self.run(recipe.base)
        try:
            name = environment_name(recipe.tool, base.decode(errors="replace"), recipe.requirements)
        except RequirementsError as error:
            raise EnvironmentFailedError(str(error)) from error
        link = self._place / name
        self._place.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            async with _alone(self._place / f"{name}.lock"):
                if not link.exists():
                    await self._make(recipe, link)
        folder = link.resolve()
        return Interpreter(str(folder / "bin" / "python"), folder)

    async def _make(self, recipe: Recipe, link: Path) -> None:
        _sweep(link)
        folder = self._place / f"{link.name}-{secrets.token_hex(4)}"
        for command in recipe.commands:
            await self.run([word.replace("{folder}", str(folder)) for word in command])
        _publish(folder, link)

    async def run(self, argv: "list[str] | tuple[str, ...]") -> bytes:
        """What the command printed.

        Raises:
            EnvironmentFailedError: it failed.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        command = Command(
            run=tuple(argv),
            cwd=self._root,
            env=self._variables,
            marker=self._marker,
            deadline_s=DEADLINE_S,
        )
        redactor = Redactor(self._redactor_of)
        async with CheckLog(
            self._log_path, f"=== {now} {' '.join(argv)}", redactor=redactor
        ) as log:
            ended = await self._executor.run(command, log=log)
            await log.finish()
        if ended != Finished(exit_code=0):
            words = last_words(log.recent) or str(ended)
            raise EnvironmentFailedError(f"{' '.join(argv)}: {words} (see {self._log_path})")
        return log.recent


def _sweep(link: Path) -> None:
    """Remove what makers left that died, and a link to what somebody removed."""
    for left in link.parent.glob(f"{link.name}-*"):
        remove(left)
    remove(link)


def _publish(folder: Path, link: Path) -> None:
    link.symlink_to(folder.name)


@asynccontextmanager
async def _alone(path: Path) -> AsyncGenerator[None]:
    """Hold the lock file; waits for another process that does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _locked(descriptor):  # noqa: ASYNC110
            await anyio.sleep(_LOCK_PAUSE_S)  # another process cannot tell us
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
