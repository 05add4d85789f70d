"""The confidence of a score where there is little room."""

from engine.core.confidence import confidence, doubt, is_demoted
from engine.core.state import Candidate, RunState


def trust_text(state: RunState, candidate: Candidate) -> str:
    """In a word or two how far a score was shown again; empty where nothing more is known of it."""
    if is_demoted(candidate):
        return "demoted"
    if doubt(state, candidate):
        return "not shown again"
    label = confidence(state, candidate)
    return "" if label in {None, "exploratory"} else label or ""
