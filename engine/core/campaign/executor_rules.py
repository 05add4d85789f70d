"""What must hold for executors, and between them and the checks that run on them."""

from collections.abc import Iterator

from engine.core.campaign.checks import CheckSpec, JsonMetric
from engine.core.campaign.executors import LOCAL, LocalExecutor, SshExecutor
from engine.core.campaign.fields import show
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.placeholders import placeholders
from engine.core.campaign.problems import Finding, Place
from engine.core.campaign.salvage import Draft
from engine.core.duration import format_duration


def executor_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in where checks may run."""
    for name, spec in draft.campaign.executors.items():
        at: Place = ("executors", name)
        if name == LOCAL and not isinstance(spec, LocalExecutor):
            message = "local is this machine"
            yield Finding(place=at, message=message, fix="give it another name", at_key=True)
        if not isinstance(spec, SshExecutor):
            continue
        for index, host in enumerate(spec.hosts):
            if host in spec.hosts[:index]:
                place = (*at, "hosts", index)
                message = f"the host {show(host)} is there twice"
                fix = "remove one of them; slots says how many checks it runs at a time"
                yield Finding(place=place, message=message, fix=fix)
        if spec.leash_s <= spec.patience_s and draft.sound(*at, "patience"):
            message = (
                f"leash {format_duration(spec.leash_s)} ends a check while its host is still "
                f"waited for: patience is {format_duration(spec.patience_s)}"
            )
            yield Finding(place=(*at, "leash"), message=message, fix="make leash the longer one")


def remote_findings(check: CheckSpec, place: Place, draft: Draft) -> Iterator[Finding]:
    """Mistakes of one check that have to do with where it runs."""
    known, at = draft.campaign.executors, (*place, "executor")
    if check.executor not in known:
        if draft.sound("executors"):
            names = list(known)
            fix = did_you_mean(check.executor, names, f"there is {', '.join(names)}")
            message = f"there is no executor {show(check.executor)}"
            yield Finding(place=at, message=message, fix=fix)
        return
    if isinstance(known[check.executor], LocalExecutor):
        return
    if check.run is None and draft.sound(*place, "produce"):
        message = "a sealed check runs on this machine, in its sandboxes"
        yield Finding(place=at, message=message, fix="remove it", at_key=True)
    workspace = draft.campaign.workspace
    if workspace is not None and workspace.link and draft.sound("workspace"):
        message = "what workspace.link names is not sent to hosts"
        fix = "lay it there, and let the check find it by a variable"
        yield Finding(place=at, message=message, fix=fix, at_key=True)
    for name, source in check.metrics.items():
        if isinstance(source, JsonMetric) and "step_dir" not in placeholders(source.json_file):
            message = "only what lies in {step_dir} is fetched from a host"
            where = (*place, "metrics", name, "json")
            yield Finding(place=where, message=message, fix="write '{step_dir}/FILE'")
