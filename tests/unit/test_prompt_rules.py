"""How many rules the prompts that ship give: few enough to be kept."""

import re

import pytest

from engine.knowledge.templates import read_text, shipped

RULE = re.compile(r"^(?:\d+\.|-) ", re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "most"), [("worker.md", 12), ("worker_decision.md", 12), ("mentor.md", 8)]
)
def test_a_prompt_has_few_rules(name: str, most: int) -> None:
    assert 0 < len(RULE.findall(read_text(shipped(name)))) <= most
