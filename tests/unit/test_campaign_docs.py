"""The page and the schema are made from the models, and what they show is true."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter

from engine.core.campaign.fields import Model
from engine.core.campaign.judge import judge
from engine.core.campaign.keys import fields_of, models_in
from engine.core.campaign.load import load_campaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.schema import campaign_schema
from engine.core.campaign.yamltree import parse_yaml

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "campaign.md"


def models(model: type[Model] = Campaign) -> list[type[Model]]:
    inner = [part for field in fields_of(model).values() for part in models_in(field.annotation)]
    return list(dict.fromkeys([model, *(found for part in inner for found in models(part))]))


def test_the_page_is_current() -> None:
    command = [sys.executable, ROOT / "scripts" / "campaign_docs.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


EXAMPLES: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
WHOLE = [text for text in EXAMPLES if text.startswith("campaign:")]
PARTS = [text for text in EXAMPLES if text not in WHOLE]


@pytest.mark.parametrize("example", WHOLE)
def test_a_campaign_on_the_page_loads(example: str, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(example)
    assert load_campaign(path).campaign.checks


@pytest.mark.parametrize("example", PARTS)
def test_a_part_on_the_page_fits_into_the_campaign_on_it(example: str) -> None:
    code = next(text for text in WHOLE if "workspace:" in text)
    part = parse_yaml(example)
    assert not part.problems
    assert judge(parse_yaml(code).data | part.data)[1] == []


def test_the_page_shows_both_kinds_of_campaigns_and_their_parts() -> None:
    assert len(WHOLE) == 2
    shown = {key for text in PARTS for key in parse_yaml(text).data}
    assert shown == {"proposers", "workspace", "post_checks", "policy", "budget"}


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_example_of_a_key_is_a_value_it_takes(model: type[Model]) -> None:
    for key, field in fields_of(model).items():
        adapter: TypeAdapter[Any] = TypeAdapter(
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        )
        for example in field.examples or ():
            tree = parse_yaml(f"{key}: {example}")
            assert not tree.problems
            adapter.validate_python(tree.data[key])


def test_the_schema_has_every_key_and_refuses_others() -> None:
    schema = campaign_schema()
    for model in models():
        part = schema if model is Campaign else schema["$defs"][model.__name__]
        assert list(part.get("properties", {})) == list(fields_of(model))
        assert part["additionalProperties"] is False


def test_the_schema_shows_values_as_a_file_has_them() -> None:
    check = campaign_schema()["$defs"]["CheckSpec"]["properties"]
    assert check["deadline"]["default"] == "10m"
    assert check["idle"]["type"] == "string"
    assert check["exit"]["examples"] == [[0, 3]]
    agent = campaign_schema()["$defs"]["AgentSpec"]["properties"]
    assert agent["escalate_below"]["default"] == "3%"
    assert campaign_schema()["properties"]["budget"]["default"]["per_iteration"] == {}
    assert "null" not in json.dumps(campaign_schema())


def test_campaigns_that_ship_load() -> None:
    found = sorted((ROOT / "configs").glob("*.yaml"))
    assert found
    for path in found:
        assert load_campaign(path).campaign.checks
