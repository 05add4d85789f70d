"""The campaign file as frozen models. `docs/campaign.md` and the JSON Schema are made from them."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BeforeValidator, Field, field_validator

from engine.core.campaign.budget import BudgetSpec
from engine.core.campaign.checks import CheckSpec
from engine.core.campaign.confirm import ConfirmSpec
from engine.core.campaign.environment import Environment, EnvSpec, InterpreterEnvironment
from engine.core.campaign.executors import LOCAL, Executors, LocalExecutor
from engine.core.campaign.fields import (
    FileName,
    Filled,
    Int,
    MetricName,
    Model,
    Number,
    ParameterName,
    Positive,
    Text,
    Value,
    complaint,
)
from engine.core.campaign.finish import FinishSpec
from engine.core.campaign.gates import GateSpec
from engine.core.campaign.memory import MemorySpec
from engine.core.campaign.mentor import MentorSpec
from engine.core.campaign.mission import Mission
from engine.core.campaign.parameters import (
    ChoicesParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Scalar,
)
from engine.core.campaign.policy import OnFail, PolicySpec
from engine.core.campaign.proposers import AgentSpec, EvolutionSpec
from engine.core.campaign.proposing import ProposerSpec
from engine.core.campaign.referee_spec import RefereeSpec
from engine.core.campaign.repair import RepairSpec
from engine.core.campaign.sandbox import SandboxSpec
from engine.core.campaign.stop import StopSpec
from engine.core.campaign.worker import WorkerSpec
from engine.core.campaign.workspace import WorkspaceSpec
from engine.core.events import Limits
from engine.core.metric import Direction, Gain, Metric
from engine.core.reviews.parts import MentorRules


def _gain(value: object) -> object:
    """A number, or a percentage as `0.1%`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e300:
        return float(value)
    if isinstance(value, str) and value.strip().endswith("%"):
        share = value.strip()[:-1].strip()
        if share.replace(".", "", 1).isdecimal():
            return f"{float(share)!r}%"
    raise complaint("must be a share such as 0.1%, or a number from 0 up", "write min_gain: 0.1%")


class MetricSpec(Model):
    """The metric that is climbed."""

    name: MetricName = Field(description="Its name, as a check reports it.", examples=["est_ms"])
    direction: Direction = Field(
        description="`min` when less is better, `max` when more is.", examples=["min"]
    )
    unit: Text = Field(default="", description="Its unit, for people.", examples=["ms"])
    noise: Literal["none", "measured"] = Field(
        default="none",
        description="`none`: the same candidate always has the same value, so that one value is "
        "compared with another. `measured`: candidates are compared with the champion by "
        "interleaved pairs, as `referee` says.",
        examples=["none", "measured"],
    )
    target: Number | None = Field(
        default=None,
        description="A value that is good enough; `stop: {target: met}` ends the run there.",
        examples=["0.70"],
    )
    min_gain: Annotated[float | str, BeforeValidator(_gain)] = Field(
        default=0.0,
        description="The smallest gain over the champion that counts: a share of the champion's "
        "value, or an amount in the metric's unit.",
        examples=["0.1%", "0.005"],
    )
    label: Text = Field(
        default="",
        description="What kind of figure it is, shown beside it, where it is not a measurement.",
        examples=["static estimate"],
    )

    def to_metric(self) -> Metric:
        """The metric as events and the referee know it."""
        return Metric(
            name=self.name,
            direction=self.direction,
            unit=self.unit,
            target=self.target,
            min_gain=self._min_gain(),
            label=self.label,
        )

    def _min_gain(self) -> Gain:
        if isinstance(self.min_gain, str):
            return Gain(amount=float(self.min_gain[:-1]) / 100, relative=True)
        return Gain(amount=self.min_gain)


class Campaign(Model):
    """One objective: what to climb, who proposes, what must pass, when to stop."""

    campaign: FileName = Field(
        description="The name; runs and their folders are named by it. Letters, digits, - _ and .",
        examples=["gdn-v5p"],
    )
    about: Text = Field(
        default="",
        description="What it is about, for people.",
        examples=["Gated DeltaNet forward, static estimate for v5p"],
    )
    mission: Mission | None = Field(
        default=None,
        description="What all who work for it are to look at above all, where their role has no "
        "mission of its own.",
        examples=["Halve the time at the same accuracy.", "{file: MISSION.md}"],
    )
    seed: Annotated[Int, Field(ge=0)] = Field(
        default=0,
        description="Determines every choice that the search makes. `--seed` overrides it.",
        examples=["7"],
    )
    root: Filled = Field(
        default=".",
        description="The folder in which commands run, relative to the folder of this file.",
        examples=[".."],
    )
    workspace: WorkspaceSpec | None = Field(
        default=None,
        description="The git repository whose code is climbed; an agent needs it.",
        examples=["{repo: ., mode: worktree}"],
    )
    environment: Environment = Field(
        default=InterpreterEnvironment(),
        description="The Python that `{python}` stands for.",
        examples=["{interpreter: own}", "{venv: {requirements: requirements.txt}}"],
    )
    env: EnvSpec = Field(
        default=EnvSpec(),
        description="Environment variables of all checks.",
        examples=["{pass: [LD_LIBRARY_PATH]}"],
    )
    baseline: dict[str, Value] = Field(
        default={},
        description="The parameters of iteration 1, with which everything is compared. It must "
        "have a value for each parameter that is active.",
        examples=["{chunk: 128, inverse: ladder}"],
    )
    metric: MetricSpec = Field(
        description="What is climbed.", examples=["{name: loss, direction: min}"]
    )
    space: dict[ParameterName, Parameter] = Field(
        default={},
        description="The parameters that are searched, by name. `evolution` needs some, an "
        "agent none.",
        examples=["{chunk: {choices: [64, 128]}, lr: {float: [1e-5, 1e-2], scale: log}}"],
    )
    proposers: Annotated[tuple[ProposerSpec, ...], Field(min_length=1, max_length=1)] = Field(
        default=(EvolutionSpec(),),
        description="Who makes candidates. This version takes exactly one.",
        examples=["[{kind: evolution, slots: 2}]", "[{kind: agent, agent: codex}]"],
    )
    checks: Annotated[tuple[CheckSpec, ...], Field(min_length=1)] = Field(
        description="What every candidate must pass, in this order.",
        examples=["[{name: bench, run: '{python} bench.py', reports: [loss]}]"],
    )
    post_checks: tuple[CheckSpec, ...] = Field(
        default=(),
        description="What a candidate must pass besides, last of all and only when it would be "
        "promoted. The keys are those of `checks`; the names are others.",
        examples=["[{name: whole-suite, run: '{python} -m pytest', deadline: 1h}]"],
    )
    referee: RefereeSpec = Field(
        default=RefereeSpec(),
        description="How candidates are compared with the champion.",
        examples=["{error: 1%, most_pairs: 60}"],
    )
    confirm: ConfirmSpec | None = Field(
        default=None,
        description="Under what a new champion is measured again before it is called stable.",
        examples=["{on: local, variants: [{name: long, env: {SHAPE: 1x16384}}]}"],
    )
    gates: dict[MetricName, GateSpec] = Field(
        default={},
        description="What other metrics must be, by name; a candidate that fails one does not "
        "count.",
        examples=["{vmem_mib: {most: 16}, accuracy: {most_fall: 0.5%}}"],
    )
    protect: tuple[Filled, ...] = Field(
        default=(),
        description="What judges: files and folders below the repository's top, or below `root` "
        "where there is none; `*` stands for a part of a name, `**` for any folders. A candidate "
        "that changes one of them is invalid; when one changes under the run, that halts.",
        examples=["['tests/**', bench/reference.py]"],
    )
    sandbox: SandboxSpec = Field(
        default=SandboxSpec(),
        description="What the programs of sealed checks may see and use.",
        examples=["{memory: 16GiB, read: [../data]}"],
    )
    executors: Executors = Field(
        default={LOCAL: LocalExecutor()},
        description="Where checks run, by name; `local` is this machine, and always there.",
        examples=["{tpu: {kind: ssh, hosts: [dev-tpu-gdn]}}"],
    )
    resources: dict[ParameterName, Positive] = Field(
        default={},
        description="What checks share that run at once, in units that you choose; see `needs`.",
        examples=["{cores: 2, gpu: 1}"],
    )
    policy: PolicySpec = Field(
        default=PolicySpec(),
        description="What failures mean for the loop.",
        examples=["{resilient: true}"],
    )
    mentor: MentorSpec | None = Field(
        default=None,
        description="A second agent that reviews the trajectory while work goes on.",
        examples=["{agent: claude, every: 4}"],
    )
    memory: MemorySpec = Field(
        default=MemorySpec(),
        description="How much agents may add to the queue of open work.",
        examples=["{worker: 2, backlog: 24}"],
    )
    repair: RepairSpec | None = Field(
        default=None,
        description="What is done about a check that lacks a package or a model.",
        examples=["{install: true, modules: {cv2: [opencv-python-headless]}}"],
    )
    budget: BudgetSpec = Field(
        default=BudgetSpec(),
        description="What the run may spend on models.",
        examples=["{usd: 40, per_iteration: {minutes: 45}}"],
    )
    stop: StopSpec = Field(
        default=StopSpec(),
        description="When the run ends by itself.",
        examples=["{iterations: 200, plateau: 40}"],
    )
    finish: FinishSpec | None = Field(
        default=None,
        description="How the run comes to its end.",
        examples=["{minutes: 60, final_rounds: 1, top_k: 10}"],
    )

    @field_validator("space")
    @classmethod
    def _sorted_space(
        cls, space: dict[str, ChoicesParameter | IntParameter | FloatParameter]
    ) -> dict[str, ChoicesParameter | IntParameter | FloatParameter]:
        """By name, so that a seed means the same however the file is ordered."""
        return dict(sorted(space.items()))

    @field_validator("baseline")
    @classmethod
    def _sorted_baseline(cls, baseline: dict[str, Scalar]) -> dict[str, Scalar]:
        return dict(sorted(baseline.items()))

    @property
    def slots(self) -> int:
        """Iterations that may be open at a time."""
        return sum(proposer.slots for proposer in self.proposers)

    @property
    def all_checks(self) -> tuple[CheckSpec, ...]:
        """All checks in their order; those of `post_checks` only for what would be promoted."""
        late = (check.model_copy(update={"when": "would_promote"}) for check in self.post_checks)
        return (*self.checks, *late)

    @property
    def final_checks(self) -> tuple[CheckSpec, ...]:
        """The checks of the leaders alone, when the run comes to its end."""
        return self.finish.checks if self.finish else ()

    @property
    def every_check(self) -> tuple[CheckSpec, ...]:
        """All that may ever run for a candidate."""
        return (*self.all_checks, *self.final_checks)

    @property
    def measuring_check(self) -> CheckSpec | None:
        """The check whose value of the metric counts: the last that must report it."""
        always = [check for check in self.checks if check.when == "always"]
        found = [check for check in always if self.metric.name in check.must_report()]
        return found[-1] if found else None

    @property
    def early_checks(self) -> tuple[str, ...]:
        """The names of the checks that every candidate passes before it is measured."""
        always = [check.name for check in self.checks if check.when == "always"]
        measuring = self.measuring_check
        return tuple(always[: always.index(measuring.name)] if measuring else always)

    def is_remote(self, check: CheckSpec) -> bool:
        """Whether a check runs on another machine."""
        return not isinstance(self.executors.get(check.executor, LocalExecutor()), LocalExecutor)

    @property
    def sealed(self) -> bool:
        """Whether any of its checks is a sealed one, which needs a sandbox."""
        return any(check.sealed for check in self.every_check)

    @property
    def agents(self) -> tuple[AgentSpec, ...]:
        """Every agent that works for it: those that propose, and the mentor."""
        proposing = [each for each in self.proposers if isinstance(each, AgentSpec)]
        deciding = [each.as_agent() for each in self.proposers if isinstance(each, WorkerSpec)]
        return (*proposing, *deciding, *([self.mentor.as_agent()] if self.mentor else []))

    def mentor_rules(self) -> MentorRules | None:
        """When its mentor looks; candidates may wait for it where no worker decides."""
        deciding = any(isinstance(each, WorkerSpec) for each in self.proposers)
        return self.mentor.to_rules(candidates=not deciding) if self.mentor else None

    @property
    def commanded(self) -> bool:
        """Whether any of its checks runs what a worker's decision says."""
        return any(check.commanded for check in self.all_checks)

    def to_metric(self, *, unsealed: bool = False, confined: bool = True) -> Metric:
        """The metric as events and the referee know it, marked where its score can be forged.

        Args:
            unsealed: the halves of sealed checks run without a sandbox.
            confined: every one of `agents` runs in a sandbox of ours.
        """
        forgeable = self._forgeable(unsealed=unsealed, confined=confined)
        return msgspec.structs.replace(self.metric.to_metric(), forgeable=forgeable)

    def _forgeable(self, *, unsealed: bool, confined: bool) -> bool:
        """Whether anything that somebody else wrote runs with the person's rights.

        It is not enough that the check which scores is sealed: one plain check beside it, or an
        agent without a sandbox, can change the interpreter that its judge is started with.
        """
        if self.agents and not confined:
            return True
        coded = any(isinstance(proposer, AgentSpec) for proposer in self.proposers)
        if not coded and not self.commanded:
            return False
        return unsealed or not all(check.sealed for check in self.every_check)

    def on_fail_of(self, check: CheckSpec) -> OnFail:
        """What a failure of one check means for the loop: its own word, or the policy's."""
        late = any(check.name == other.name for other in self.post_checks)
        return check.on_fail or (self.policy.post_checks if late else self.policy.on_fail)

    def env_of(self, check: CheckSpec) -> EnvSpec:
        """The environment variables of one check: the campaign's, and its own."""
        return self.env.with_more(check.env)

    def to_limits(self) -> Limits:
        """All that ends the run by itself, as events know it."""
        return msgspec.structs.replace(
            self.stop.to_limits(),
            failures_in_all=self.policy.max_failures,
            usd=self.budget.usd,
            tokens=self.budget.tokens,
            finish=(self.finish or FinishSpec()).to_rules(),
        )

    def effective(self) -> "Campaign":
        """The campaign as it is carried out: `policy.resilient` set what it stands for."""
        if not self.policy.resilient:
            return self
        return self.model_copy(
            update={
                "policy": self.policy.made_resilient(),
                "workspace": self.workspace and self.workspace.made_resilient(),
                "proposers": tuple(proposer.made_resilient() for proposer in self.proposers),
                "post_checks": tuple(check.made_resilient() for check in self.post_checks),
            }
        )

    def document(self) -> dict[str, Any]:
        """The campaign as plain JSON data, defaults filled in, in a stable order."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
