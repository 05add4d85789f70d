"""The proposers by name: the one table through which a campaign gets them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from engine.core.space import Space
from engine.proposers import evolution
from engine.proposers.protocol import Proposer


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign gives to a proposer; `options` are its own settings."""

    space: Space
    baseline: Mapping[str, Any]
    options: Mapping[str, Any] = {}


def _evolution(setup: Setup) -> Proposer:
    return evolution.Evolution(setup.space, setup.baseline, **setup.options)


PROPOSERS: Final[Mapping[str, Callable[[Setup], Proposer]]] = {evolution.NAME: _evolution}
