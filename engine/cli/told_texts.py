"""What is wrong with the texts that a campaign gives its roles: prompts and missions."""

from engine.cli.mentoring import mentor_problem
from engine.cli.missions import mission_problems
from engine.cli.working import worker_problem
from engine.core.campaign.load import LoadedCampaign


def text_problems(loaded: LoadedCampaign) -> list[str]:
    """A sentence for each text that cannot be used; those of agents for code are told elsewhere."""
    own = (mentor_problem(loaded), worker_problem(loaded))
    return [*filter(None, own), *mission_problems(loaded)]
