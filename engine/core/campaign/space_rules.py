"""What must hold between the parameters of `space`, and between them and `baseline`."""

from collections.abc import Iterable, Iterator

from engine.core.campaign.fields import show, show_all
from engine.core.campaign.keys import example_of
from engine.core.campaign.models import Campaign
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.parameters import (
    ChoicesParameter,
    FloatParameter,
    IntParameter,
    Scalar,
    Space,
    active_names,
    condition_cycle,
)
from engine.core.campaign.problems import Finding
from engine.core.campaign.proposers import AgentSpec
from engine.core.campaign.salvage import Draft
from engine.core.campaign.worker import WorkerSpec


def space_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in the conditions of parameters and in the baseline."""
    yield from _nothing_to_search(draft)
    yield from _conditions(draft)
    if draft.campaign.baseline:
        values = list(_baseline_values(draft))
        yield from values
        if not values and draft.sound("space") and draft.sound("baseline"):
            yield from _baseline_activity(draft)
    elif draft.sound("baseline") and (draft.campaign.space or _searches(draft)):
        example = _example(draft.campaign.space) if draft.sound("space") else ""
        example = example or "NAME: VALUE, …"
        fix = f"add baseline: {{{example}}}"
        message = "'baseline' is missing: the parameters of iteration 1"
        yield Finding(place=("baseline",), message=message, fix=fix, at_key=True)


def _searches(draft: Draft) -> bool:
    """Whether the proposer is known, and chooses parameters."""
    campaign = draft.campaign
    agents = (isinstance(proposer, AgentSpec) for proposer in campaign.proposers)
    commanded = any(isinstance(each, WorkerSpec) for each in campaign.proposers) and (
        campaign.commanded or not draft.sound("checks")
    )
    return draft.sound("proposers", 0, "kind") and not any(agents) and not commanded


def _nothing_to_search(draft: Draft) -> Iterator[Finding]:
    campaign = draft.campaign
    if campaign.space or not (_searches(draft) and draft.sound("space")):
        return
    if "space" in campaign.model_fields_set:
        yield Finding(place=("space",), message="must not be empty", fix="add one")
        return
    fix = f"add space: {example_of(Campaign, 'space')}"
    if campaign.workspace is not None:
        fix += ", or proposers: [{kind: agent, agent: codex}]"
    yield Finding(place=("space",), message="'space' is missing", fix=fix, at_key=True)


def _conditions(draft: Draft) -> Iterator[Finding]:
    space = draft.campaign.space
    for name, parameter in space.items():
        for other, values in parameter.when.items():
            if draft.sound("space", other):
                yield from _condition(draft, name, other, values)
    circle = condition_cycle(space)
    if len(circle) > 2:
        yield Finding(
            place=("space", circle[0], "when"),
            message=f"the conditions go round in a circle: {' → '.join(circle)}",
            fix="remove one of them",
        )


def _condition(
    draft: Draft, name: str, other: str, values: tuple[Scalar, ...]
) -> Iterator[Finding]:
    place = ("space", name, "when", other)
    space = draft.campaign.space
    if other == name:
        yield Finding(
            place=place,
            message="a parameter cannot depend on itself",
            fix="name another",
            at_key=True,
        )
    elif other not in space:
        fix = name_fix(draft, other)
        yield Finding(
            place=place, message=f"there is no parameter {show(other)}", fix=fix, at_key=True
        )
    else:
        problems = (space[other].problem(value) for value in values)
        for problem in filter(None, problems):
            yield Finding(
                place=place,
                message=f"{other} never has this value: {problem}",
                fix="correct the value",
            )


def _baseline_values(draft: Draft) -> Iterator[Finding]:
    space = draft.campaign.space
    for name, value in draft.campaign.baseline.items():
        place = ("baseline", name)
        if name in space:
            problem = space[name].problem(value)
            if problem:
                yield Finding(place=place, message=problem, fix="choose another value")
        elif draft.sound("space", name):
            fix = name_fix(draft, name)
            message = f"space has no parameter {show(name)}"
            yield Finding(place=place, message=message, fix=fix, at_key=True)


def _baseline_activity(draft: Draft) -> Iterator[Finding]:
    space, baseline = draft.campaign.space, draft.campaign.baseline
    known = all(other in space for parameter in space.values() for other in parameter.when)
    if not known or condition_cycle(space):
        return
    active = active_names(space, baseline)
    missing = [name for name in space if name in active and name not in baseline]
    if missing:
        yield Finding(
            place=("baseline",),
            message=f"no value for {show_names(missing)}",
            fix=f"add {_example({name: space[name] for name in missing})}",
            at_key=True,
        )
    for name in baseline:
        if name not in active:
            yield Finding(
                place=("baseline", name),
                message=f"it has no meaning here: it is for {_needs(space[name])}",
                fix="remove it",
                at_key=True,
            )


def name_fix(draft: Draft, name: str) -> str:
    """What to do about the unknown name of a parameter."""
    names = draft.parameters()
    return did_you_mean(name, names, f"the parameters are {show_names(names)}")


def show_names(names: Iterable[str]) -> str:
    """Names, separated by commas."""
    return ", ".join(names)


def _needs(parameter: ChoicesParameter | IntParameter | FloatParameter) -> str:
    wants = (f"{name}: {show_all(values)}" for name, values in parameter.when.items())
    return " and ".join(wants)


def _example(space: Space) -> str:
    """A value for each parameter that has no conditions, or for each if all have some."""
    plain = {name: parameter for name, parameter in space.items() if not parameter.when} or space
    return ", ".join(f"{name}: {_plain(_first(part))}" for name, part in plain.items())


def _first(parameter: ChoicesParameter | IntParameter | FloatParameter) -> Scalar:
    """A value that the parameter can take, for an example."""
    match parameter:
        case ChoicesParameter():
            return parameter.choices[0]
        case IntParameter() if parameter.step == "power2":
            return 1 << (parameter.low - 1).bit_length()
        case _:
            return parameter.low


def _plain(value: Scalar) -> str:
    return value if isinstance(value, str) and value.isidentifier() else show(value)
