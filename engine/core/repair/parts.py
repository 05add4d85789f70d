"""What a repair is made of, and its rules."""

from typing import Literal

import msgspec


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a check said that it lacks; `evidence` is the line in which it did."""

    kind: Literal["module", "model"]
    name: str
    evidence: str


class Clone(msgspec.Struct, frozen=True, kw_only=True):
    """A repository that holds a package, at `ref`, in the folder `subdir`."""

    repo: str
    ref: str = ""
    subdir: str = ""
    editable: bool = True


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """A model is replaced by another: in a parameter, or in a copy of a configuration file.

    `parameter` is empty where it is the file. `folder` is where the copy lies, below the run's.
    """

    model: str
    to: str
    parameter: str = ""
    folder: str = ""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may help. `packages` are requirement lines."""

    kind: Literal["fallback", "packages", "clone", "guess"]
    packages: list[str] = []
    clone: Clone | None = None
    name: str = ""
    to: str = ""


def way_text(way: Way) -> str:
    """A way in words."""
    if way.kind == "fallback":
        return f"{way.to} instead of {way.name}"
    if way.clone is not None:
        at = f" at {way.clone.ref}" if way.clone.ref else ""
        return f"{way.name} from {way.clone.repo}{at}"
    return f"{'guessed ' if way.kind == 'guess' else ''}{', '.join(way.packages)}"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A way that was gone: what it came to."""

    way: Way
    worked: bool
    detail: str = ""


Outcome = Literal["repaired", "failed", "skipped"]


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the repair of a check; `after` is how many reports there were before it."""

    outcome: Outcome
    after: int


class RepairRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign allows, and what it knows of names; `python` makes the environments.

    `fixed` says why nothing can be installed, whatever is allowed.
    """

    retry: bool = True
    guess: bool = False
    install: bool = False
    python: str | None = None
    modules: dict[str, list[str]] = {}
    aliases: dict[str, str] = {}
    clones: dict[str, Clone] = {}
    model_packages: dict[str, list[str]] = {}
    model_clones: dict[str, Clone] = {}
    fallbacks: dict[str, str] = {}
    deadline_s: float = 900.0
    fixed: str = ""


class Repairs(msgspec.Struct, kw_only=True):
    """What a state keeps of repairs.

    `lines` are the requirements that the environment of the checks has besides the campaign's.
    `failed` says by which repair that was tried which did not help. `repaired`, `in_vain` and
    `skipped` count what repairs came to, and what was not repaired.
    """

    begun: int = 0
    repaired: int = 0
    in_vain: int = 0
    skipped: int = 0
    lines: list[str] = []
    failed: dict[str, str] = {}
