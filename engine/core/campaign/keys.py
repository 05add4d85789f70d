"""Which keys the models know at a place of a campaign, for messages about keys that they do not."""

from collections.abc import Iterator
from typing import Any, Final, get_args

from pydantic.fields import FieldInfo

from engine.core.campaign.fields import Model, show
from engine.core.campaign.models import Campaign
from engine.core.campaign.nearest import did_you_mean, nearest
from engine.core.campaign.problems import Place

LATER: Final = frozenset(
    (
        "guardrails",
        "track",
        "leases",
    )
)
"""Keys that are planned, and that this version does not know yet."""

_KEYS: Final = {
    "choices": "a parameter has one of choices, int and float",
    "int": "a parameter has one of choices, int and float",
    "float": "a parameter has one of choices, int and float",
    "regex": "a metric is read by regex or from json, not both",
    "json": "a metric is read by regex or from json, not both",
    "interpreter": "an environment has one of interpreter, venv and uv",
    "venv": "an environment has one of interpreter, venv and uv",
    "uv": "an environment has one of interpreter, venv and uv",
}


def fields_of(model: type[Model]) -> dict[str, FieldInfo]:
    """The fields of a model by the keys that stand in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def models_in(annotation: Any) -> Iterator[type[Model]]:
    """The models that an annotation mentions, in their order."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
        return
    for part in get_args(annotation):
        yield from models_in(part)


def model_at(location: Place) -> type[Model] | None:
    """The model whose fields stand at a location as pydantic gives it, tags in angle brackets."""
    candidates: list[type[Model]] = [Campaign]
    for step in location:
        if isinstance(step, str) and step.startswith("<"):
            candidates = [model for model in candidates if _is_of(model, step[1:-1])]
        elif len(candidates) == 1 and step in fields_of(candidates[0]):
            candidates = list(models_in(fields_of(candidates[0])[str(step)].annotation))
    return candidates[0] if candidates else None


def _is_of(model: type[Model], tag: str) -> bool:
    """Whether the model is the one of a union that a key of it, or its kind, tells."""
    fields = fields_of(model)
    if tag in fields:
        return True
    return "kind" in fields and tag in _texts_in(fields["kind"].annotation)


def _texts_in(annotation: Any) -> Iterator[str]:
    """The texts that an annotation allows."""
    for part in get_args(annotation):
        if isinstance(part, str):
            yield part
        else:
            yield from _texts_in(part)


def example_of(model: type[Model] | None, key: str) -> str:
    """An example of a value for `key`, as it stands in a file."""
    examples = fields_of(model)[key].examples if model else None
    return str(examples[0]) if examples else "VALUE"


def unknown_key(location: Place, section: str) -> tuple[str, str]:
    """What to say of the unknown key at the end of `location`: what is wrong, what to do."""
    key, known = str(location[-1]), _known_at(location)
    if key in LATER and len(location) == 1:
        return f"this version does not know {show(key)} yet", "remove it"
    if key in _KEYS and any(_KEYS.get(other) == _KEYS[key] for other in known):
        return f"{show(key)} is one too many: {_KEYS[key]}", "remove one of them"
    fix = _home(location) or did_you_mean(key, known, _listed(known))
    return f"unknown key {show(key)} in {section}", fix


def nearest_key(location: Place) -> str | None:
    """The key that was probably meant by the unknown one at the end of `location`."""
    return nearest(str(location[-1]), _known_at(location))


def _home(location: Place) -> str | None:
    """Where a key of the top level belongs, if exactly that key is known somewhere below."""
    (first, *rest) = location
    if rest:
        return None
    homes = [
        section
        for section, field in fields_of(Campaign).items()
        if any(first in fields_of(model) for model in models_in(field.annotation))
    ]
    return f"it belongs to {listed(homes)}" if homes else None


def _known_at(location: Place) -> list[str]:
    model = model_at(location[:-1])
    return list(fields_of(model)) if model else []


def listed(words: list[str]) -> str:
    """Words as alternatives: `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _listed(keys: list[str]) -> str:
    return f"it has {', '.join(keys)}" if keys else "it has no keys in this version; remove it"
