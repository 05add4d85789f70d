"""What events of agents, of their changes and of measurements are made of."""

from typing import Literal

import msgspec

from engine.core.ids import CandidateId
from engine.core.memory.parts import Housekeeping

Role = Literal["champion", "candidate"]
"""Whose part a measurement plays in a pair."""

AgentOutcome = Literal[
    "answered",  # it came to an end of its own and said so
    "timeout",  # over its wall clock, or silent for too long
    "ceiling",  # over the tokens or the money that it may spend
    "limited",  # the provider's usage limit
    "unreachable",  # the provider: connection, overload, a stream that broke
    "login",  # not logged in, or the key is refused
    "crashed",  # anything else
]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of some model calls.

    `input` includes `cached_input` and `cache_write`; `output` includes `reasoning`.
    """

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Everything that was sent and received."""
        return self.input + self.output

    def plus(self, other: "Tokens") -> "Tokens":
        """The sum of both."""
        return Tokens(
            input=self.input + other.input,
            cached_input=self.cached_input + other.cached_input,
            cache_write=self.cache_write + other.cache_write,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
        )


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file between two commits; line counts are None for binary files."""

    path: str
    kind: Literal["add", "update", "delete"]
    added: int | None = None
    removed: int | None = None


class Idea(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an agent's shortlist."""

    idea: str
    upside: str = ""
    risk: str = ""
    structural: bool = False


class AgentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent says of its own change; `choice` counts the shortlist from 1.

    `claims` are figures that it says it measured. `follows` are ids of what it was told to do:
    reviews, directives, open work.
    """

    shortlist: list[Idea] = []
    choice: int = 0
    hypothesis: str = ""
    change_class: str = ""
    prediction: str = ""
    summary: str = ""
    claims: dict[str, float] = {}
    housekeeping: Housekeeping = Housekeeping()
    follows: list[str] = []


class Hotspot(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of a candidate goes; `share` is of the whole, from 0 to 1."""

    name: str
    share: float


class PromptPart(msgspec.Struct, frozen=True, kw_only=True):
    """A section of a prompt."""

    name: str
    characters: int
    sha256: str


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two measurements of a pair: which pair, whose part, and who is measured for it.

    `against` is the champion whom the pair is measured against. With `prepares` a check that comes
    before the one that measures is run, and nothing is measured: for pair 0 once for all that
    follow, and where one tree has to do for both, before every half.
    """

    pair: int
    role: Role
    of: CandidateId
    against: CandidateId
    prepares: bool = False
