"""Names for the things that events speak of, so that they cannot be mixed up."""

import hashlib
from typing import NewType

RunId = NewType("RunId", str)
CandidateId = NewType("CandidateId", str)
CommandId = NewType("CommandId", str)
TraceId = NewType("TraceId", str)
DirectiveId = NewType("DirectiveId", str)
StashId = NewType("StashId", str)
ApprovalId = NewType("ApprovalId", str)
IterationNumber = NewType("IterationNumber", int)


def trace_id(run: RunId, iteration: IterationNumber) -> TraceId:
    """The id of one iteration: 16 hexadecimal digits, the same whenever the run is the same."""
    digest = hashlib.blake2b(f"{run}/{iteration}".encode(), digest_size=8)
    return TraceId(digest.hexdigest())


def candidate_id(iteration: IterationNumber) -> CandidateId:
    """The id of the candidate that an iteration proposes: `c-0007`."""
    return CandidateId(f"c-{iteration:04d}")
