"""The JSON Schema of a campaign file, for editors and other programs."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from engine.core.campaign.fields import format_share
from engine.core.campaign.models import Campaign
from engine.core.campaign.yamltree import parse_yaml
from engine.core.duration import format_duration


def campaign_schema() -> dict[str, Any]:
    """The JSON Schema of a campaign file.

    What must hold between keys (a baseline inside the space, say) is beyond it; loading tells.
    """
    schema = Campaign.model_json_schema(by_alias=True)
    tidied = cast("dict[str, Any]", _tidied(schema))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | tidied


def _tidied(part: Any) -> Any:
    """The schema without generated titles and null, its examples and durations as in a file."""
    match part:
        case list():
            return [_tidied(item) for item in cast("list[Any]", part)]
        case dict():
            return _tidied_mapping(cast("dict[str, Any]", part))
        case _:
            return part


def _tidied_mapping(part: Mapping[str, Any]) -> dict[str, Any]:
    if "properties" not in part and isinstance(part.get("title"), str):
        part = {key: value for key, value in part.items() if key != "title"}
    tidy = {
        key: value for key, value in part.items() if key not in ("anyOf", "examples", "default")
    }
    tidy = {key: _tidied(value) for key, value in tidy.items()}
    tidy |= _without_null(part)
    if isinstance(part.get("examples"), list):
        tidy["examples"] = [parse_yaml(str(text)).data for text in part["examples"]]
    if part.get("default") is not None:
        written = _WRITTEN.get(tidy.get("format", ""), _given)
        tidy["default"] = written(part["default"])
    return tidy


def _given(default: Any) -> Any:
    """A default without what it leaves out."""
    if not isinstance(default, dict):
        return default
    items = cast("dict[str, Any]", default).items()
    return {key: _given(value) for key, value in items if value is not None}


_WRITTEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "duration": format_duration,
    "share": format_share,
}
"""How defaults stand in a file where that is not as they are in memory, by format."""


def _without_null(part: Mapping[str, Any]) -> dict[str, Any]:
    """The alternatives of a schema, null left out; a single one needs no list."""
    if "anyOf" not in part:
        return {}
    options = [_tidied(option) for option in part["anyOf"] if option != {"type": "null"}]
    return options[0] if len(options) == 1 else {"anyOf": options}
