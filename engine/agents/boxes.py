"""The sandbox round an agent's program: what is shown to it, and what it may take.

It sees its tree, a home of the attempt's own, what its program needs, and what the campaign names;
of the person's home, the run's folder, the repository and the other trees nothing. Limits are wide:
they are there for what goes wrong, not against the work.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from engine.agents import asking
from engine.agents.protocol import AgentTask, Confinement, Launch
from engine.executors.interpreters import interpreter_folders
from engine.executors.protocol import Box

PROCESSES: Final = 2048
SCRATCH_BYTES: Final = 4 << 30
OUTPUT_BYTES: Final = 2 << 30
LOOK_MS: Final = 250
"""An agent works for long, and ten of them at once: they are looked at less often."""

_SYSTEM: Final = tuple((os.sep, name) for name in ("usr", "bin", "sbin", "lib", "lib64"))
_GITCONFIG: Final = "[user]\n\tname = agent\n\temail = agent@localhost\n"


def prepare(task: AgentTask) -> None:
    """Make the folders of the attempt that its sandbox shows.

    Raises:
        OSError: they cannot be made.
    """
    if task.confinement is None:
        return
    for folder in (task.own_home, task.out, asking.folder_of(task.folder)):
        folder.mkdir(parents=True, exist_ok=True)
    # What the person configured for their own git is not seen: without a name it makes no commit.
    (task.own_home / ".gitconfig").write_text(_GITCONFIG, encoding="utf-8")


def box_of(task: AgentTask, launched: Launch) -> Box | None:
    """The sandbox of an attempt; None where its program runs with the person's rights."""
    walls = task.confinement
    if walls is None:
        return None
    write = _there((task.tree, task.own_home, task.out, *walls.write, *launched.write))
    read = _there((*walls.read, *_own(task), *launched.read, *_environments(launched, walls)))
    read += [file for file in _there(_files(launched)) if not _within(file, read)]
    read = _there(_target(path, (*read, *write)) for path in read)
    return Box(
        read=tuple(path for path in read if path not in write),
        write=tuple(write),
        hide=(*walls.hide, *(task.tree / path for path in walls.hide_in_tree)),
        home=task.own_home,
        network=walls.network,
        nesting=walls.nesting,
        memory_bytes=_machine_bytes(),
        processes=PROCESSES,
        scratch_bytes=SCRATCH_BYTES,
        output_bytes=OUTPUT_BYTES,
        look_ms=LOOK_MS,
    )


def _own(task: AgentTask) -> Iterator[Path]:
    """What of the attempt's folder it may read; what is written about it is not its business."""
    yield from (task.prompt, asking.folder_of(task.folder))
    if task.answer_schema is not None:
        yield task.answer_schema


def _environments(launched: Launch, walls: Confinement) -> Iterator[Path]:
    """The virtual environments that its program is of, or that it is told of."""
    folders = [program.parent.parent for program in _programs(launched)]
    folders += [Path(launched.env["VIRTUAL_ENV"])] if launched.env.get("VIRTUAL_ENV") else []
    for folder in folders:
        yield from (each for each in _environment(folder) if not _holds(each, walls.person))


def _files(launched: Launch) -> Iterator[Path]:
    """Its program, also where a link to it leads, and the files that its command line names."""
    yield from _programs(launched)
    yield from (program.resolve() for program in _programs(launched))
    named = (Path(word) for word in launched.argv[1:] if word.startswith(os.sep))
    yield from (file for file in named if os.path.isfile(file))  # noqa: PTH113 (any word may come)


def _programs(launched: Launch) -> list[Path]:
    path = launched.env.get("PATH", os.defpath)
    found = (shutil.which(word, path=path) for word in (*launched.argv[:1], *launched.programs))
    return [Path(each).absolute() for each in found if each is not None]


def _target(path: Path, shown: Sequence[Path]) -> Path:
    """Where a link leads that lies in what is shown: the link itself is there already."""
    link = path.is_symlink() and _within(path.parent, [each for each in shown if each != path])
    return path.resolve() if link else path


def _within(file: Path, folders: Sequence[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


def _environment(folder: Path) -> Sequence[Path]:
    """What there is to show of a virtual environment, if the folder is one."""
    if not (folder / "pyvenv.cfg").is_file():
        return ()
    return interpreter_folders(str(folder / "bin" / "python"))


def _holds(folder: Path, person: Path | None) -> bool:
    return person is not None and person.is_relative_to(folder)


def _there(paths: Iterable[Path]) -> list[Path]:
    """Those that are there, and are no part of the system, which every sandbox shows."""
    found = (path for path in paths if path.exists() and path.parts[:2] not in _SYSTEM)
    return list(dict.fromkeys(found))


def _machine_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
