"""What must hold for checks that outlive the engine, and for what checks share."""

from collections.abc import Iterator

from engine.core.campaign.checks import CheckSpec
from engine.core.campaign.executors import LOCAL
from engine.core.campaign.fields import show
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.problems import Finding, Place
from engine.core.campaign.salvage import Draft


def job_findings(check: CheckSpec, place: Place, draft: Draft) -> Iterator[Finding]:
    """Mistakes of one check that have to do with being detached, and with what it needs."""
    far = check.executor != LOCAL
    if check.detached and draft.sound(*place, "detached"):
        yield from _detached(check, (*place, "detached"), draft)
    if check.stop_patterns and not (check.detached or far) and draft.sound(*place, "detached"):
        message = "only a detached check is ended for what it prints"
        at: Place = (*place, "stop_patterns")
        yield Finding(place=at, message=message, fix="write detached: true", at_key=True)
    if draft.sound("resources"):
        yield from _needs(check, place, draft)


def _detached(check: CheckSpec, at: Place, draft: Draft) -> Iterator[Finding]:
    if check.run is None:
        message = "the sandboxes of a sealed check end with the engine"
        yield Finding(place=at, message=message, fix="remove it", at_key=True)
    elif draft.campaign.workspace is not None and check.executor == LOCAL:
        message = "the tree of a candidate of code is made anew when the engine starts again"
        yield Finding(place=at, message=message, fix="remove it, or workspace", at_key=True)


def _needs(check: CheckSpec, place: Place, draft: Draft) -> Iterator[Finding]:
    resources = draft.campaign.resources
    for name, count in check.needs.items():
        at: Place = (*place, "needs", name)
        if name not in resources:
            message = f"the campaign has no resource {show(name)}"
            fix = did_you_mean(name, list(resources), f"write resources: {{{name}: {count}}}")
            yield Finding(place=at, message=message, fix=fix, at_key=True)
        elif count > resources[name]:
            message = f"it needs {count} {name}, and there are {resources[name]}"
            yield Finding(place=at, message=message, fix="lower it, or raise resources")
