"""The environment of checks as repairs have left it. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

_MARK: Final = " repaired "


def standing(document: Mapping[str, Any], lines: Sequence[str]) -> list[str]:
    """The requirements that repairs have added, where the campaign still lets them."""
    section: Mapping[str, Any] = document.get("repair") or {}
    return list(lines) if section.get("enabled", True) and section.get("install") else []


def repaired(fingerprint: Mapping[str, str], lines: Sequence[str]) -> dict[str, str]:
    """The fingerprint of an environment that has these requirements besides the campaign's."""
    own = fingerprint.get("environment", "").partition(_MARK)[0]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]
    return {**fingerprint, "environment": f"{own}{_MARK}{digest}" if lines else own}
