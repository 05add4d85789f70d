"""What can still be judged of a campaign with mistakes, so that all of them are told at once."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.core.campaign.explain import mistakes, place_of, value_at
from engine.core.campaign.keys import nearest_key
from engine.core.campaign.models import Campaign
from engine.core.campaign.problems import Place

_ROUNDS: Final = 12
_STAND_INS: Final[dict[Place, Any]] = {
    ("campaign",): "unnamed",
    ("metric",): {"name": "unnamed", "direction": "min"},
    ("metric", "name"): "unnamed",
    ("metric", "direction"): "min",
    ("checks",): [{"name": "unnamed", "run": "true"}],
    ("checks", 0, "name"): "unnamed",
    ("checks", 0, "run"): "true",
    ("post_checks", 0, "name"): "unnamed",
    ("post_checks", 0, "run"): "true",
    ("proposers", 0, "kind"): "agent",
    ("proposers", 0, "agent"): "codex",
}


_ITEMS_STAY: Final = ("checks", "post_checks", "proposers")


class Draft(msgspec.Struct, frozen=True):
    """A campaign whose broken parts were left out or replaced, and where these were."""

    campaign: Campaign
    broken: frozenset[Place] = frozenset()

    def sound(self, *place: str | int) -> bool:
        """Whether nothing at, above or below a place was broken."""
        return not any(
            other[: len(place)] == place or place[: len(other)] == other for other in self.broken
        )

    def parameters(self) -> list[str]:
        """The names in `space`, those of broken parameters among them."""
        broken = {str(place[1]) for place in self.broken if place[0] == "space" and len(place) > 1}
        return sorted({*self.campaign.space, *broken})


def salvage(data: Mapping[str, Any], nulls: Sequence[Place]) -> Draft | None:
    """The campaign without its broken parts; None when too little is left to judge."""
    rest: dict[str, Any] = copy.deepcopy(dict(data))
    broken: set[Place] = set()
    for place in nulls:
        broken.add(_remove(rest, _whole(place)))
    for _ in range(_ROUNDS):
        try:
            return Draft(Campaign.model_validate(rest), frozenset(broken))
        except ValidationError as error:
            details = mistakes(error)
            places = [place_of(detail["loc"], rest) for detail in details]
            for place, detail in zip(places, details, strict=True):
                broken.update(_repair(rest, place, detail))
    return None


def _repair(rest: dict[str, Any], place: Place, error: ErrorDetails) -> Iterator[Place]:
    key = error["loc"][-1]
    if error["type"] == "missing":
        yield _replace(rest, place, key)
    elif error["type"] == "extra_forbidden":
        _remove(rest, place)
        near = nearest_key(error["loc"])
        if near:
            yield (*place[:-1], near)
    elif place:
        yield _remove(rest, _whole(place))


def _replace(rest: dict[str, Any], place: Place, key: str | int) -> Place:
    """Put something harmless where a key is missing, or remove what is useless without it."""
    pattern: Place = tuple(0 if isinstance(step, int) else step for step in (*place, key))
    if isinstance(key, str) and pattern in _STAND_INS and _exists(rest, place):
        value_at(rest, place)[key] = copy.deepcopy(_STAND_INS[pattern])
        return (*place, key)
    return _remove(rest, _whole(place))


def _whole(place: Place) -> Place:
    """The key to remove for a broken place: a list with a broken item goes, but a check stays."""
    start = 2 if place[0] in _ITEMS_STAY else 0
    for depth, step in enumerate(place[start:], start):
        if isinstance(step, int):
            return place[:depth]
    return place


def _exists(rest: dict[str, Any], place: Place) -> bool:
    return place_of(place, rest) == place


def _remove(rest: dict[str, Any], place: Place) -> Place:
    """Remove what stands at a place, if it is still there; an item that stays is emptied."""
    if not _exists(rest, place):
        return place
    above = value_at(rest, place[:-1])
    if isinstance(above, list):
        cast("list[Any]", above)[cast("int", place[-1])] = {}
    else:
        del above[place[-1]]
    return place
