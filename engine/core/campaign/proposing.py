"""Which kinds of proposers there are, told apart before their keys are judged."""

from typing import Annotated, Any, Final, cast

from pydantic import BeforeValidator, Discriminator, Tag

from engine.core.campaign.fields import COMPLAINT, complaint, show
from engine.core.campaign.nearest import nearest
from engine.core.campaign.proposers import AgentSpec, EvolutionSpec
from engine.core.campaign.worker import WorkerSpec

_KINDS: Final = {"evolution": "<explore>", "agent": "<answer>", "worker": "<monitor>"}


def _named_kind(data: object) -> object:
    """Refuse a kind that this version does not know, before its keys are judged as another's."""
    if isinstance(data, dict):
        kind = cast("dict[str, Any]", data).get("kind", "evolution")
        if isinstance(kind, str) and nearest(kind, _KINDS) is None:
            message = f"kind is {show(kind)}, and this version knows evolution, agent and worker"
            raise complaint(message, "write kind: evolution, agent or worker", "kind")
    return cast("object", data)


def _kind(data: Any) -> str | None:
    match data:
        case EvolutionSpec():
            return "<explore>"
        case WorkerSpec():
            return "<monitor>"
        case AgentSpec():
            return "<answer>"
        case dict():
            mapping = cast("dict[str, Any]", data)
            given = mapping.get("kind", "agent" if "agent" in mapping else "evolution")
            return _KINDS[nearest(str(given), _KINDS) or "evolution"]
        case _:
            return None


ProposerSpec = Annotated[
    Annotated[EvolutionSpec, Tag("<explore>")]
    | Annotated[AgentSpec, Tag("<answer>")]
    | Annotated[WorkerSpec, Tag("<monitor>")],
    Discriminator(
        _kind,
        custom_error_type=COMPLAINT,
        custom_error_message="must be a mapping that says who proposes",
        custom_error_context={"fix": "write {kind: evolution} or {kind: agent, agent: codex}"},
    ),
    BeforeValidator(_named_kind),
]
"""A proposer; the tags of the alternatives are keys that only they have."""
