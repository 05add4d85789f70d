"""What must hold between a worker, the checks that run its command, and what it may choose."""

from collections.abc import Iterator

from engine.core.campaign.agent_rules import model_findings, program_findings
from engine.core.campaign.check_rules import environment_findings
from engine.core.campaign.problems import Finding, Place
from engine.core.campaign.salvage import Draft
from engine.core.campaign.worker import WorkerSpec


def worker_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in a worker, and in commands that only a worker gives."""
    workers = [each for each in draft.campaign.proposers if isinstance(each, WorkerSpec)]
    yield from _policy_without_reviews(draft)
    if not workers and draft.sound("proposers", 0, "kind"):
        yield from _commanded_by_nobody(draft)
    for index, spec in enumerate(draft.campaign.proposers):
        if isinstance(spec, WorkerSpec):
            place = ("proposers", index)
            yield from program_findings(draft, spec.as_agent(), place)
            yield from model_findings(draft, spec.as_agent(), place)
            yield from environment_findings(spec.env, (*place, "env"))
            yield from _baseline_command(draft, spec, place)


def _commanded_by_nobody(draft: Draft) -> Iterator[Finding]:
    for key, checks in (
        ("checks", draft.campaign.checks),
        ("post_checks", draft.campaign.post_checks),
    ):
        for index, check in enumerate(checks):
            if check.commanded:
                yield Finding(
                    place=(key, index),
                    message="{command} is the command of a worker's decision, and there is no "
                    "worker",
                    fix="write the command itself, or proposers: [{kind: worker, agent: codex}]",
                )


def _policy_without_reviews(draft: Draft) -> Iterator[Finding]:
    mentor, place = draft.campaign.mentor, ("mentor", "policy")
    if mentor is None or mentor.policy == "advise" or mentor.mode == "standard":
        return
    if draft.sound(*place) and draft.sound("mentor", "mode"):
        message = f"{mentor.policy} means nothing: nothing waits for a {mentor.mode}"
        yield Finding(place=place, message=message, fix="write policy: advise, or mode: standard")


def _baseline_command(draft: Draft, spec: WorkerSpec, place: Place) -> Iterator[Finding]:
    at = (*place, "baseline_command")
    if not draft.sound(*at) or not draft.sound("checks"):
        return
    commanded = draft.campaign.commanded
    if commanded and spec.baseline_command is None:
        fix = "add baseline_command: '{python} train.py'"
        message = "'baseline_command' is missing: what {command} of a check is in iteration 1"
        yield Finding(place=at, message=message, fix=fix, at_key=True)
    elif not commanded and spec.baseline_command is not None:
        fix = "remove it, or let a check run {command}"
        message = "it means nothing: no check runs {command}"
        yield Finding(place=at, message=message, fix=fix, at_key=True)
