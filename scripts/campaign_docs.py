"""Writes docs/campaign.md from the models of a campaign file; `--check` says if it is current."""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.core.campaign.budget import BudgetPart, BudgetSpec, PriceSpec
from engine.core.campaign.checks import (
    CheckSpec,
    FailurePattern,
    JsonMetric,
    RegexMetric,
    TestsSpec,
)
from engine.core.campaign.confirm import ConfirmSpec, VariantSpec
from engine.core.campaign.environment import (
    EnvSpec,
    InterpreterEnvironment,
    UvEnvironment,
    UvSpec,
    VenvEnvironment,
    VenvSpec,
)
from engine.core.campaign.executors import LocalExecutor, SshExecutor
from engine.core.campaign.fields import Model
from engine.core.campaign.finish import FinishSpec
from engine.core.campaign.gates import GateSpec
from engine.core.campaign.keys import fields_of, models_in
from engine.core.campaign.memory import MemorySpec
from engine.core.campaign.mentor import MentorSpec
from engine.core.campaign.mission import MissionFile
from engine.core.campaign.models import (
    Campaign,
    MetricSpec,
    StopSpec,
)
from engine.core.campaign.parameters import ChoicesParameter, FloatParameter, IntParameter
from engine.core.campaign.placeholders import AGENT_PLACEHOLDERS, PLACEHOLDERS
from engine.core.campaign.policy import CapsSpec, PolicySpec
from engine.core.campaign.proposers import AgentSpec, EvolutionSpec, TextDirective
from engine.core.campaign.referee_spec import RefereeSpec
from engine.core.campaign.repair import CloneSpec, RepairSpec
from engine.core.campaign.sandbox import SandboxSpec
from engine.core.campaign.schema import campaign_schema
from engine.core.campaign.worker import DecisionGateSpec, WorkerSpec
from engine.core.campaign.workspace import WorkspaceSpec

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "campaign.md"
TEXT = Path(__file__).with_name("campaign_docs.md")

SECTIONS: dict[type[Model], tuple[str, str]] = {
    Campaign: ("##", "The campaign"),
    MetricSpec: ("##", "`metric`"),
    ChoicesParameter: ("##", "`space.NAME`: choices"),
    IntParameter: ("##", "`space.NAME`: an integer"),
    FloatParameter: ("##", "`space.NAME`: a real number"),
    EvolutionSpec: ("##", "`proposers`: evolution"),
    AgentSpec: ("##", "`proposers`: an agent"),
    TextDirective: ("###", "`directives` of an agent: a text"),
    WorkerSpec: ("##", "`proposers`: a worker"),
    DecisionGateSpec: ("###", "`gate` of a worker"),
    MissionFile: ("##", "`mission`: a file"),
    WorkspaceSpec: ("##", "`workspace`"),
    CheckSpec: ("##", "`checks` and `post_checks`"),
    TestsSpec: ("###", "`tests` of a check"),
    RegexMetric: ("###", "`metrics.NAME` of a check: from its output"),
    JsonMetric: ("###", "`metrics.NAME` of a check: from a JSON file"),
    FailurePattern: ("###", "`failures` of a check"),
    EnvSpec: ("##", "`env`, of the campaign and of a check"),
    InterpreterEnvironment: ("##", "`environment`: a Python that is there"),
    VenvEnvironment: ("##", "`environment`: a virtual environment"),
    VenvSpec: ("###", "`environment.venv`"),
    UvEnvironment: ("##", "`environment`: made by uv"),
    UvSpec: ("###", "`environment.uv`"),
    GateSpec: ("##", "`gates`"),
    SandboxSpec: ("##", "`sandbox`"),
    RefereeSpec: ("##", "`referee`"),
    ConfirmSpec: ("##", "`confirm`"),
    VariantSpec: ("###", "`variants` of `confirm`"),
    LocalExecutor: ("##", "`executors.local`"),
    SshExecutor: ("###", "`executors.NAME` of the kind `ssh`"),
    MentorSpec: ("##", "`mentor`"),
    MemorySpec: ("##", "`memory`"),
    PolicySpec: ("##", "`policy`"),
    CapsSpec: ("###", "`policy.caps`"),
    BudgetSpec: ("##", "`budget`"),
    BudgetPart: ("###", "`budget.per_iteration`"),
    PriceSpec: ("###", "`budget.prices.NAME`"),
    StopSpec: ("##", "`stop`"),
    RepairSpec: ("##", "`repair`"),
    CloneSpec: ("###", "A repository of `repair`"),
    FinishSpec: ("##", "`finish`"),
}


FORMATS = {"duration": "duration", "regex": "regular expression", "share": "percentage"}

NOTE = re.compile(r"<!-- note (\w+) -->\n(.*?)(?=<!-- note |\Z)", re.DOTALL)
"""What is said of a model besides its docstring: from such a line to the next one."""


def page() -> str:
    """The whole page."""
    definitions = campaign_schema()
    missing = _reachable(Campaign) - set(SECTIONS)
    if missing:
        raise SystemExit(f"campaign_docs.py: no section for {sorted(m.__name__ for m in missing)}")
    text = TEXT.read_text()
    notes = dict(NOTE.findall(text))
    strange = set(notes) - {model.__name__ for model in SECTIONS}
    if strange:
        raise SystemExit(f"campaign_docs.py: notes on {sorted(strange)}, which have no section")
    sections = [
        section
        for model in SECTIONS
        for section in _section(
            model, _schema_of(model, definitions), notes.get(model.__name__, "")
        )
    ]
    before, after = NOTE.sub("", text).split("<!-- keys -->\n")
    whole = before + "\n".join(sections) + "\n" + after
    whole = whole.replace("<!-- agent placeholders -->", _table(AGENT_PLACEHOLDERS))
    return whole.replace("<!-- placeholders -->", _table(PLACEHOLDERS))


def _table(placeholders: Mapping[str, str]) -> str:
    names = "\n".join(f"| `{{{name}}}` | {text} |" for name, text in placeholders.items())
    return f"| placeholder | |\n| --- | --- |\n{names}"


def _reachable(model: type[Model]) -> set[type[Model]]:
    found = {model}
    for field in fields_of(model).values():
        for part in models_in(field.annotation):
            found |= _reachable(part)
    return found


def _schema_of(model: type[Model], schema: dict[str, Any]) -> dict[str, Any]:
    return schema if model is Campaign else schema["$defs"][model.__name__]


def _section(model: type[Model], schema: dict[str, Any], note: str) -> Iterator[str]:
    level, title = SECTIONS[model]
    about = textwrap.dedent("    " + (model.__doc__ or "")).strip()
    yield f"{level} {title}\n\n{about}\n"
    keys = sorted(fields_of(model), key=lambda key: key != "kind")  # it tells which model holds
    rows = [_row(key, model, schema) for key in keys]
    if rows:
        head = "| key | type | default | meaning | example |\n| --- | --- | --- | --- | --- |"
        yield "\n".join([head, *rows]) + "\n"
    if note:
        yield note.strip() + "\n"


def _row(key: str, model: type[Model], schema: dict[str, Any]) -> str:
    field = fields_of(model)[key]
    if not (field.description and field.examples):
        raise SystemExit(f"campaign_docs.py: {model.__name__}.{key} lacks words or an example")
    shape = schema["properties"][key]
    examples = " or ".join(f"`{example}`" for example in field.examples)
    cells = (f"`{key}`", _kind(shape), _default(key, schema), field.description, examples)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(key: str, schema: dict[str, Any]) -> str:
    if key in schema.get("required", ()):
        return "required"
    shape = schema["properties"][key]
    return f"`{_flow(shape['default'])}`" if "default" in shape else "none"


def _kind(shape: dict[str, Any]) -> str:
    """What a value may be, in a few words."""
    if "anyOf" in shape or "oneOf" in shape:
        options = shape.get("anyOf") or shape["oneOf"]
        return " or ".join(dict.fromkeys(_kind(option) for option in options))
    if "enum" in shape or "const" in shape:
        return " or ".join(f"`{value}`" for value in shape.get("enum", [shape.get("const")]))
    if shape.get("format") in FORMATS:
        return FORMATS[shape["format"]]
    if shape.get("type") == "array":
        pair = shape.get("prefixItems")
        return f"two of: {_kind(pair[0])}" if pair else f"list of: {_kind(shape['items'])}"
    kinds = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}
    return kinds.get(shape.get("type", ""), "mapping") + _range(shape)


def _range(shape: dict[str, Any]) -> str:
    if "exclusiveMinimum" in shape:
        return f" above {shape['exclusiveMinimum']:g}"
    low, high = shape.get("minimum"), shape.get("maximum")
    low = None if low is not None and low <= -(2**53) else low
    high = None if high is not None and high >= 2**53 else high
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" from {low} up" if low is not None else f" up to {high}" if high is not None else ""


def _flow(value: Any) -> str:
    """A value as YAML in one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            inside = ", ".join(f"{key}: {_flow(item)}" for key, item in value.items())
            return "{" + inside + "}"
        case list():
            return "[" + ", ".join(_flow(item) for item in value) + "]"
        case str():
            return value or "''"
        case _:
            return str(value)


def main() -> int:
    """Write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if out of date")
    text = page()
    if not parser.parse_args().check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text)
        return 0
    current = PAGE.exists() and PAGE.read_text() == text
    if not current:
        print("docs/campaign.md is out of date: run scripts/campaign_docs.py", file=sys.stderr)
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
