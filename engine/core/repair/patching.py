"""Replacing the name of a model: in a candidate's parameters, in a configuration's text. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

_NAMED: Final = ("model", "model_name", "model-name")


class UnpatchableError(Exception):
    """The text names no such model at `model.name`; the message says why."""


def parameter_of(parameters: Mapping[str, Any], model: str) -> str | None:
    """The parameter whose value is the model's name; None where it is not clear which."""
    holding = [name for name, value in parameters.items() if value == model]
    named = [name for name in holding if name.lower() in _NAMED]
    found = named or holding
    return found[0] if len(found) == 1 else None


def patched(text: str, model: str, to: str) -> str:
    """The text of a YAML or JSON file with another name at `model.name`, and nothing else changed.

    Raises:
        UnpatchableError: it is neither, or has another name or none at that place.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UnpatchableError(f"it is not YAML: {str(error).splitlines()[0]}") from error
    for key in ("model", "name"):
        node = _below(node, key)
    if not isinstance(node, yaml.ScalarNode) or node.value != model:
        raise UnpatchableError(f"its model.name is not {model}")
    return text[: node.start_mark.index] + json.dumps(to) + text[node.end_mark.index :]


def _below(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, value in node.value:
        if isinstance(name, yaml.ScalarNode) and name.value == key:
            return value
    return None
