"""Loading a campaign: what is kept, what is the same, what overrides do."""

import json
from pathlib import Path

import pytest

from engine.core.campaign.judge import judge
from engine.core.campaign.load import (
    LoadedCampaign,
    campaign_from_document,
    document_sha256,
    load_campaign,
)
from engine.core.campaign.problems import CampaignError

TEXT = """\
# what is climbed
campaign: bowl
metric: {name: loss, direction: min, target: 1, min_gain: 0.10%}
space:
  layers: {int: [1, 8], step: power2}
  optimizer: {choices: [sgd, adam]}
  momentum: {float: [0, 1], when: {optimizer: sgd}}
  scale: {choices: [0.5, 1]}
baseline: {layers: 2, optimizer: sgd, momentum: 1, scale: 1.0}
checks:
  - {name: train, run: "{python} train.py", deadline: 90m, reports: [loss]}
  - {name: slow, run: "{python} slow.py", when: would_promote}
stop: {iterations: 200, for: 8h}
"""
REORDERED = """\
campaign: bowl
stop: {for: 480m, iterations: 200, failures: 25}
baseline: {scale: 1, momentum: 1.0, optimizer: sgd, layers: 2}
checks:
  - {reports: [loss], run: "{python} train.py", deadline: 1h30m, name: train}
  - {name: slow, run: "{python} slow.py", when: would_promote}   # dear
space:
  scale: {choices: [0.5, 1]}
  momentum: {float: [0.0, 1e0], when: {optimizer: [sgd]}}
  optimizer: {choices: [sgd, adam]}
  layers: {step: power2, int: [1, 8]}
metric: {direction: min, name: loss, target: 1.0, min_gain: "0.1%"}
seed: 0
"""


def load(folder: Path, text: str = TEXT, *overrides: str) -> LoadedCampaign:
    path = folder / "bowl.yaml"
    path.write_text(text)
    return load_campaign(path, overrides)


def problems(folder: Path, *overrides: str) -> list[str]:
    with pytest.raises(CampaignError) as caught:
        load(folder, TEXT, *overrides)
    return str(caught.value).splitlines()


def test_order_comments_and_spelling_of_values_do_not_matter(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path, REORDERED)
    assert first.document == second.document
    assert json.dumps(first.document) == json.dumps(second.document)
    assert first.sha256 == second.sha256 == document_sha256(first.document)
    assert first.text != second.text


def test_another_value_is_another_campaign(tmp_path: Path) -> None:
    hashes = {
        load(tmp_path, TEXT, *overrides).sha256
        for overrides in ([], ["seed=1"], ["space.scale.choices=[1, 0.5]"], ["about=bowls"])
    }
    assert len(hashes) == 4


def test_a_stored_document_gives_the_same_campaign_back(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    stored = json.loads(json.dumps(loaded.document))
    again = campaign_from_document(stored)
    assert again == loaded.campaign
    assert again.document() == loaded.document


def test_a_document_that_this_version_cannot_use_is_refused(tmp_path: Path) -> None:
    document = load(tmp_path).document | {"leases": {"hold": "10m"}}
    with pytest.raises(CampaignError, match="the stored campaign: this version does not know"):
        campaign_from_document(document)


def test_the_baseline_is_written_as_its_parameters_write_values(tmp_path: Path) -> None:
    baseline = load(tmp_path).campaign.baseline
    assert json.dumps(baseline) == (
        '{"layers": 2, "momentum": 1.0, "optimizer": "sgd", "scale": 1}'
    )


def test_root_is_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    loaded = load(tmp_path / "configs", "root: ..\n" + TEXT)
    assert loaded.root == tmp_path.resolve()
    assert loaded.campaign.root == ".."
    assert loaded.path == (tmp_path / "configs" / "bowl.yaml").resolve()


def test_overrides_reach_into_mappings_and_lists(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, TEXT, "stop.iterations=5", "checks.train.deadline=60s", "checks.1.name=last",
        "space.layers.int=[1, 4]", "proposers.0.slots=3", "metric.unit=ms", "env.set.A=b",
    )  # fmt: skip
    campaign = loaded.campaign
    assert campaign.stop.iterations == 5
    assert [check.deadline_s for check in campaign.checks] == [60.0, 600.0]
    assert campaign.checks[1].name == "last"
    assert loaded.document["space"]["layers"]["int"] == [1, 4]
    assert campaign.slots == 3
    assert campaign.metric.unit == "ms"
    assert campaign.env.set == {"A": "b"}


def test_a_later_override_wins(tmp_path: Path) -> None:
    assert load(tmp_path, TEXT, "seed=1", "seed=2").campaign.seed == 2


def test_an_override_can_mend_the_file(tmp_path: Path) -> None:
    broken = TEXT.replace("iterations: 200", "iterations: many")
    assert load(tmp_path, broken, "stop.iterations=5").campaign.stop.iterations == 5


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed", "is not key=value; write, for example, --set stop.iterations=20"),
        ("=5", "is not key=value; write, for example, --set stop.iterations=20"),
        ("stop..for=5", "is not key=value; write, for example, --set stop.iterations=20"),
        ("stop.itrations=5", "unknown key 'itrations' in stop; did you mean 'iterations'?"),
        ("stop.iterations=0", "stop.iterations must be at least 1, not 0; write 1 or more"),
        ("stop.for=", "stop.for has no value; give it one, or remove the line"),
        ("campaign.x=1", "campaign holds a single value, nothing below it; set campaign itself"),
        ("seed.x=1", "seed must be a whole number, not a mapping; write a number, such as 7"),
        ("checks.test.run=x", "checks has no item called 'test'; there are: train, slow"),
        ("checks.7.run=x", "checks has no item called '7'; there are: train, slow"),
        ("about=[a", "this [ is not closed; write the ], or put the text in quotes"),
        (
            "checks.train.deadline=60",
            "checks.train.deadline: '60' has no unit; write 60s, 60m or 60h",
        ),
        (
            "space.layers.int=[4, 8]",
            "",  # the complaint is about the baseline, in the file
        ),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, override: str, expected: str) -> None:
    place = f"--set {override}: {expected}"
    if not expected:
        place = f"{tmp_path / 'bowl.yaml'}:9:20: baseline.layers: 2 is outside 4 to 8; "
        place += "choose another value"
    assert problems(tmp_path, override) == [place]


def test_mistakes_in_the_file_and_in_overrides_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "bowl.yaml"
    path.write_text(TEXT.replace("reports", "report"))
    with pytest.raises(CampaignError) as caught:
        load_campaign(path, ["seed=x", "stop.plateau=-1"])
    assert [(problem.line, problem.option) for problem in caught.value.problems] == [
        (11, ""),
        (0, "--set seed=x"),
        (0, "--set stop.plateau=-1"),
    ]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"nowhere\.yaml: there is no such file"):
        load_campaign(tmp_path / "nowhere.yaml")
    with pytest.raises(CampaignError, match="is a folder, not a campaign file"):
        load_campaign(tmp_path)
    big = tmp_path / "big.yaml"
    with big.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(CampaignError, match="larger than 1 MiB"):
        load_campaign(big)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert load_campaign(path).sha256 == load(tmp_path).sha256


def test_windows_line_ends_are_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "crlf.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    assert load_campaign(path).sha256 == load(tmp_path).sha256


def test_either_a_campaign_or_findings() -> None:
    campaign, findings = judge({})
    assert campaign is None
    assert {finding.message.split()[0] for finding in findings} == {
        "'campaign'", "'metric'", "'space'", "'checks'", "'baseline'",
    }  # fmt: skip
