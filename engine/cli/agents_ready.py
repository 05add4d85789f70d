"""Whether a campaign's agent reaches its provider, and is kept in, said before a run begins."""

from collections.abc import Mapping
from typing import Final

import anyio

from engine.agents import homes
from engine.agents.protocol import AgentMissingError
from engine.agents.walls import walls_of
from engine.cli.login import last_line
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec

_OWN_PROVIDER: Final = ("model_provider", "--oss", "--local-provider")
"""Words in `options` by which a program is sent to another provider than its maker's."""

_ELSEWHERE: Final = frozenset(
    {"ANTHROPIC_BASE_URL", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"}
)


def missing_logins(campaign: Campaign, environ: Mapping[str, str]) -> list[str]:
    """A sentence for each agent that has neither a login nor a secret, with what to do.

    Cost: an agent without a secret is asked, which takes up to a second.
    """
    problems = [_problem(spec, environ) for spec in campaign.agents if not _provided(spec)]
    return [problem for problem in problems if problem]


def without_walls(campaign: Campaign) -> list[str]:
    """A sentence for each agent that no sandbox stands round here, and why.

    Cost: two commands in sandboxes, the first time.
    """
    found = dict.fromkeys((spec.agent, walls_of(spec)) for spec in campaign.agents)
    return [
        f"agent {name}: it runs with your rights, not in a sandbox of ours: {walls.why}"
        for name, walls in found
        if not walls.stand
    ]


def _provided(spec: AgentSpec) -> bool:
    """Whether the campaign itself says how the provider is reached."""
    if spec.env.secret or _ELSEWHERE & {*spec.env.set, *spec.env.pass_}:
        return True
    return any(mark in word for word in spec.options for mark in _OWN_PROVIDER)


def _problem(spec: AgentSpec, environ: Mapping[str, str]) -> str:
    for kind in homes.KINDS:
        if spec.agent == kind:
            return _asked(kind, environ)
    return ""


def _asked(kind: homes.Kind, environ: Mapping[str, str]) -> str:
    try:
        found = anyio.run(homes.login_status, kind, environ)
    except (AgentMissingError, OSError) as error:
        return f"agent {kind}: {error}"
    if found.logged_in:
        return ""
    return (
        f"agent {kind}: it is not logged in ({last_line(found.text)}); log in with"
        f" `controlroom login {kind}`, or name its key under `env: {{secret: [...]}}` of the agent"
    )
