"""What a worker's decision began, as people and prompts read it. Pure."""

from collections.abc import Mapping
from typing import Any

from engine.core.changed import changed_from
from engine.core.state import Candidate, RunState
from engine.knowledge.wording import one_line


def tried(state: RunState, one: Candidate, most: int) -> str:
    """What a candidate tries: its name and kind by its decision, its command, its parameters.

    Where these are too many to be read, what differs from what it was made from.
    """
    values = _told(one.parameters)
    if len(values) > most // 2:
        values = _apart(state, one) or values
    chosen = one.chosen
    if chosen is None:
        return one_line(values, most)
    head = f"{chosen.label or chosen.category} ({chosen.category})" if chosen.decision else ""
    where = f" in {chosen.folder}" if chosen.folder else ""
    return one_line("; ".join(filter(None, [head, chosen.command + where, values])), most)


def _apart(state: RunState, one: Candidate) -> str:
    """What differs from its parent, or from the baseline where it has none; empty for that one."""
    parent = state.candidates.get(one.parents[0]) if one.parents else state.first()
    if parent is None or parent is one:
        return ""
    changed = _told(changed_from(one.parameters, parent.parameters))
    return f"{parent.id} with {changed}" if changed else f"as {parent.id}"


def _told(parameters: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())
