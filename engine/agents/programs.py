"""Finding the native program of an agent: never a launcher, which dies and leaves it running."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

import engine
from engine.agents.protocol import AgentMissingError
from engine.executors.interpreters import interpreter_folders

_NATIVE: Final = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_DEEPEST: Final = 6
_PACKAGE_MARKS: Final = ("package.json", "codex-package.json", "__init__.py")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a program may be found, and what to do when it is nowhere.

    `package` and `inside` are a Python package that carries it, and where; `siblings` is how the
    folders of the packages begin that bring it for one platform, next to the launcher's package.
    """

    name: str
    package: str
    inside: str
    siblings: str
    advice: str


CODEX: Final = Source(
    name="codex",
    package="codex_cli_bin",
    inside="bin/codex",
    siblings="codex",
    advice="install it: pip install openai-codex-cli-bin, or npm install -g @openai/codex",
)
CLAUDE: Final = Source(
    name="claude",
    package="claude_agent_sdk",
    inside="_bundled/claude",
    siblings="claude-code",
    advice="install it: pip install claude-agent-sdk, or npm install -g @anthropic-ai/claude-code",
)


def find(source: Source, path: str) -> Path:
    """The native program: on PATH, beside a launcher that is on PATH, or in a Python package.

    Args:
        source: what is looked for.
        path: the variable PATH.

    Raises:
        AgentMissingError: it is nowhere; the text says what there is and what to install.
    """
    on_path = shutil.which(source.name, path=path)
    if on_path is not None:
        program = Path(on_path).resolve()
        if is_native(program):
            return program
        for beside in _beside(program, source):
            return beside
    carried = _carried(source)
    if carried is not None:
        return carried
    if on_path is None:
        raise AgentMissingError(f"there is no program {source.name} on PATH; {source.advice}")
    raise AgentMissingError(
        f"{on_path} only starts {source.name}, and the native program is not beside it: "
        f"when such a launcher is killed, the agent goes on; {source.advice}"
    )


def package_of(program: Path) -> Path:
    """What has to be seen so that a program works: the package that it came in, or it alone."""
    for folder in list(program.parents)[:_DEEPEST]:
        if any((folder / mark).is_file() for mark in _PACKAGE_MARKS):
            return folder
    return program


def of_ours() -> tuple[Path, ...]:
    """What has to be seen so that a program of ours runs: its Python, and this package."""
    return (*interpreter_folders(sys.executable), Path(engine.__file__).parent)


def is_native(path: Path) -> bool:
    """Whether the file is an executable of this machine's kind, and no script."""
    try:
        with path.open("rb") as file:
            return file.read(4) in _NATIVE and os.access(path, os.X_OK)
    except OSError:
        return False


def _beside(launcher: Path, source: Source) -> Iterator[Path]:
    """Native programs in the launcher's package, and in the packages that came with it."""
    package = next((folder for folder in launcher.parents if _is_package(folder)), None)
    if package is None:
        return
    nested = package / "node_modules" / package.parent.name
    for scope in (package.parent, nested):
        folders = sorted(scope.glob(f"{source.siblings}*")) if scope.is_dir() else []
        for folder in folders:
            yield from _native_below(folder, source.name, _DEEPEST)


def _is_package(folder: Path) -> bool:
    return (folder / "package.json").is_file()


def _native_below(folder: Path, name: str, levels: int) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name == name and is_native(entry):
            yield entry.resolve()
        elif levels and entry.is_dir() and not entry.is_symlink():
            yield from _native_below(entry, name, levels - 1)


def _carried(source: Source) -> Path | None:
    try:
        # Without importing it: what it needs may not be installed.
        found = importlib.util.find_spec(source.package)
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    program = Path(found.origin).parent / source.inside
    return program if is_native(program) else None
