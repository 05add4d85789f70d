"""Whether what measuring again came to follows from its own numbers, as the journal has them."""

from engine.core.campaign.load import campaign_from_document
from engine.core.campaign.models import Campaign
from engine.core.campaign.problems import CampaignError
from engine.core.events import RecheckEnded, Record
from engine.core.plan import Plan, PlannedReferee
from engine.core.recheck_results import compared_again
from engine.core.rechecked import Recheck
from engine.core.state import RunState


class RecheckCheck:
    """Computes again what measuring again came to, one event after the other."""

    def __init__(self) -> None:
        self._known: tuple[str, Plan | None] = ("", None)

    def unfounded(self, state: RunState, record: Record) -> str:
        """What does not follow, in words; empty for any other event.

        Args:
            state: the run right before the event.
            record: the event.
        """
        event, again = record.event, state.rechecks.open
        if not isinstance(event, RecheckEnded) or again is None:
            return ""
        if event.outcome not in {"held", "failed", "inconclusive"} or _failed(again):
            return ""
        if event.value is None or (plan := self._plan(state)) is None:
            return ""
        found = compared_again(state, again, plan)
        return "" if found == event else _difference(event, found)

    def _plan(self, state: RunState) -> Plan | None:
        if self._known[0] != state.campaign_sha256:
            self._known = (state.campaign_sha256, _plan_of(state))
        return self._known[1]


def _failed(again: Recheck) -> bool:
    """Whether a check said what became of it."""
    reports = [each[-1] for each in (again.turn.finished, again.turn.halves) if each]
    return any(report.outcome == "failed" for report in reports)


def _plan_of(state: RunState) -> Plan | None:
    """What comparing needs to know of the campaign; None where this version cannot tell."""
    try:
        campaign = campaign_from_document(state.document)
    except CampaignError:
        return None
    check = campaign.measuring_check
    return None if check is None else Plan(checks=(), referee=_referee(campaign, check.name))


def _referee(campaign: Campaign, check: str) -> PlannedReferee:
    spec, confirm = campaign.referee, campaign.confirm
    return PlannedReferee(
        check=check,
        noisy=campaign.metric.noise == "measured",
        design=spec.design(),
        confirming=spec.design(confirm.most_pairs if confirm else None),
    )


def _difference(event: RecheckEnded, found: object) -> str:
    told = f"{event.candidate} measured again ({event.purpose}) is called {event.outcome}"
    if not isinstance(found, RecheckEnded):
        return f"{told}, and measurements for that are missing"
    return f"{told} with {event.value:.6g}; by its measurements {found.outcome} with {found.value}"
