"""Finding a Python that is there already."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec


class EnvironmentFailedError(Exception):
    """The environment of the checks is not there and cannot be made; the text says why."""


class Interpreter(msgspec.Struct, frozen=True):
    """A Python, and the folder of its virtual environment when it was made for the campaign."""

    python: str
    folder: Path | None = None

    def applied(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables with which the programs of the environment are found first."""
        if self.folder is None:
            return dict(environ)
        path = os.pathsep.join([str(self.folder / "bin"), environ.get("PATH", os.defpath)])
        return {**environ, "PATH": path, "VIRTUAL_ENV": str(self.folder)}


def find_interpreter(name: str, root: Path, environ: Mapping[str, str]) -> str:
    """The path of a Python that is there: `own`, `path`, a name on PATH, or a path from `root`.

    Raises:
        EnvironmentFailedError: there is none.
    """
    if name == "own":
        return sys.executable
    if name == "path":
        active = Path(environ.get("VIRTUAL_ENV") or os.devnull, "bin", "python")
        return str(active) if active.exists() else _on_path("python3", environ)
    if os.sep not in name:
        return _on_path(name, environ)
    path = root / Path(name).expanduser()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise EnvironmentFailedError(
            f"there is no Python at {path}; correct environment.interpreter, or make it"
        )
    return str(path)


def _on_path(name: str, environ: Mapping[str, str]) -> str:
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    if found is None:
        raise EnvironmentFailedError(
            f"there is no {name} on PATH; install it, or set environment: {{interpreter: own}}"
        )
    return found
