"""Where a campaign cannot see what it looks for: said before it runs, as warnings."""

from collections.abc import Iterator

import msgspec

from engine.core.campaign.confirm import VariantSpec
from engine.core.campaign.fields import format_share, show
from engine.core.campaign.models import Campaign
from engine.core.campaign.problems import Finding
from engine.core.pairs.power import pairs_needed, visible_gain


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier run of a campaign measured of its baseline.

    `noise` is the coefficient of variation of one measurement, where that was measured.
    """

    run: str
    value: float
    noise: float | None = None


def warnings(campaign: Campaign, seen: Seen | None) -> list[Finding]:
    """What is no mistake, and yet will not do what it looks like.

    Args:
        campaign: one without mistakes.
        seen: what an earlier run measured, if there was one.
    """
    return [*_gain(campaign, seen), *_target(campaign, seen), *_variants(campaign)]


def bearable_noise(campaign: Campaign) -> float | None:
    """The noise up to which the pairs of a campaign show the gain that it asks for.

    None where it asks for none, or for one that is no share of a value.
    """
    gain = campaign.metric.to_metric().min_gain
    if campaign.metric.noise == "none" or not gain.relative or not gain.amount:
        return None
    return gain.amount / visible_gain(1.0, campaign.referee.design())


def _visible(campaign: Campaign, seen: Seen) -> float | None:
    """The gain that the campaign's pairs show, as a share; None where there is no telling."""
    if campaign.metric.noise == "none" or not seen.noise:
        return None
    return visible_gain(seen.noise, campaign.referee.design())


def _gain(campaign: Campaign, seen: Seen | None) -> Iterator[Finding]:
    """A gain that is asked for and that the pairs do not show."""
    if seen is None or not seen.noise or not seen.value:
        return
    asked = campaign.metric.to_metric().min_gain.over(seen.value) / abs(seen.value)
    visible, design = _visible(campaign, seen), campaign.referee.design()
    if visible is None or not 0 < asked < visible:
        return
    needed = pairs_needed(asked, seen.noise, design)
    more = "" if needed is None else f"write referee.most_pairs: {needed}, or "
    yield Finding(
        place=("metric", "min_gain"),
        message=f"with the noise that {seen.run} measured, {_percent(seen.noise)}, "
        f"{design.most} pairs show {_percent(visible)}: most gains of {_percent(asked)} would be "
        "inconclusive",
        fix=f"{more}ask for a larger gain, or let the check report a mean of more runs",
    )


def _target(campaign: Campaign, seen: Seen | None) -> Iterator[Finding]:
    """A target so near to the baseline that no candidate that meets it would be promoted."""
    metric = campaign.metric.to_metric()
    if seen is None or metric.target is None:
        return
    there = metric.gain(metric.target, seen.value)
    visible = _visible(campaign, seen)
    least = max(metric.min_gain.over(seen.value), abs(seen.value) * (visible or 0.0))
    place = ("metric", "target")
    if there <= 0:
        yield Finding(
            place=place,
            message=f"the baseline of {seen.run} meets it already, with {seen.value:g}",
            fix="ask for more",
        )
    elif there < least:
        yield Finding(
            place=place,
            message=f"it is {there:g} from the baseline of {seen.run}, {seen.value:g}, and a gain "
            f"below {least:g} is not promoted",
            fix="ask for more, or let smaller gains count: metric.min_gain, referee.most_pairs",
        )


def _variants(campaign: Campaign) -> Iterator[Finding]:
    """Variants that differ in nothing from what the search measures, or from each other."""
    variants = campaign.confirm.variants if campaign.confirm else ()
    for index, variant in enumerate(variants):
        alike = [other.name for other in variants[:index] if other.env == variant.env]
        if _is_own(campaign, variant):
            message = "the search measures under this very environment: it confirms nothing new"
        elif alike:
            message = f"it is the same as {show(alike[0])}"
        else:
            continue
        yield Finding(
            place=("confirm", "variants", index),
            message=message,
            fix="give it another shape, seed or device by env, or remove it",
        )


def _is_own(campaign: Campaign, variant: VariantSpec) -> bool:
    own = [campaign.env_of(check).set for check in campaign.checks]
    return all(env.items() >= variant.env.items() for env in own)


def _percent(share: float) -> str:
    return format_share(float(f"{share:.2g}")).replace("%", " %")
