"""What a worker's decision began, as people and prompts read it. Pure."""

from engine.core.state import Candidate
from engine.knowledge.wording import one_line


def tried(one: Candidate, most: int) -> str:
    """What a candidate tries: its name and kind by its decision, its command, its parameters."""
    values = " ".join(f"{name}={value}" for name, value in one.parameters.items())
    chosen = one.chosen
    if chosen is None:
        return one_line(values, most)
    head = f"{chosen.label or chosen.category} ({chosen.category})" if chosen.decision else ""
    where = f" in {chosen.folder}" if chosen.folder else ""
    return one_line("; ".join(filter(None, [head, chosen.command + where, values])), most)
