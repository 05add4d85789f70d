"""A worker: an agent that decides over runs, and changes no code."""

from typing import Literal

from pydantic import Field

from engine.core.campaign.asked import AskedSpec
from engine.core.campaign.fields import Count, Duration, Filled, Flag, Model, Regex
from engine.core.campaign.proposers import Slots
from engine.core.decisions.parts import GateRules, WorkerRules


class DecisionGateSpec(Model):
    """What a decision to begin a run has to hold, before anything is executed.

    Besides it must name values of `space`, a folder that is there, and a run; a slot has to be free
    and something of the budget left. Stopping, waiting and shutting down are never gated.
    """

    rationale: Count = Field(
        default=20, description="Characters that its rationale has at least.", examples=["60"]
    )
    forbid: tuple[Regex, ...] = Field(
        default=(),
        description="Regular expressions that no command may match; upper and lower case are one.",
        examples=["['rm -rf', 'nn-?u-?net']"],
    )
    duplicates: Flag = Field(
        default=True,
        description="Refuse what ran before, and what failed twice alike with other numbers.",
        examples=["false"],
    )


class WorkerSpec(AskedSpec):
    """An agent that decides what runs next: a command, parameters, or both.

    It is asked when something happened: a slot is free, a run ended, the time is over for which it
    wanted to watch one or to wait. It answers with one decision: `run`, `propose`, `stop_run`,
    `wait` or `shut_down` (docs/worker.md). Where a check's `run` holds `{command}`, that is the
    command of its decision; else it chooses values of `space`.
    """

    kind: Literal["worker"] = Field(description="Which proposer it is.", examples=["worker"])
    slots: Slots = Field(
        default=1, description="Runs that are under way at a time.", examples=["2"]
    )
    baseline_command: Filled | None = Field(
        default=None,
        description="The command of iteration 1, where a check runs `{command}`; also that of "
        "decisions which name none.",
        examples=["'{python} train.py --config base.yaml'"],
    )
    monitor: Duration = Field(
        default=300.0,
        description="How long a run goes on before it is asked again; its decision may say "
        "otherwise.",
        examples=["10m"],
    )
    most_monitor: Duration = Field(
        default=1800.0, description="The longest that its decision may say.", examples=["1h"]
    )
    wait: Duration = Field(
        default=60.0,
        description="How long it waits when it says only that it waits. What happens meanwhile "
        "ends a wait.",
        examples=["5m"],
    )
    most_wait: Duration = Field(
        default=1800.0, description="The longest that it is left alone.", examples=["2h"]
    )
    backoff: Duration = Field(
        default=20.0,
        description="How long it is left alone after a decision that came to nothing, doubled "
        "each time; also between waits for which there was no reason.",
        examples=["1m"],
    )
    halt_after: Count = Field(
        default=5,
        description="So many decisions in a row that came to nothing (no answer, not readable, "
        "blocked by the gate) halt the run until a person looks; 0: none do.",
        examples=["3"],
    )
    gate: DecisionGateSpec = Field(
        default=DecisionGateSpec(),
        description="What a decision to begin a run has to hold.",
        examples=["{rationale: 60}"],
    )

    @property
    def by(self) -> str:
        """Its name where it writes things down."""
        return self.display_name or self.agent

    def made_resilient(self) -> "WorkerSpec":
        """Itself: it is asked again as it is."""
        return self

    def to_rules(self, *, commands: bool) -> WorkerRules:
        """When it is asked, and what its decisions have to hold, as decisions know it.

        Args:
            commands: whether a check of the campaign runs its command.
        """
        return WorkerRules(
            monitor_s=self.monitor,
            most_monitor_s=self.most_monitor,
            wait_s=self.wait,
            most_wait_s=self.most_wait,
            backoff_s=self.backoff,
            halt_after=self.halt_after,
            gate=GateRules(
                rationale=self.gate.rationale,
                forbid=self.gate.forbid,
                duplicates=self.gate.duplicates,
                commands=commands,
            ),
        )
