"""What must hold for gates, and between them and the checks."""

from collections.abc import Iterator

from engine.core.campaign.fields import show
from engine.core.campaign.gates import GateSpec
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.problems import Finding
from engine.core.campaign.salvage import Draft


def gate_findings(draft: Draft) -> Iterator[Finding]:
    """Gates that say nothing, that nobody could pass, or whose metric nobody reports."""
    checks = draft.campaign.checks
    reported = [name for check in checks for name in check.must_report() if check.when == "always"]
    for name, gate in draft.campaign.gates.items():
        if not draft.sound("gates", name):
            continue
        yield from _bounds(name, gate)
        if name not in reported and draft.sound("checks"):
            otherwise = "list it in `reports` of a check that runs for every candidate"
            yield Finding(
                place=("gates", name),
                message=f"no check reports {show(name)}",
                fix=did_you_mean(name, reported, otherwise),
                at_key=True,
            )


def _bounds(name: str, gate: GateSpec) -> Iterator[Finding]:
    if not gate.model_fields_set:
        message, fix = "it asks for nothing", "give it most, least, most_rise or most_fall"
        yield Finding(place=("gates", name), message=message, fix=fix, at_key=True)
    if gate.most is not None and gate.least is not None and gate.least > gate.most:
        message = f"no value is at least {gate.least:g} and at most {gate.most:g}"
        yield Finding(place=("gates", name, "least"), message=message, fix="exchange the two")
