"""Plain data in, a campaign out, or everything that is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec
from pydantic import ValidationError

from engine.core.campaign.agent_rules import agent_findings
from engine.core.campaign.check_rules import check_findings
from engine.core.campaign.confirm_rules import confirm_findings
from engine.core.campaign.executor_rules import executor_findings
from engine.core.campaign.explain import explain, label, mistakes, place_of
from engine.core.campaign.gate_rules import gate_findings
from engine.core.campaign.keys import nearest_key
from engine.core.campaign.models import Campaign
from engine.core.campaign.problems import Finding, Place
from engine.core.campaign.referee_rules import referee_findings
from engine.core.campaign.salvage import Draft, salvage
from engine.core.campaign.space_rules import space_findings
from engine.core.campaign.worker_rules import worker_findings
from engine.core.campaign.workspace_rules import workspace_findings

_COMMANDS: Final = ("run", "produce", "judge", "command")


def judge(
    data: Mapping[str, Any], written: Mapping[Place, str] | None = None
) -> tuple[Campaign | None, list[Finding]]:
    """The campaign that `data` describes, or what is wrong with it; one of the two is empty.

    Args:
        data: a campaign as plain data.
        written: how scalars stand in the file, by place, for better advice.
    """
    nulls = list(_nulls(data, ()))
    findings = [_empty(place, data) for place in nulls]
    findings += [
        finding
        for finding in _of_models(data, written or {})
        if not any(finding.place[: len(place)] == place for place in nulls)
    ]
    draft = salvage(data, nulls)
    if draft is not None:
        findings += _of_rules(draft, data)
    return (draft.campaign, []) if draft and not findings else (None, findings)


def _nulls(value: Any, place: Place) -> Iterator[Place]:
    """Places without a value. A command such as {python}, without quotes, is another mistake."""
    match value:
        case None:
            yield place
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                if key not in _COMMANDS or item is None:
                    yield from _nulls(item, (*place, key))
        case list():
            for index, item in enumerate(cast("list[Any]", value)):
                yield from _nulls(item, (*place, index))
        case _:
            pass


def _empty(place: Place, data: Any) -> Finding:
    message = f"{label(place, data)} has no value"
    return Finding(place=place, message=message, fix="give it one, or remove the line", at_key=True)


def _of_models(data: Mapping[str, Any], written: Mapping[Place, str]) -> list[Finding]:
    try:
        Campaign.model_validate(data)
    except ValidationError as error:
        details = mistakes(error)
        meant = {
            (*detail["loc"][:-1], nearest_key(detail["loc"]))
            for detail in details
            if detail["type"] == "extra_forbidden"
        }
        return [
            explain(detail, data, written)
            for detail in details
            if not (detail["type"] == "missing" and detail["loc"] in meant)
        ]
    return []


def _of_rules(draft: Draft, data: Mapping[str, Any]) -> list[Finding]:
    findings = [
        *space_findings(draft),
        *check_findings(draft),
        *referee_findings(draft),
        *confirm_findings(draft),
        *executor_findings(draft),
        *workspace_findings(draft),
        *agent_findings(draft),
        *worker_findings(draft),
        *gate_findings(draft),
    ]
    campaign = draft.campaign
    if campaign.stop.target and campaign.metric.target is None and draft.sound("metric"):
        message, fix = "there is no target to be met", "add target to metric, or remove this line"
        findings.append(Finding(place=("stop", "target"), message=message, fix=fix))
    return [labelled(finding, data) for finding in findings]


def labelled(finding: Finding, data: Mapping[str, Any]) -> Finding:
    """The finding with the name of its place in front, as far as the file has such a place."""
    name = label(place_of(finding.place, data), data)
    message = f"{name}: {finding.message}" if name else finding.message
    return msgspec.structs.replace(finding, message=message)
