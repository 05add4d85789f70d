"""Defects of llm_driven_cnns in its auto repair: each case, and what is right here."""

import pytest
import yaml

from engine.core.repair.choose import Choice, Facts, choose
from engine.core.repair.detect import detect
from engine.core.repair.parts import RepairRules
from engine.core.repair.patching import UnpatchableError, patched


def choice(line: str, rules: RepairRules) -> Choice:
    """What is done about a check whose output has the line."""
    found = detect(["Traceback (most recent call last):", line])
    assert found is not None
    return choose(found, rules, Facts())


def test_v10_one_name_is_guessed_and_only_where_that_is_allowed() -> None:
    """Four spellings went into one call of pip, so that one wrong guess failed all of them."""
    line = "ModuleNotFoundError: No module named 'foo_bar'"
    (way,) = choice(line, RepairRules(guess=True, install=True)).ways
    assert (way.kind, way.packages) == ("guess", ["foo-bar"])
    assert choice(line, RepairRules(install=True)).ways == []
    assert choice(line, RepairRules(guess=True)).ways == [], "nothing is installed unasked"
    dotted = "ModuleNotFoundError: No module named 'foo_bar.baz'"
    assert choice(dotted, RepairRules(guess=True, install=True)).ways == []


def test_v11_the_name_of_the_model_is_replaced_and_no_other() -> None:
    """The first line `name: ALIAS` of the file was patched, whatever it was the name of."""
    text = "data:\n  name: big\nmodel:\n  width: 3\n  name: big  # ours\nlog: {name: big}\n"
    found = patched(text, "big", "small")
    assert yaml.safe_load(found) == yaml.safe_load(text) | {"model": {"width": 3, "name": "small"}}
    assert found.splitlines()[:4] == text.splitlines()[:4]
    with pytest.raises(UnpatchableError):
        patched("data:\n  name: big\nmodel: {name: other}\n", "big", "small")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ModuleNotFoundError: No module named 'unheard_of'", "unheard_of"),
        ("ValueError: Unsupported model.name: odd_net", "odd_net"),
        ("ModuleNotFoundError: No module named 'einops'", "unasked"),
    ],
)
def test_v12_what_is_not_done_has_its_reason(line: str, reason: str) -> None:
    """Where nothing was attempted, nothing was written down."""
    found = choice(line, RepairRules())
    assert found.ways == []
    assert reason in found.reason


def test_what_is_known_can_be_taken_back() -> None:
    """Entries of a campaign were merged over defaults, none of which could be removed."""
    line = "ModuleNotFoundError: No module named 'cv2'"
    (way,) = choice(line, RepairRules(install=True)).ways
    assert way.packages == ["opencv-python"]
    own = RepairRules(install=True, aliases={"cv2": "opencv-python-headless"})
    (way,) = choice(line, own).ways
    assert way.packages == ["opencv-python-headless"]
    assert choice(line, RepairRules(install=True, aliases={"cv2": ""})).ways == []
