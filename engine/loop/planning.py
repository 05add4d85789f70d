"""What a campaign says of an iteration's steps, as the referee knows it."""

from engine.core.breaker import OFF, Breaker
from engine.core.campaign.checks import CheckSpec
from engine.core.campaign.executors import LOCAL
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec
from engine.core.campaign.worker import WorkerSpec
from engine.core.plan import OnFail, Plan, PlannedAgent, PlannedCheck, PlannedReferee


def plan_of(campaign: Campaign) -> Plan:
    """The steps of the campaign's iterations, with `resilient` carried through."""
    effective = campaign.effective()
    policy = effective.policy
    post = {check.name for check in effective.post_checks}
    return Plan(
        checks=tuple(
            _check(check, policy.post_checks if check.name in post else policy.on_fail)
            for check in effective.all_checks
        ),
        final=tuple(_check(check, policy.on_fail) for check in effective.final_checks),
        agent=_agent(effective),
        no_commit="continue" if policy.no_commit == "allow" else policy.no_commit,
        errors=policy.errors,
        gates=tuple(gate.to_gate(name) for name, gate in effective.gates.items()),
        referee=_referee(effective),
        memory=effective.memory.to_rules(),
        mentor=effective.mentor_rules(),
        resources=effective.resources,
        repair=effective.repair
        and effective.repair.to_rules(effective.environment, sealed=effective.sealed),
    )


def breaker_of(campaign: Campaign) -> Breaker:
    """When failures halt the campaign's run.

    A search over parameters meets the same wall again and again, and learns from it: there, only
    the caps of classes count.
    """
    policy = campaign.effective().policy
    minds = campaign.workspace is not None or any(
        isinstance(each, WorkerSpec) for each in campaign.proposers
    )
    same_failure = policy.same_failure if minds else OFF
    return Breaker(same_failure=same_failure, caps=policy.caps.to_rules())


def _referee(campaign: Campaign) -> PlannedReferee | None:
    spec, check = campaign.referee, campaign.measuring_check
    if check is None:
        return None
    noisy = campaign.metric.noise == "measured"
    return PlannedReferee(
        check=check.name,
        noisy=noisy,
        design=spec.design(),
        remeasure=spec.remeasure,
        calibrate=spec.calibrate,
        prepare=_prepare(campaign, check) if noisy else campaign.early_checks,
        one_tree=campaign.workspace is not None and campaign.workspace.mode == "in-place",
        leaders=spec.leaders,
        baseline_every=spec.watched_every(noisy=noisy),
        alone=spec.alone,
        drawn=noisy and (spec.chance != "seed" or check.sealed),
        confirming=spec.design(campaign.confirm.most_pairs if campaign.confirm else None),
    )


def _prepare(campaign: Campaign, measuring: CheckSpec) -> tuple[str, ...]:
    """What has to be run for whoever is measured; what is judged has to be produced first."""
    named = campaign.referee.prepare
    needed = [check for check in campaign.checks if check.name in named or check == measuring]
    produced = (check.produced_by for check in needed if check.produced_by is not None)
    return tuple(dict.fromkeys((*produced, *named)))


def _check(check: CheckSpec, on_fail: OnFail) -> PlannedCheck:
    return PlannedCheck(
        name=check.name,
        when=check.when,
        retries=check.retries,
        backoff_s=check.backoff_s,
        on_fail=check.on_fail or on_fail,
        needs=check.needs,
        detached=check.detached or check.executor != LOCAL,
    )


def _agent(campaign: Campaign) -> PlannedAgent:
    (spec,) = campaign.proposers
    if not isinstance(spec, AgentSpec):
        return PlannedAgent()
    minutes = campaign.budget.per_iteration.minutes
    return PlannedAgent(
        retries=spec.retries,
        backoff_s=spec.backoff_s,
        most_s=None if minutes is None else minutes * 60,
        answer_required=spec.answer == "required",
        display_name=spec.display_name or "",
    )
