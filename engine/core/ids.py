"""Names for the things that events speak of, so that they cannot be mixed up."""

import hashlib
import re
from typing import Final, NewType

RunId = NewType("RunId", str)
CandidateId = NewType("CandidateId", str)
CommandId = NewType("CommandId", str)
TraceId = NewType("TraceId", str)
DirectiveId = NewType("DirectiveId", str)
StashId = NewType("StashId", str)
ApprovalId = NewType("ApprovalId", str)
TodoId = NewType("TodoId", str)
RepairId = NewType("RepairId", str)
ReviewId = NewType("ReviewId", str)
JobId = NewType("JobId", str)
DecisionId = NewType("DecisionId", str)
IterationNumber = NewType("IterationNumber", int)

_NAMED: Final = re.compile(r"(?:#|c-)?0*(?P<number>[1-9][0-9]{0,14})")


def trace_id(run: RunId, iteration: IterationNumber) -> TraceId:
    """The id of one iteration: 16 hexadecimal digits, the same whenever the run is the same."""
    digest = hashlib.blake2b(f"{run}/{iteration}".encode(), digest_size=8)
    return TraceId(digest.hexdigest())


def iteration_named(text: str) -> IterationNumber | None:
    """The iteration that a person means by `7`, `#7` or `c-0007`; None where it names none."""
    found = _NAMED.fullmatch(text)
    return IterationNumber(int(found["number"])) if found else None


def candidate_id(iteration: IterationNumber) -> CandidateId:
    """The id of the candidate that an iteration proposes: `c-0007`."""
    return CandidateId(f"c-{iteration:04d}")
