"""A check: a command that a candidate must pass, and what is read from it."""

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag

from engine.core.campaign.environment import EnvSpec
from engine.core.campaign.fields import (
    COMPLAINT,
    Count,
    Duration,
    FileName,
    Filled,
    Flag,
    Int,
    MetricName,
    Model,
    ParameterName,
    Positive,
    Regex,
    complaint,
)
from engine.core.campaign.placeholders import placeholders, split
from engine.core.campaign.policy import OnFail

ExitStatus = Annotated[Int, Field(ge=0, le=255)]
FailureName = Literal[
    "incorrect", "compile", "refused", "timeout", "infra", "flaky", "infeasible", "invalid"
]


class TestsSpec(Model):
    """The test inventory that a check must report; any other number fails the candidate."""

    __test__ = False

    passed: Count = Field(
        description="Tests that must pass, neither fewer nor more.", examples=["34"]
    )
    failed: Count = Field(default=0, description="Tests that may fail.", examples=["0"])
    skipped: Count = Field(default=0, description="Tests that are skipped.", examples=["2"])


class RegexMetric(Model):
    """A metric that is read from the output of the command."""

    regex: Regex = Field(
        description="A Python regular expression, tried on every line of the output; the group "
        "must match a number.",
        examples=["'loss: ([0-9.]+)'"],
    )
    group: Count = Field(
        default=1,
        description="The group that holds the number; 0 is the whole match.",
        examples=["2"],
    )
    pick: Literal["last", "first", "min", "max"] = Field(
        default="last", description="Which match counts, when there are several.", examples=["min"]
    )


class JsonMetric(Model):
    """A metric that is read from a JSON file which the command writes."""

    json_file: Filled = Field(
        alias="json",
        description="The file, relative to `root`; `{step_dir}` may be part of it, and must be "
        "when slots work side by side.",
        examples=["'{step_dir}/result.json'"],
    )
    path: Filled = Field(
        description="Keys and list positions down to the number, separated by dots.",
        examples=["results.0.loss"],
    )


def _kind(data: Any) -> str | None:
    match data:
        case RegexMetric():
            return "<regex>"
        case JsonMetric():
            return "<json>"
        case dict():
            return next((f"<{kind}>" for kind in ("regex", "json") if kind in data), None)
        case _:
            return None


MetricSource = Annotated[
    Annotated[RegexMetric, Tag("<regex>")] | Annotated[JsonMetric, Tag("<json>")],
    Discriminator(
        _kind,
        custom_error_type=COMPLAINT,
        custom_error_message="a metric says where its number is read from",
        custom_error_context={"fix": "write {regex: 'loss: (.*)'} or {json: FILE, path: a.b}"},
    ),
]


class FailurePattern(Model):
    """Names the failure of a check whose output matches."""

    pattern: Regex = Field(
        description="A Python regular expression, sought in each line of the output of a check "
        "that failed.",
        examples=["'CUDA out of memory|No space left'"],
    )
    verdict: FailureName = Field(
        alias="class", description="The verdict that it means.", examples=["infra"]
    )


def _command(value: object) -> object:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, (list, tuple)) and len(cast("list[object]", value)):
        return cast("list[object]", value)
    if isinstance(value, dict):
        raise complaint("must be a command, not a mapping", "put it in quotes: '{python} bench.py'")
    raise complaint("must be a command", "write a line, or a list of words")


Command = Annotated[
    Annotated[str, Field(strict=True)] | tuple[Annotated[str, Field(strict=True)], ...],
    BeforeValidator(_command),
]


Part = Literal["run", "produce", "judge"]
"""The key of one of a check's commands."""


class CheckSpec(Model):
    """A command that a candidate must pass, or the two of a sealed check.

    Checks run in their order, and the first that fails ends the candidate. A check passes when its
    command ends in time with an accepted status, reports no failure, reports what it must, and its
    test inventory is the expected one.
    """

    name: FileName = Field(
        description="A name of its own; letters, digits, - _ and . (log and result files are named "
        "by it).",
        examples=["correctness"],
    )
    run: Command | None = Field(
        default=None,
        description="The command: a line, parted into words as a shell would but run without one, "
        "or a list of words. Placeholders: see below. A check has this, or `produce` and `judge`.",
        examples=["'{python} -m mybench --out {result}'", "['{python}', bench.py]"],
    )
    produce: Command | None = Field(
        default=None,
        description="The first half of a sealed check, whose score cannot be forged: it runs the "
        "candidate's code in a sandbox, and leaves ordinary files in the folder {produced}.",
        examples=["'{python} -m mybench build --out {produced}'"],
    )
    produced_by: FileName | None = Field(
        default=None,
        description="Instead of `produce`: an earlier sealed check, whose product is judged here "
        "too. The candidate's code does not run again, so what one check accepts is what another "
        "one measures.",
        examples=["correctness"],
    )
    judge: Command | None = Field(
        default=None,
        description="The second half: it runs from the protected base once nothing of the first "
        "lives any more, reads what that left, and reports over a pipe (docs/integrity.md).",
        examples=["'{python} -m mybench judge {produced}'"],
    )
    shell: Flag = Field(
        default=False,
        description="Run the line by `/bin/sh -c`, for pipes and redirections. Values of "
        "placeholders are quoted.",
        examples=["true"],
    )
    deadline_s: Duration = Field(
        default=600.0,
        alias="deadline",
        description="After so long the command and all its children are killed; verdict: timeout. "
        "Each half of a sealed check has as long.",
        examples=["120s", "1h30m"],
    )
    idle_s: Duration | None = Field(
        default=None,
        alias="idle",
        description="The same after so long without a byte of output.",
        examples=["60s"],
    )
    reports: tuple[MetricName, ...] = Field(
        default=(),
        description="Metrics that it must report in its result file.",
        examples=["[est_ms, vmem_mib]"],
    )
    metrics: dict[MetricName, MetricSource] = Field(
        default={},
        description="Metrics that are read from its output or from a JSON file; each must be "
        "found.",
        examples=["{loss: {regex: 'loss: ([0-9.]+)'}}"],
    )
    tests: TestsSpec | None = Field(
        default=None,
        description="The test inventory that it must report, in its result file or as the "
        "summary line of pytest.",
        examples=["{passed: 34}"],
    )
    exit: Annotated[tuple[ExitStatus, ...], Field(min_length=1)] = Field(
        default=(0,), description="Exit statuses that mean success.", examples=["[0, 3]"]
    )
    failures: tuple[FailurePattern, ...] = Field(
        default=(),
        description="What a failure means, by what it printed; the first that matches counts.",
        examples=["[{pattern: 'Connection reset', class: infra}]"],
    )
    fails_as: FailureName = Field(
        default="incorrect",
        description="The verdict of a failure that nothing else names.",
        examples=["compile"],
    )
    on_fail: OnFail | None = Field(
        default=None,
        description="What a failure of this check means for the loop, in the words of `policy`; by "
        "default what `policy` says.",
        examples=["continue"],
    )
    retries: Count = Field(
        default=0,
        description="How often it is run again when its failure is `infra`: the machine's, not the "
        "candidate's.",
        examples=["2"],
    )
    backoff_s: Duration = Field(
        default=20.0,
        alias="backoff",
        description="The pause before it is run again, doubled each time.",
        examples=["2m"],
    )
    when: Literal["always", "would_promote"] = Field(
        default="always",
        description="`would_promote`: only for a candidate that the checks before it make the new "
        "champion; for checks that cost much.",
        examples=["would_promote"],
    )
    env: EnvSpec = Field(
        default=EnvSpec(),
        description="Environment variables, added to those of the campaign.",
        examples=["{set: {JAX_PLATFORMS: cpu}}"],
    )
    detached: Flag = Field(
        default=False,
        description="It outlives the engine: after a crash the next engine goes on with it, with "
        "all that it printed and its true exit status (docs/jobs.md). `idle` ends it only where it "
        "does not compute either.",
        examples=["true"],
    )
    stop_patterns: Annotated[tuple[Regex, ...], Field(max_length=8)] = Field(
        default=(),
        description="A detached check is ended as soon as a line of its output matches one of "
        "these Python regular expressions; it has failed then.",
        examples=["['loss: nan', 'Traceback']"],
    )
    needs: dict[ParameterName, Positive] = Field(
        default={},
        description="How much of the campaign's `resources` it takes while it runs; it waits until "
        "there is so much.",
        examples=["{cores: 1, gpu: 1}"],
    )
    seeded: Flag = Field(
        default=False,
        description="Tell `produce` a seed: for a training, whose outcome hangs on one. It follows "
        "from the measurement's seed, the two halves of a pair have different ones, and a judge "
        "that draws inputs must not be told the same way. Only for a sealed check.",
        examples=["true"],
    )
    read: tuple[Filled, ...] = Field(
        default=(),
        description="Files and folders that only the judge of this check may read, relative to the "
        "folder of this file: answers, a test split. Only for a sealed check.",
        examples=["[../data/test]"],
    )
    executor: FileName = Field(
        default="local", description="Where it runs; one of `executors`.", examples=["tpu"]
    )

    @property
    def sealed(self) -> bool:
        """Whether what runs the candidate's code is parted from what judges it."""
        produced = self.produce is not None or self.produced_by is not None
        return produced and self.judge is not None

    @property
    def commanded(self) -> bool:
        """Whether it runs the command of a worker's decision."""
        words = (word for part in self.commands().values() for word in _texts(part))
        return any("command" in placeholders(word) for word in words)

    def commands(self) -> dict[Part, Command]:
        """Its commands as they are written, by key: `run`, or `produce` and `judge`."""
        parts: dict[Part, Command | None] = {
            "run": self.run,
            "produce": self.produce,
            "judge": self.judge,
        }
        return {part: command for part, command in parts.items() if command is not None}

    def words(self, part: Part = "run") -> tuple[str, ...]:
        """A command as separate words, placeholders unfilled; a shell's line is one word.

        Raises:
            KeyError: it has no such command.
            ValueError: a quotation is not closed.
        """
        command = self.commands()[part]
        if not isinstance(command, str):
            return command
        return (command,) if self.shell else tuple(split(command))

    def made_resilient(self) -> "CheckSpec":
        """The same, run at least two times more when the machine fails it."""
        return self.model_copy(update={"retries": max(self.retries, 2)})

    def must_report(self) -> tuple[str, ...]:
        """The metrics without which the check has failed."""
        return tuple(dict.fromkeys((*self.reports, *self.metrics)))


def _texts(command: Command) -> tuple[str, ...]:
    return (command,) if isinstance(command, str) else command
