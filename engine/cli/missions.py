"""What the roles of a campaign are to look at above all, read from where that stands."""

from collections.abc import Iterator
from pathlib import Path

from engine.core.campaign.load import LoadedCampaign
from engine.core.campaign.mission import MissionFile
from engine.core.campaign.proposers import AgentSpec
from engine.core.campaign.worker import WorkerSpec
from engine.knowledge.templates import TemplateError, read_text


def mission_text(mission: str | MissionFile | None, folder: Path) -> str:
    """What a role is to look at above all; empty where nobody says.

    Raises:
        TemplateError: its file cannot be read.
    """
    match mission:
        case None:
            return ""
        case str():
            return mission
        case MissionFile():
            return read_text(folder / mission.file)


def mission_problems(loaded: LoadedCampaign) -> Iterator[str]:
    """A sentence for each mission whose file cannot be read."""
    campaign = loaded.campaign
    named = {"mission": campaign.mission}
    for spec in campaign.proposers:
        if isinstance(spec, AgentSpec | WorkerSpec):
            named["proposers: mission"] = spec.mission
    if campaign.mentor is not None:
        named["mentor: mission"] = campaign.mentor.mission
    for place, mission in named.items():
        try:
            mission_text(mission, loaded.path.parent)
        except TemplateError as error:
            yield f"{place} {error}"
