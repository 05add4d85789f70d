"""How far a score can be relied on: a label, by what was measured beyond its own iteration."""

from typing import Any, Final, Literal, cast

from engine.core.rechecked import Evidence, Rechecked
from engine.core.state import Candidate, RunState

Confidence = Literal[
    "exploratory",  # measured in its own iteration only, or not shown again
    "replicated",  # its gain was shown again, by other processes at another moment
    "stable",  # every declared variant confirmed it
]
Variant = tuple[str, dict[str, str]]
"""The name of a variant, and the environment that checks get under it."""

_DEMOTED: Final = "demoted"


def confidence(state: RunState, candidate: Candidate) -> Confidence | None:
    """The label of a candidate; None for one without a score."""
    if not candidate.scored:
        return None
    evidence = state.rechecks.of(candidate.id)
    if evidence.lost or refuted(state, candidate):
        return "exploratory"
    variants = declared(state)
    if variants and all(_held(evidence, variant) for variant in variants):
        return "stable"
    return "replicated" if evidence.repeated else "exploratory"


def doubt(state: RunState, candidate: Candidate) -> str:
    """Why the label is no better, where measuring again spoke against the candidate."""
    return state.rechecks.of(candidate.id).lost or refuted(state, candidate)


def refuted(state: RunState, candidate: Candidate) -> str:
    """Under which declared variant a confirmation failed, and why; empty where none did."""
    evidence = state.rechecks.of(candidate.id)
    for variant in declared(state):
        found = confirmation(evidence, variant)
        if found is not None and found.outcome == "failed":
            return f"{variant[0]}: {found.reason}"
    return ""


def confirmation(evidence: Evidence, variant: Variant) -> Rechecked | None:
    """What a confirmation under a variant came to; None before one ended, or under another one."""
    name, env = variant
    found = evidence.confirmed.get(name)
    return found if found is not None and found.env == env else None


def declared(state: RunState) -> list[Variant]:
    """The variants under which champions are confirmed, as the campaign has them."""
    confirm: object = state.document.get("confirm")
    if not isinstance(confirm, dict):
        return []
    variants = cast("dict[str, list[dict[str, Any]]]", confirm).get("variants", [])
    return [(str(each["name"]), each.get("env", {})) for each in variants]


def is_demoted(candidate: Candidate) -> bool:
    """Whether a confirmation took the candidate's place as champion away, for now."""
    return not candidate.reigned and candidate.ruled.startswith(_DEMOTED)


def _held(evidence: Evidence, variant: Variant) -> bool:
    found = confirmation(evidence, variant)
    return found is not None and found.outcome == "held"
