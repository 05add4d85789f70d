"""Where a campaign cannot see what it looks for."""

import json
from pathlib import Path

import msgspec
import pytest

from engine.core.campaign.foresight import Seen, bearable_noise, warnings
from engine.core.campaign.load import LoadedCampaign, load_campaign, located
from tests.driving import Driver
from tests.noisy import Noisy

NOISY = """\
campaign: bowl
metric: {name: ms, direction: min, noise: measured, min_gain: 0.5%, target: 90}
referee: {most_pairs: 60}
env: {set: {SHAPE: short, DEPTH: 2}}
space: {lr: {choices: [1, 2]}}
baseline: {lr: 1}
checks: [{name: bench, run: "true", reports: [ms], env: {set: {WIDTH: 3}}}]
confirm:
  variants:
    - {name: same, env: {SHAPE: short, WIDTH: 3}}
    - {name: long, env: {SHAPE: long}}
    - {name: longer, env: {SHAPE: long}}
    - {name: plain}
"""
SEEN = Seen(run="bowl-s0", value=100.0, noise=0.01)


def loaded(folder: Path, text: str) -> LoadedCampaign:
    path = folder / "c.yaml"
    path.write_text(text)
    return load_campaign(path)


def told(folder: Path, text: str, seen: Seen | None) -> list[str]:
    campaign = loaded(folder, text)
    return [each.render("c.yaml") for each in located(campaign, warnings(campaign.campaign, seen))]


def test_a_gain_below_what_the_pairs_show(tmp_path: Path) -> None:
    (line,) = [each for each in told(tmp_path, NOISY, SEEN) if "min_gain:" in each]
    assert line == (
        "c.yaml:2:63: metric.min_gain: with the noise that bowl-s0 measured, 1 %, 60 pairs show "
        "0.71 %: most gains of 0.5 % would be inconclusive; write referee.most_pairs: 119, or ask "
        "for a larger gain, or let the check report a mean of more runs"
    )
    more = NOISY.replace("most_pairs: 60", "most_pairs: 130")
    assert not [each for each in told(tmp_path, more, SEEN) if "min_gain:" in each]
    assert not [each for each in told(tmp_path, NOISY, None) if "min_gain:" in each]
    quiet = msgspec.structs.replace(SEEN, noise=0.001)
    assert not [each for each in told(tmp_path, NOISY, quiet) if "min_gain:" in each]


def test_how_much_noise_a_gain_can_bear(tmp_path: Path) -> None:
    bearable = bearable_noise(loaded(tmp_path, NOISY).campaign)
    assert bearable == pytest.approx(0.01 * 0.5 / 0.71, rel=0.01)
    assert bearable_noise(loaded(tmp_path, NOISY.replace("0.5%", "0.5")).campaign) is None
    exact = NOISY.replace("referee: {most_pairs: 60}\n", "").replace("measured", "none")
    assert bearable_noise(loaded(tmp_path, exact).campaign) is None


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("99.6", "it is 0.4 from the baseline of bowl-s0, 100, and a gain below 0.7"),
        ("101", "the baseline of bowl-s0 meets it already, with 100"),
        ("98", ""),
    ],
)
def test_a_target_that_no_promotion_meets(tmp_path: Path, target: str, what: str) -> None:
    text = NOISY.replace("target: 90", f"target: {target}")
    lines = [each for each in told(tmp_path, text, SEEN) if "metric.target:" in each]
    assert len(lines) == bool(what)
    assert all(what in line for line in lines)


def test_without_noise_the_smallest_gain_counts(tmp_path: Path) -> None:
    exact = NOISY.replace("referee: {most_pairs: 60}\n", "").replace("measured", "none")
    text = exact.replace("target: 90", "target: 99.6")
    seen = msgspec.structs.replace(SEEN, noise=None)
    (line,) = [each for each in told(tmp_path, text, seen) if "target" in each]
    assert "a gain below 0.5 is not promoted" in line


def test_variants_that_confirm_nothing_new(tmp_path: Path) -> None:
    lines = [each for each in told(tmp_path, NOISY, None) if "variants" in each]
    assert [line.partition("; ")[0] for line in lines] == [
        "c.yaml:10:7: confirm.variants.same: the search measures under this very environment: it "
        "confirms nothing new",
        "c.yaml:12:7: confirm.variants.longer: it is the same as 'long'",
        "c.yaml:13:7: confirm.variants.plain: the search measures under this very environment: it "
        "confirms nothing new",
    ]


def test_check_warns_by_what_an_earlier_run_measured(tmp_path: Path) -> None:
    metric = "{name: ms, direction: min, noise: measured, min_gain: 0.5%}"
    noisy = Noisy(tmp_path, cv=0.02, metric=metric, stop="{iterations: 1}")
    assert "warning" not in noisy("check", str(noisy.config)).stdout
    noisy.run()
    printed = noisy("check", str(noisy.config)).stdout
    assert "is in order" in printed
    assert "warning: " in printed
    assert "metric.min_gain: with the noise that noisy-s3 measured" in printed
    data = json.loads(noisy("check", str(noisy.config), "--json").stdout)
    assert data["ok"]
    assert len(data["warnings"]) == 1


def test_a_run_that_cannot_be_read_says_nothing(driver: Driver) -> None:
    driver.run("--iterations", "1")
    (driver.run_dir / "journal.sqlite").write_bytes(b"not a journal")
    assert "is in order" in driver("check", str(driver.config)).stdout
