"""What must hold for the confirmation of champions, and between it and the rest of a campaign."""

from collections.abc import Iterator

from engine.core.campaign.environment import RESERVED
from engine.core.campaign.executors import LOCAL
from engine.core.campaign.fields import show
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.problems import Finding
from engine.core.campaign.salvage import Draft


def confirm_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in how champions are confirmed."""
    if draft.campaign.confirm is None:
        return
    yield from _place(draft)
    yield from _variants(draft)
    yield from _pairs(draft)


def _place(draft: Draft) -> Iterator[Finding]:
    confirm = draft.campaign.confirm
    known = [LOCAL]  # each check of it runs where it always does
    if confirm is not None and confirm.on not in known:
        yield Finding(
            place=("confirm", "on"),
            message=f"there is no executor {show(confirm.on)}",
            fix=did_you_mean(confirm.on, known, f"there is {', '.join(known)}"),
        )


def _variants(draft: Draft) -> Iterator[Finding]:
    confirm = draft.campaign.confirm
    seen: set[str] = set()
    for index, variant in enumerate(confirm.variants if confirm else ()):
        if variant.name in seen:
            yield Finding(
                place=("confirm", "variants", index, "name"),
                message=f"there are two variants {show(variant.name)}",
                fix="give each a name of its own",
            )
        seen.add(variant.name)
        for name in variant.env:
            if name.startswith(RESERVED):
                yield Finding(
                    place=("confirm", "variants", index, "env", name),
                    message=f"{name} belongs to controlroom",
                    fix="choose a name that does not begin with CONTROLROOM_",
                    at_key=True,
                )


def _pairs(draft: Draft) -> Iterator[Finding]:
    confirm, referee = draft.campaign.confirm, draft.campaign.referee
    if confirm is None or confirm.most_pairs is None or not draft.sound("metric"):
        return
    if draft.campaign.metric.noise == "none":
        yield Finding(
            place=("confirm", "most_pairs"),
            message="it means nothing for a metric without noise",
            fix="write noise: measured in metric, or remove it",
            at_key=True,
        )
    elif confirm.most_pairs < referee.first_pairs:
        yield Finding(
            place=("confirm", "most_pairs"),
            message=f"nothing is decided before {referee.first_pairs} pairs",
            fix="make it at least as many as referee.first_pairs",
        )
