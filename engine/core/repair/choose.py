"""Choosing what may be done about what a check lacks. Pure.

In this order: a fallback, packages, a repository; a guess only where nothing else is known.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from engine.core.repair.parts import Found, RepairRules, Way, way_text

T = TypeVar("T")

SEGMENTATION: Final = ["segmentation-models-pytorch", "timm"]
MODULES: Final[dict[str, list[str]]] = {
    "segmentation_models_pytorch": SEGMENTATION,
    "timm": ["timm"],
    "einops": ["einops"],
    "transformers": ["transformers"],
}
ALIASES: Final[dict[str, str]] = {
    "cv2": "opencv-python",
    "pil": "pillow",
    "yaml": "pyyaml",
    "sklearn": "scikit-learn",
}
MODEL_PACKAGES: Final[dict[str, list[str]]] = {
    "unet_resnet34": SEGMENTATION,
    "unet_resnet34_dual": SEGMENTATION,
    "unet_resnet34_dual_head": SEGMENTATION,
}
FALLBACKS: Final[dict[str, str]] = {
    "unet_resnet34": "simple_unet",
    "unet_resnet34_dual": "simple_unet_dual_head",
    "unet_resnet34_dual_head": "simple_unet_dual_head",
}
"""What is known without a campaign's saying so; its own entries win, and empty ones remove."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of the candidate and of the folder in which its check runs.

    `replaceable` tells that the model is named where it can be replaced, `here` that a module of
    that name lies in the folder: it is not found for another reason than that it is missing.
    """

    replaceable: bool = False
    here: bool = False


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Ways in their order, each for the case that those before it fail; or why there is none."""

    ways: list[Way]
    reason: str = ""


def choose(found: Found, rules: RepairRules, facts: Facts) -> Choice:
    """What may be done about what was found, or why nothing is."""
    name = found.name.lower()
    to = _of(FALLBACKS, rules.fallbacks, {}, name)
    if found.kind == "model" and to and facts.replaceable:
        return Choice(ways=[Way(kind="fallback", name=found.name, to=to)])
    ways = list(_module(found, rules) if found.kind == "module" else _model(found, rules))
    if not ways:
        return Choice(ways=[], reason=_unknown(found, rules, to))
    if facts.here:
        return Choice(ways=[], reason=f"{found.name} lies in the check's folder: none is missing")
    if not rules.install:
        return Choice(ways=[], reason=f"nothing is installed unasked ({_shown(ways)}): say install")
    if rules.fixed:
        return Choice(ways=[], reason=rules.fixed)
    return Choice(ways=ways)


def _module(found: Found, rules: RepairRules) -> Iterator[Way]:
    packages = None
    for name in _beginnings(found.name.lower()):
        packages = packages or _of(MODULES, rules.modules, rules.clones, name)
    root = found.name.lower().partition(".")[0]
    alias = _of(ALIASES, rules.aliases, rules.clones, root)
    clone = next((name for name in _beginnings(found.name.lower()) if name in rules.clones), None)
    if packages or alias:
        yield Way(kind="packages", packages=packages or [alias or ""])
    if clone is not None:
        yield Way(kind="clone", name=clone, clone=rules.clones[clone])
    elif not packages and not alias and rules.guess and not _unguessable(found.name, rules):
        yield Way(kind="guess", packages=[found.name.replace("_", "-")])


def _model(found: Found, rules: RepairRules) -> Iterator[Way]:
    name = found.name.lower()
    packages = _of(MODEL_PACKAGES, rules.model_packages, rules.model_clones, name)
    if packages:
        yield Way(kind="packages", packages=packages)
    if name in rules.model_clones:
        yield Way(kind="clone", name=name, clone=rules.model_clones[name])


def _of(
    known: Mapping[str, T], own: Mapping[str, T], others: Mapping[str, object], name: str
) -> T | None:
    """The campaign's own entry; else what is known, unless the campaign names a repository."""
    if name in own:
        return own[name]
    return None if name in others else known.get(name)


def _beginnings(name: str) -> Iterator[str]:
    """The name, and the packages that it lies in, the innermost first."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _unguessable(name: str, rules: RepairRules) -> str:
    """Why the name of a module says nothing about a package; empty where it may."""
    if rules.modules.get(name.lower()) == []:
        return f"the campaign says that nothing is installed for {name}"
    if "." in name:
        return f"{name.partition('.')[0]} is there, and has no {name.partition('.')[2]}"
    if name in sys.stdlib_module_names:
        return f"{name} belongs to Python itself"
    return f"{name} is no name of a package" if name.startswith("_") else ""


def _unknown(found: Found, rules: RepairRules, to: str | None) -> str:
    if found.kind == "model":
        if to:
            return f"{found.name} is named neither in a parameter nor in the file of --config"
        return f"neither a fallback, a package nor a repository is known for the model {found.name}"
    if rules.guess:
        return _unguessable(found.name, rules)
    return f"neither a package nor a repository is known for {found.name}, and none is guessed"


def _shown(ways: list[Way]) -> str:
    return "; ".join(way_text(way) for way in ways)
