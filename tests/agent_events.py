"""Events of iterations in which an agent changes code, made without an engine."""

from typing import Any

import msgspec

from engine.core import events as e
from engine.core.ids import IterationNumber, candidate_id
from engine.core.parts import FileChange, Tokens
from tests.recorded import LOG, began

BASE, COMMIT = "b" * 40, "c" * 40


def coding(number: int, **changes: Any) -> e.CandidateProposed:
    """What an iteration judges: a change that the agent is to make."""
    fields: dict[str, Any] = {
        "iteration": IterationNumber(number),
        "candidate": candidate_id(IterationNumber(number)),
        "parameters": {},
        "key": f"key-{number}",
        "seed": number,
        "parents": [],
        "tags": [],
        "proposer": "codex",
        "base": BASE,
        "agent": "codex",
    }
    return e.CandidateProposed(**fields | changes)


def working(number: int, attempt: int = 1, **changes: Any) -> e.AgentStarted:
    """The intent to let an agent work."""
    fields: dict[str, Any] = {
        "iteration": IterationNumber(number),
        "candidate": candidate_id(IterationNumber(number)),
        "attempt": attempt,
        "agent": "codex",
        "model": "m-1",
        "effort": "high",
        "base": BASE,
        "folder": f"agents/{number:05d}-{attempt}",
        "prompt_sha256": "",
        "parts": [],
        "directives": [],
        "escalated": False,
        "log": LOG,
    }
    return e.AgentStarted(**fields | changes)


def worked(number: int, attempt: int = 1, **changes: Any) -> e.AgentFinished:
    """The agent came to an end of its own, with 12,345 tokens and some cents."""
    event = e.AgentFinished(
        iteration=IterationNumber(number),
        candidate=candidate_id(IterationNumber(number)),
        attempt=attempt,
        outcome="answered",
        detail="",
        duration_s=12.34,
        log=LOG,
        tokens=Tokens(input=12_000, output=345),
        cost_usd=0.0421,
        model="m-1",
    )
    return msgspec.structs.replace(event, **changes)


def collected(number: int, **changes: Any) -> e.ChangeCollected:
    """The change of an iteration is a commit."""
    event = e.ChangeCollected(
        iteration=IterationNumber(number),
        candidate=candidate_id(IterationNumber(number)),
        commit=COMMIT,
        tree="",
        base=BASE,
        commits=2,
        changed=2,
        files=[
            FileChange(path="a.py", kind="update", added=3, removed=1),
            FileChange(path="b.bin", kind="add"),
        ],
    )
    return msgspec.structs.replace(event, **changes)


def at_work(number: int) -> list[e.AnyEvent]:
    """An iteration whose agent works."""
    return [began(number), coding(number), working(number)]
