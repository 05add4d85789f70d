"""What happened around measuring: who judges, the noise, the champion; see `engine.core.events`."""

from engine.core.event import Event
from engine.core.ids import CandidateId, IterationNumber
from engine.core.parts import Role


class HarnessRecorded(Event, frozen=True, kw_only=True):
    """From now on these files judge. `manifest`, below the run's folder, has a hash of each.

    `folder` is where they lie; one within the run's folder is given from there.
    """

    folder: str
    files: int
    sha256: str
    manifest: str


class PairDrawn(Event, frozen=True, kw_only=True):
    """Chance has said who is measured first in a pair, and which seed both halves have.

    Nobody could know before: neither follows from anything that is written down anywhere else.
    `recheck` is the number of what is measured outside of an iteration. `against` is the champion.
    """

    iteration: IterationNumber
    candidate: CandidateId
    against: CandidateId
    pair: int
    first: Role
    seed: int
    recheck: int | None = None


class NoiseMeasured(Event, frozen=True, kw_only=True):
    """The baseline was measured against itself: what the referee can see is known now.

    `noise` is the coefficient of variation of one measurement; a pair takes `pair_s`. Gains are
    shares of the champion's value: `visible` is found in 80 of 100 cases within the budget of
    pairs, `surely` in 95; for a gain of `gain` about `needed` pairs are needed, None for very many.
    Where the mean is 0 there are no shares.
    """

    iteration: IterationNumber
    candidate: CandidateId
    check: str
    pairs: int
    noise: float | None
    pair_s: float
    most: int
    visible: float | None
    surely: float | None
    gain: float
    needed: int | None


class ChampionMeasured(Event, frozen=True, kw_only=True):
    """The champion, `candidate`, was measured again in an iteration, and why.

    `changed` tells that the difference is more than noise. `error` is the standard error of `now`.
    `doubtful` were compared with a value that may not have been true any more; `better` is the best
    of these, where it has a better value than the champion has now.
    """

    iteration: IterationNumber
    candidate: CandidateId
    before: float | None
    now: float
    error: float
    why: str
    changed: bool
    doubtful: list[CandidateId] = []
    better: CandidateId | None = None


class ChampionAccepted(Event, frozen=True, kw_only=True):
    """A person let a candidate be champion, whatever the referee said; `before` was it."""

    iteration: IterationNumber
    candidate: CandidateId
    before: CandidateId | None
    reason: str
    by: str


class ChampionRejected(Event, frozen=True, kw_only=True):
    """A person let a candidate not be champion any more, nor again; `champion` is it now."""

    iteration: IterationNumber
    candidate: CandidateId
    champion: CandidateId | None
    reason: str
    by: str
