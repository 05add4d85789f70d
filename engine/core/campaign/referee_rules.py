"""What must hold for the referee, and between it, the metric and the checks."""

from collections.abc import Iterator
from typing import Final

from engine.core.campaign.fields import show
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.problems import Finding
from engine.core.campaign.referee_spec import RefereeSpec
from engine.core.campaign.salvage import Draft

_FEWEST_TO_CALIBRATE: Final = 4


def referee_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in how candidates are compared."""
    if draft.sound("metric") and draft.campaign.metric.noise == "none":
        yield from _without_noise(draft)
        return
    yield from _pairs(draft)
    yield from _calibration(draft)
    yield from _preparation(draft)


def _without_noise(draft: Draft) -> Iterator[Finding]:
    referee, usual = draft.campaign.referee, RefereeSpec()
    for key in ("error", "first_pairs", "most_pairs", "calibrate", "alone", "prepare"):
        # A stored campaign has all keys: only another value was meant.
        if getattr(referee, key) != getattr(usual, key):
            yield Finding(
                place=("referee", key),
                message="it means nothing for a metric without noise",
                fix="write noise: measured in metric, or remove it",
                at_key=True,
            )


def _pairs(draft: Draft) -> Iterator[Finding]:
    referee = draft.campaign.referee
    if referee.first_pairs > referee.most_pairs:
        key = "most_pairs" if "most_pairs" in referee.model_fields_set else "first_pairs"
        yield Finding(
            place=("referee", key),
            message=f"the first look, at {referee.first_pairs} pairs, comes after the last, at "
            f"{referee.most_pairs}",
            fix="make most_pairs at least as many as first_pairs",
        )


def _calibration(draft: Draft) -> Iterator[Finding]:
    calibrate = draft.campaign.referee.calibrate
    if 0 < calibrate < _FEWEST_TO_CALIBRATE:
        yield Finding(
            place=("referee", "calibrate"),
            message=f"{calibrate} pairs tell nothing of the noise",
            fix=f"write {_FEWEST_TO_CALIBRATE} or more, or 0 for none",
        )


def _preparation(draft: Draft) -> Iterator[Finding]:
    campaign = draft.campaign
    if not draft.sound("checks") or not draft.sound("metric", "name"):
        return
    early = campaign.early_checks
    for index, name in enumerate(campaign.referee.prepare):
        if name not in early:
            otherwise = f"there is {', '.join(early)}" if early else "remove it: there is none"
            yield Finding(
                place=("referee", "prepare", index),
                message=f"no check {show(name)} comes before the one that measures",
                fix=did_you_mean(name, early, otherwise),
            )
