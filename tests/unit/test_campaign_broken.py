"""Every broken campaign file is refused with line, column and advice for every mistake in it.

`tests/campaigns/broken.expected` is the table: what each file of `tests/campaigns/broken` is told.
"""

from pathlib import Path

import pytest

from engine.core.campaign.load import load_campaign
from engine.core.campaign.problems import CampaignError

FOLDER = Path(__file__).parent.parent / "campaigns" / "broken"
HERE, ABOVE = str(FOLDER.resolve()), str(FOLDER.resolve().parent.parent)
EXPECTED = FOLDER.with_suffix(".expected").read_text().splitlines()


def told(path: Path) -> list[str]:
    with pytest.raises(CampaignError) as caught:
        load_campaign(path)
    return [
        problem.render(path.name).replace(HERE, "FOLDER").replace(ABOVE, "ABOVE")
        for problem in caught.value.problems
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.stem)
def test_every_mistake_is_told_with_its_place_and_a_fix(path: Path) -> None:
    expected = [line for line in EXPECTED if line.startswith(f"{path.name}:")]
    assert expected
    assert told(path) == expected


def test_every_line_of_the_table_is_about_a_file_that_exists() -> None:
    files = {path.name for path in FOLDER.iterdir()}
    assert {line.partition(":")[0] for line in EXPECTED} == files
    assert len(files) >= 80


def test_the_error_as_text_has_a_line_for_each_problem() -> None:
    path = FOLDER / "keys_misspelt.yaml"
    with pytest.raises(CampaignError) as caught:
        load_campaign(path)
    first, *others = str(caught.value).splitlines()
    assert first == f"{path}:5:3: unknown key 'diretion' in metric; did you mean 'direction'?"
    assert len(others) == 3


def test_thousands_of_mistakes_are_not_all_printed(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("".join(f"key{number}: 1\n" for number in range(200)))
    with pytest.raises(CampaignError) as caught:
        load_campaign(path)
    assert len(caught.value.problems) > 200
    assert str(caught.value).splitlines()[-1] == f"{path}: {len(caught.value.problems) - 50} more"
