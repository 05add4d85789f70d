"""The mission of a role, as it stands in its prompt. Pure."""

from typing import Final

from engine.knowledge.wording import section

_MOST: Final = 4_000


def mission_section(mission: str) -> str:
    """What a role is to look at above all, under its heading; empty where nobody says."""
    if not mission.strip():
        return ""
    return section("Your mission", mission.strip().split("\n"), _MOST)
