"""What a campaign that is in order amounts to, in a few lines."""

from collections.abc import Iterator
from typing import assert_never

from engine.agents.walls import BRING_THEIR_OWN, has_network, walls_of
from engine.cli.walls import confined
from engine.core.campaign.budget import BudgetSpec
from engine.core.campaign.foresight import bearable_noise
from engine.core.campaign.load import LoadedCampaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec, EvolutionSpec
from engine.core.campaign.worker import WorkerSpec
from engine.core.campaign.workspace import WorkspaceSpec
from engine.core.space import Space


def summary(loaded: LoadedCampaign) -> str:
    """The lines that `controlroom check` prints."""
    lines = [f"  {name:<8} {text}" for name, text in _lines(loaded)]
    return "\n".join([f"{loaded.path.name} is in order", *lines])


def _lines(loaded: LoadedCampaign) -> Iterator[tuple[str, str]]:
    campaign = loaded.campaign
    metric = campaign.metric
    caption = campaign.to_metric(confined=confined(campaign)).caption
    label = f" ({caption})" if caption else ""
    yield "climbs", f"{metric.name}, {metric.direction}{label}"
    if campaign.workspace is not None:
        yield "code", _code(campaign.workspace, loaded)
    if campaign.space:
        yield "space", _space(campaign)
    for proposer in campaign.proposers:
        match proposer:
            case AgentSpec():
                yield "agent", _agent(proposer)
                yield "sandbox", _walls(proposer)
            case WorkerSpec():
                yield "worker", _agent(proposer.as_agent())
                yield "sandbox", _walls(proposer.as_agent())
            case EvolutionSpec():
                pass
            case _:
                assert_never(proposer)
    rules = campaign.mentor_rules()
    if campaign.mentor is not None and rules is not None:
        agent = _agent(campaign.mentor.as_agent())
        yield "mentor", f"{agent}, every {rules.every} iterations" if rules.every else agent
    yield "checks", _checks(loaded)
    yield "slots", str(campaign.slots)
    if (noise := bearable_noise(campaign)) is not None:
        gain = campaign.metric.min_gain
        yield "sees", f"gains of {gain} while one measurement varies by {_percent(noise)} at most"
    if campaign.confirm is not None:
        yield "confirms", ", ".join(variant.name for variant in campaign.confirm.variants)
    if budget := ", ".join(_budget(campaign.budget)):
        yield "budget", budget


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _code(workspace: WorkspaceSpec, loaded: LoadedCampaign) -> str:
    where = "in your checkout" if workspace.mode == "in-place" else "in trees of its own"
    return f"{loaded.repo} from {workspace.base}, {where}"


def _space(campaign: Campaign) -> str:
    size = Space.from_spec(campaign.space).size()
    points = "endless" if size is None else f"{size:,} configurations"
    return f"{points} of {len(campaign.space)} parameters"


def _agent(spec: AgentSpec) -> str:
    words = [spec.agent, spec.model or "", f"effort {spec.effort}" if spec.effort else ""]
    return ", ".join(filter(None, words))


def _walls(spec: AgentSpec) -> str:
    walls = walls_of(spec)
    if not walls.stand:
        return f"none round the agent: {walls.why}"
    within = "; its own within" if spec.agent in BRING_THEIR_OWN else ""
    network = "" if has_network(spec) else "; no network"
    return f"round the agent: its tree and a home of its own{within}{network}"


def _checks(loaded: LoadedCampaign) -> str:
    campaign = loaded.campaign
    names = ", ".join(check.name for check in campaign.checks)
    late = ", ".join(check.name for check in campaign.post_checks)
    final = ", ".join(check.name for check in campaign.final_checks)
    told = f"{names}, in {loaded.root}" + (f"; before a promotion {late}" if late else "")
    return told + (f"; for the leaders at the end {final}" if final else "")


def _budget(budget: BudgetSpec) -> Iterator[str]:
    part = budget.per_iteration
    for amounts, of in ((budget, ""), (part, " an iteration")):
        if amounts.usd is not None:
            yield f"{amounts.usd:g} USD{of}"
        if amounts.tokens is not None:
            yield f"{amounts.tokens:,} tokens{of}"
    if part.minutes is not None:
        yield f"{part.minutes:g} minutes an iteration"
