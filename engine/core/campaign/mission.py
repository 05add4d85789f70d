"""What a role is to look at above all: a text, or a file that holds one."""

from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag

from engine.core.campaign.fields import Filled, Model, complaint


class MissionFile(Model):
    """A mission that stands in a file of its own."""

    file: Filled = Field(
        description="The file, relative to the folder of this one.", examples=["MISSION.md"]
    )


_SHAPES: tuple[type, ...] = (str, dict, MissionFile)


def _shape(data: object) -> object:
    if isinstance(data, _SHAPES):
        return data
    fix = "write a text, or {file: MISSION.md}"
    raise complaint("a mission is a text, or a file that holds one", fix)


def _kind(data: object) -> str:
    return "<text>" if isinstance(data, str) else "<file>"


Mission = Annotated[
    Annotated[Filled, Tag("<text>")] | Annotated[MissionFile, Tag("<file>")],
    Discriminator(_kind),
    BeforeValidator(_shape),
]
"""What a role is to look at above all."""
