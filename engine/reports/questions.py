"""What an agent asked a person in an iteration, and what was said. Pure."""

from typing import Literal

import msgspec

from engine.core import events as e
from engine.core.ids import ApprovalId


class Question(msgspec.Struct, kw_only=True):
    """What an agent asked a person; `approved` is None until that is decided."""

    id: ApprovalId
    text: str
    default: Literal["approve", "refuse"]
    deadline: str
    approved: bool | None = None
    by: str = ""
    reason: str = ""


def ask(questions: list[Question], event: e.ApprovalAsked | e.ApprovalAnswered) -> None:
    """Add what an agent asks, or what was said to it."""
    if isinstance(event, e.ApprovalAsked):
        asked = Question(
            id=event.approval, text=event.text, default=event.default, deadline=event.deadline
        )
        questions.append(asked)
        return
    for question in questions:
        if question.id == event.approval:
            question.approved, question.by = event.approved, event.by
            question.reason = event.reason
