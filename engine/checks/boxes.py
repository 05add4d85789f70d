"""The sandboxes of a sealed check: what its two halves see."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from engine.checks.harness import Harness
from engine.core.campaign.sandbox import SandboxSpec
from engine.executors.interpreters import interpreter_folders
from engine.executors.protocol import Box
from engine.runfolder.paths import WORK_FOLDER, RunPaths


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where the checks of a candidate run: its own code, and for its judge the protected base's.

    `root` is the folder of the commands within `top`, and `judge_root` that within `judge_top`.
    `links` are what trees have links to. `harness` knows whether what judges is what it was.
    """

    top: Path
    root: Path
    judge_top: Path
    judge_root: Path
    links: tuple[Path, ...] = ()
    harness: Harness | None = None

    @classmethod
    def of_campaign(cls, root: Path, protect: Sequence[str]) -> "Ground":
        """That of a campaign without a repository: its folder, for all."""
        harness = Harness(root, protect) if protect else None
        return cls(top=root, root=root, judge_top=root, judge_root=root, harness=harness)


class Boxes:
    """Makes the sandboxes of a campaign's sealed checks.

    Args:
        spec: what the campaign says.
        folder: the folder of the campaign file.
        python: the interpreter that `{python}` stands for.
        paths: the run's folder, which nobody in a sandbox sees.
    """

    def __init__(self, spec: SandboxSpec, folder: Path, python: str, paths: RunPaths) -> None:
        self._spec = spec
        self._folder = folder
        self._read = (
            *interpreter_folders(python),
            *(_absolute(folder / name) for name in spec.read),
        )
        self._run = _absolute(paths.root)

    def produce(self, ground: Ground, told: Path, collects: Path) -> Box:
        """The sandbox of the candidate's code; what it leaves is copied into `collects`."""
        hidden = (ground.root / name for name in self._spec.hide)
        return self._box(
            (ground.top, *ground.links, told),
            (*self._private(ground.top), *hidden),
            collects,
        )

    def judge(self, ground: Ground, told: Path, produced: Path, own: Sequence[str] = ()) -> Box:
        """The sandbox of the judge, which also protects it from what it has to read.

        What is its `own` no other sandbox shows.
        """
        shown = (_absolute(self._folder / name) for name in own)
        read = (ground.judge_top, *ground.links, told, produced, *shown)
        return self._box(read, self._private(ground.judge_top), None)

    def _private(self, top: Path) -> Iterator[Path]:
        """What lies below the code and is nobody's business: history, runs, this run."""
        yield from (top / ".git", top / WORK_FOLDER)
        if self._run.is_relative_to(top):
            yield self._run

    def _box(
        self, read: tuple[Path, ...], hide: tuple[Path, ...] | Iterator[Path], to: Path | None
    ) -> Box:
        spec = self._spec
        return Box(
            read=tuple(dict.fromkeys((*self._read, *read))),
            hide=tuple(hide),
            memory_bytes=spec.memory_bytes,
            processes=spec.processes,
            scratch_bytes=spec.scratch_bytes,
            output_bytes=spec.output_bytes,
            produced_bytes=spec.produced_bytes,
            collects=to,
        )


def _absolute(path: Path) -> Path:
    return Path(os.path.realpath(path))
