"""What must hold within a sealed check, and between one and the rest of the campaign."""

from collections.abc import Iterator
from typing import Final

from engine.core.campaign.checks import CheckSpec, Part
from engine.core.campaign.fields import show
from engine.core.campaign.problems import Finding, Place
from engine.core.campaign.salvage import Draft

_FIX: Final = "give it `run`, or `produce` and `judge`"

UNUSED: Final[dict[Part, dict[str, str]]] = {
    "run": {"produced": "only a sealed check has a folder for what it produced"},
    "produce": {
        "seed": "the candidate's code must not know the seed; the judge draws from it",
        "result": "the judge reports the result; leave files in {produced}",
        "step_dir": "it sees no folder of the run; leave files in {produced}",
    },
    "judge": {
        "result": "it reports over the pipe CONTROLROOM_REPORT_FD",
        "step_dir": "it sees no folder of the run but {produced}",
    },
}
"""Placeholders that mean nothing in a command, by its key, with what to do."""


def sealed_findings(check: CheckSpec, place: Place, draft: Draft) -> Iterator[Finding]:
    """Mistakes of one check that have to do with being sealed or not."""
    yield from _parts(check, place, draft)
    if check.produced_by is not None:
        yield from _producer(check, place, draft)
    if not check.sealed:
        yield from _only_sealed(check, place)
        return
    for name in check.metrics:
        at = (*place, "metrics", name)
        message = "a sealed check's metrics come from the judge's report alone"
        yield Finding(place=at, message=message, fix=f"list {name} under `reports`", at_key=True)
    for key, secrets in (
        ((*place, "env", "secret"), check.env.secret),
        (("env", "secret"), draft.campaign.env.secret),
    ):
        if secrets:
            message = "the programs of a sealed check get no secrets"
            yield Finding(place=key, message=message, fix="take them out", at_key=True)
    workspace = draft.campaign.workspace
    if workspace is not None and workspace.mode == "in-place" and draft.sound("workspace"):
        message = "a sealed check needs trees of its own, for the candidate and for the judge"
        yield Finding(place=("workspace", "mode"), message=message, fix="write mode: worktree")


def _only_sealed(check: CheckSpec, place: Place) -> Iterator[Finding]:
    for key in ("seeded", "read"):
        if getattr(check, key):
            message = "it means nothing for a check without a judge of its own"
            fix = "give it `produce` and `judge`, or remove it"
            yield Finding(place=(*place, key), message=message, fix=fix, at_key=True)


def _parts(check: CheckSpec, place: Place, draft: Draft) -> Iterator[Finding]:
    parts = tuple(check.commands())
    if parts in (("run",), ("produce", "judge")) and check.produced_by is None:
        return
    if check.produced_by is not None:
        if parts != ("judge",):
            at, fix = (*place, "produced_by"), "give it `judge`, and neither `run` nor `produce`"
            message = "what another check produced is judged, and nothing else is run"
            yield Finding(place=at, message=message, fix=fix, at_key=True)
        return
    if not parts:
        if draft.sound(*place):  # a key that is misspelt was told already
            yield Finding(place=place, message="there is no command", fix=_FIX)
        return
    if "run" in parts:
        message = f"it has `run` and `{parts[1]}`"
        yield Finding(place=(*place, parts[1]), message=message, fix=_FIX, at_key=True)
        return
    lacking = "judge" if parts == ("produce",) else "produce"
    message = f"there is `{parts[0]}`, and no `{lacking}`"
    if draft.sound(*place, lacking):
        yield Finding(place=(*place, parts[0]), message=message, fix=_FIX, at_key=True)


def _producer(check: CheckSpec, place: Place, draft: Draft) -> Iterator[Finding]:
    """Complain unless what is to be judged is there by then, whenever the check runs."""
    final = draft.campaign.final_checks
    checks = final if check in final else draft.campaign.all_checks
    names = [other.name for other in checks]
    before = checks[: names.index(check.name)]
    late = checks[len(before)].when
    able = [each for each in before if each.produce is not None and each.when in ("always", late)]
    if check.produced_by not in [each.name for each in able]:
        shown = ", ".join(each.name for each in able)
        message = f"no check before this one has a product and is called {show(check.produced_by)}"
        fix = f"name one of {shown}" if able else _FIX
        yield Finding(place=(*place, "produced_by"), message=message, fix=fix)
