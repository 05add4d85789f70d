"""What an agent says that it measured, beside what the engine did."""

from collections.abc import Mapping
from typing import Final

_AGREES: Final = 0.005


def disputed(claims: Mapping[str, float], measured: Mapping[str, float]) -> list[str]:
    """The claims that differ from what the engine measured by more than half a percent."""
    wrong: list[str] = []
    for name, claimed in claims.items():
        value = measured.get(name)
        if value is not None and abs(claimed - value) > _AGREES * max(abs(value), abs(claimed)):
            wrong.append(f"its agent says {name} {claimed:g}, measured is {value:g}")
    return wrong
