"""What a role is to look at above all: a text, or a file that holds one."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from engine.core.campaign.fields import COMPLAINT, Filled, Model


class MissionFile(Model):
    """A mission that stands in a file of its own."""

    file: Filled = Field(
        description="The file, relative to the folder of this one.", examples=["MISSION.md"]
    )


def _kind(data: Any) -> str | None:
    match data:
        case MissionFile() | dict():
            return "<file>"
        case str():
            return "<text>"
        case None:
            return "<none>"
        case _:
            return None


Mission = Annotated[
    Annotated[Filled, Tag("<text>")]
    | Annotated[MissionFile, Tag("<file>")]
    | Annotated[None, Tag("<none>")],
    Discriminator(
        _kind,
        custom_error_type=COMPLAINT,
        custom_error_message="a mission is a text, or a file that holds one",
        custom_error_context={"fix": "write a text, or {file: MISSION.md}"},
    ),
]
"""What a role is to look at above all; None where nobody says."""
