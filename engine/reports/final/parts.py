"""What a report is asked for, and what it is made of."""

import msgspec

STORY = "final_condensed_story.md"
PAPER = "final_paper_report.md"
EVIDENCE = "final_evidence.json"
FIGURES = "final_figures"


def board_name(top_k: int, ending: str) -> str:
    """The file of the leaderboard."""
    return f"final_leaderboard_top{top_k}.{ending}"


class FinalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted, and what the journal cannot say.

    `condition` is what lock and heartbeat say of the run ("running", "crashed"), `damage` why the
    records end before the journal does, `figures` the names of those that are drawn already.
    """

    top_k: int = 10
    condition: str = ""
    damage: str = ""
    figures: tuple[str, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a report; `name` is its path below the report's folder."""

    name: str
    content: bytes
