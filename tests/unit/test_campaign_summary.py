"""What `controlroom check` says of a campaign that is in order."""

from pathlib import Path

from engine.cli.summary import summary
from engine.core.campaign.load import load_campaign

SEARCH = """\
campaign: bowl
metric: {name: loss, direction: min, label: static estimate}
space: {lr: {choices: [1, 2]}, layers: {int: [1, 8], step: power2}}
baseline: {lr: 1, layers: 2}
proposers: [{slots: 2}]
checks: [{name: lint, run: "true"}, {name: train, run: "true", reports: [loss]}]
"""
CODE = """\
campaign: code
workspace: {repo: ., base: main}
metric: {name: ms, direction: max}
proposers: [{kind: agent, agent: codex, model: gpt-5.5, effort: high}]
checks: [{name: bench, run: "true", reports: [ms]}]
post_checks: [{name: suite, run: "true"}]
budget: {usd: 40, tokens: 8M, per_iteration: {usd: 2.5, tokens: 500k, minutes: 45}}
"""


def lines(folder: Path, text: str) -> list[str]:
    path = folder / "c.yaml"
    path.write_text(text)
    said = summary(load_campaign(path))
    return said.replace(str(folder.resolve()), "HERE").splitlines()


def test_a_search(tmp_path: Path) -> None:
    assert lines(tmp_path, SEARCH) == [
        "c.yaml is in order",
        "  climbs   loss, min (static estimate)",
        "  space    8 configurations of 2 parameters",
        "  checks   lint, train, in HERE",
        "  slots    2",
    ]


def test_an_agent(tmp_path: Path) -> None:
    mentored = CODE.replace("checks:", "mentor: {agent: claude, every: 3}\nchecks:", 1)
    said = [line for line in lines(tmp_path, mentored) if not line.startswith("  sandbox")]
    assert said == [
        "c.yaml is in order",
        "  climbs   ms, max (score can be forged)",
        "  code     HERE from main, in trees of its own",
        "  agent    codex, gpt-5.5, effort high",
        "  mentor   claude, every 3 iterations",
        "  checks   bench, in HERE; before a promotion suite",
        "  slots    1",
        "  budget   40 USD, 8,000,000 tokens, 2.5 USD an iteration, 500,000 tokens an iteration, "
        "45 minutes an iteration",
    ]


def test_your_checkout_is_said_to_be_used(tmp_path: Path) -> None:
    in_place = CODE.replace("base: main", "mode: in-place")
    assert "  code     HERE from HEAD, in your checkout" in lines(tmp_path, in_place)
