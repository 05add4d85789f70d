"""What tells a candidate from another one. Pure."""

from collections.abc import Mapping
from typing import Any


def changed_from(parameters: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that the reference has not, or has otherwise, in the reference's order."""
    order = [*(name for name in reference if name in parameters)]
    order += [name for name in parameters if name not in reference]
    return {
        name: parameters[name]
        for name in order
        if name not in reference or parameters[name] != reference[name]
    }
