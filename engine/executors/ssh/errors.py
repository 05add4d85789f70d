"""Why a host cannot be used, in words for people, and whether it may be otherwise soon."""

from typing import Literal

Kind = Literal[
    "unreachable",  # no answer, or the connection broke
    "host key",  # it is not known, or another one than is known
    "login",  # it does not let us in
    "python",  # no Python that can run our program
    "disk",  # no room
    "program",  # our program failed there
]


class HostError(Exception):
    """A host cannot be used; the text says why and what to do.

    Args:
        host: as it is written in the campaign.
        kind: what it is for want of.
        reason: the words.
    """

    def __init__(self, host: str, kind: Kind, reason: str) -> None:
        super().__init__(f"{host}: {reason}")
        self.host = host
        self.kind = kind
        self.reason = reason

    @property
    def passing(self) -> bool:
        """Whether trying again soon may help, without anybody's doing."""
        return self.kind == "unreachable"
