"""What the referee knows of a campaign: which steps an iteration has, and what failures mean."""

from typing import Literal

import msgspec

from engine.core.gates import Gate
from engine.core.memory.parts import MemoryRules
from engine.core.pairs.looks import Design
from engine.core.repair.parts import RepairRules
from engine.core.reviews.parts import MentorRules

OnFail = Literal["fail", "count-failure", "continue"]


class PlannedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check: its name, when it is worth running, and how often `infra` may be tried again.

    Of each resource in `needs` it takes so much while it runs. One that is `detached` outlives the
    engine.
    """

    name: str
    when: Literal["always", "would_promote"] = "always"
    retries: int = 0
    backoff_s: float = 20.0
    on_fail: OnFail = "count-failure"
    needs: dict[str, int] = {}
    detached: bool = False


class PlannedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """How often an agent is tried again, and whether its answer must keep the rules.

    `most_s` is how long all attempts of an iteration together may work. `display_name` is what it
    is called where it writes things down, empty for its own name.
    """

    retries: int = 0
    backoff_s: float = 20.0
    most_s: float | None = None
    answer_required: bool = False
    display_name: str = ""


class PlannedReferee(msgspec.Struct, frozen=True, kw_only=True):
    """How the metric is compared.

    `check` is the one that measures. With `noisy` a candidate is compared by pairs of `design`,
    after `calibrate` pairs of the baseline against itself. A champion whose value is `remeasure`
    iterations old is measured again; 0 is never. `prepare` are the checks that make a champion
    ready to be measured; in `one_tree` they are run before every half. `leaders` are measured again
    when the run ends, None for one where that is cheap; the baseline every `baseline_every`
    iterations, 0 is never. `confirming` is the design of the pairs that confirm a champion. With
    `drawn` chance says who is first in a pair, and which seed it has; else the run's seed does.
    `alone` keeps everything else from being checked meanwhile.
    """

    check: str
    noisy: bool = False
    design: Design = Design()
    remeasure: int = 0
    calibrate: int = 0
    prepare: tuple[str, ...] = ()
    one_tree: bool = False
    leaders: int | None = 0
    baseline_every: int = 0
    confirming: Design = Design()
    drawn: bool = False
    alone: bool = True


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of an iteration, and the policies of the loop.

    `final` are the checks of the leaders alone, when the run comes to its end.
    """

    checks: tuple[PlannedCheck, ...]
    final: tuple[PlannedCheck, ...] = ()
    agent: PlannedAgent = PlannedAgent()
    no_commit: OnFail = "count-failure"
    errors: OnFail = "count-failure"
    referee: PlannedReferee | None = None
    gates: tuple[Gate, ...] = ()
    memory: MemoryRules = MemoryRules()
    mentor: MentorRules | None = None
    resources: dict[str, int] = {}
    repair: RepairRules | None = None

    def named(self, check: str) -> PlannedCheck:
        """The check of that name; a plain one where the campaign has none any more."""
        found = (each for each in self.checks if each.name == check)
        return next(found, None) or PlannedCheck(name=check)
