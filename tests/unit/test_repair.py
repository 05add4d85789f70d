"""What a check lacks, what may be done about it, in which order, and what is told of it. Pure."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.checks.configuration import config_of, with_config
from engine.checks.falling_back import fallback_of
from engine.core import events as e
from engine.core.campaign.checks import CheckSpec
from engine.core.fold import fold
from engine.core.plan import Plan, PlannedCheck
from engine.core.referee import next_step
from engine.core.repair.choose import Facts, choose
from engine.core.repair.detect import detect
from engine.core.repair.environment import repaired, standing
from engine.core.repair.events import (
    RepairEvent,
    RepairFinished,
    RepairSkipped,
    RepairStarted,
    repair_id,
    same_again,
)
from engine.core.repair.parts import Fallback, Found, RepairRules, Tried, Way
from engine.core.repair.patching import UnpatchableError, parameter_of, patched
from engine.core.repair_lines import repair_line
from engine.core.state import RunState, dump, load
from engine.core.steps import Repair, RunCheck
from engine.loop.planning import plan_of
from engine.reports.working import RepairsStatus, repairs_status
from tests.checking import campaign_of
from tests.recorded import NOON, began, checked, created, proposed, started

MADE = {"venv": {"requirements": "requirements.txt"}}


def rules(**repair: Any) -> RepairRules:
    """The rules of a campaign with this section, which may install unless it says otherwise."""
    section = {"install": True, **repair}
    found = plan_of(campaign_of({"run": "true"}, repair=section, environment=MADE)).repair
    assert found is not None
    return found


def module(name: str) -> Found:
    return Found(kind="module", name=name, evidence="")


def model(name: str) -> Found:
    return Found(kind="model", name=name, evidence="")


def ways(found: Found, facts: Facts | None = None, **repair: Any) -> list[tuple[str, list[str]]]:
    chosen = choose(found, rules(**repair), facts or Facts()).ways
    return [(way.kind, way.packages or [way.clone.repo if way.clone else way.to]) for way in chosen]


def why(found: Found, facts: Facts | None = None, **repair: Any) -> str:
    choice = choose(found, rules(**repair), facts or Facts())
    assert choice.ways == []
    return choice.reason


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["ModuleNotFoundError: No module named 'a.b'"], ("module", "a.b")),
        (['E   ModuleNotFoundError: No module named "cv2"', "", "1 failed"], ("module", "cv2")),
        (["x", "ValueError: Unsupported model.name: 'u-net.2'"], ("model", "u-net.2")),
        (["Unsupported model.name: a.", "ModuleNotFoundError: No module named 'b'"],
         ("module", "b")),
        (["ModuleNotFoundError: No module named 'a'", "ModuleNotFoundError: No module named 'b'"],
         ("module", "b")),
        (["ModuleNotFoundError: No module named 'a.b'; 'a' is not a package"], None),
        (["No module named 'a'"], None),
        (["ModuleNotFoundError: No module named 'a; rm -rf'"], None),
        ([], None),
    ],
)  # fmt: skip
def test_what_a_check_lacks(lines: list[str], expected: tuple[str, str] | None) -> None:
    found = detect(lines)
    assert (found and (found.kind, found.name)) == expected
    assert found is None or found.evidence in "\n".join(lines)


def test_only_the_end_of_the_output_is_looked_at() -> None:
    assert detect(["ModuleNotFoundError: No module named 'a'", *[""] * 400]) is None


def test_modules_by_their_longest_known_beginning() -> None:
    known: dict[str, Any] = {"modules": {"a": "p q", "a.b": ["r==1"]}}
    assert ways(module("a.b.c"), **known) == [("packages", ["r==1"])]
    assert ways(module("A.x"), **known) == [("packages", ["p", "q"])]
    assert ways(module("timm.layers")) == [("packages", ["timm"])]
    assert ways(module("timm"), modules={"timm": []}, guess=True) == []


def test_aliases_by_the_first_name_where_no_module_is_known() -> None:
    assert ways(module("sklearn.svm")) == [("packages", ["scikit-learn"])]
    assert ways(module("cv2"), aliases={"cv2": "headless"}) == [("packages", ["headless"])]
    both: dict[str, Any] = {"aliases": {"a": "p"}, "modules": {"a": ["q"]}}
    assert ways(module("a"), **both) == [("packages", ["q"])]


def test_clones_after_packages_and_before_a_guess() -> None:
    clones: dict[str, Any] = {"clones": {"nets": "../nets"}, "guess": True}
    assert ways(module("nets.small"), **clones) == [("clone", ["../nets"])]
    both = [("packages", ["p"]), ("clone", ["../nets"])]
    assert ways(module("nets"), modules={"nets": ["p"]}, **clones) == both
    # A person's repository wins over what is known without a person.
    assert ways(module("yaml"), clones={"yaml": "../y"}) == [("clone", ["../y"])]


def test_a_guess_is_one_name_and_only_where_allowed() -> None:
    assert ways(module("foo_bar"), guess=True) == [("guess", ["foo-bar"])]
    assert "none is guessed" in why(module("foo_bar"))
    assert "foo is there" in why(module("foo.bar"), guess=True)
    assert "Python itself" in why(module("tkinter"), guess=True)
    assert "no name of a package" in why(module("_native"), guess=True)
    assert "nothing is installed for" in why(module("a"), guess=True, modules={"a": []})


def test_a_fallback_before_everything() -> None:
    everything: dict[str, Any] = {
        "fallbacks": {"big": "small"},
        "model_packages": {"big": ["p"]},
        "model_clones": {"big": "../big"},
    }
    seen = Facts(replaceable=True)
    assert ways(model("Big"), seen, **everything) == [("fallback", ["small"])]
    installed = [("packages", ["p"]), ("clone", ["../big"])]
    assert ways(model("big"), **everything) == installed
    assert ways(model("big"), seen, **{**everything, "fallbacks": {}}) == installed
    assert ways(model("unet_resnet34"), seen) == [("fallback", ["simple_unet"])]
    none = ways(model("unet_resnet34"), seen, fallbacks={"unet_resnet34": ""})
    assert none == [("packages", ["segmentation-models-pytorch", "timm"])]


def test_a_fallback_needs_no_consent_to_install() -> None:
    seen = Facts(replaceable=True)
    assert ways(model("a"), seen, install=False, fallbacks={"a": "b"}) == [("fallback", ["b"])]


def test_nothing_is_installed_unasked_or_where_it_is_not_the_campaigns_own() -> None:
    assert "unasked" in why(module("timm"), install=False)
    assert "lies in the check's folder" in why(module("timm"), Facts(here=True))
    theirs = plan_of(campaign_of({"run": "true"}, repair={"install": True})).repair
    assert theirs is not None
    assert "not the campaign's own" in choose(module("timm"), theirs, Facts()).reason
    sealed = {"produce": "true", "judge": "true"}
    judged = plan_of(campaign_of(sealed, repair={"install": True}, environment=MADE)).repair
    assert judged is not None
    assert "sealed" in choose(module("timm"), judged, Facts()).reason


def test_what_is_unknown_is_told() -> None:
    assert "neither a fallback" in why(model("a"))
    assert "named neither in a parameter" in why(model("a"), fallbacks={"a": "b"})


def test_python_and_deadline_and_retry_are_carried_over() -> None:
    found = rules(python="python3.12", deadline="2m", retry=False)
    assert (found.python, found.deadline_s, found.retry) == ("python3.12", 120.0, False)


def test_a_section_that_is_switched_off_repairs_nothing() -> None:
    assert plan_of(campaign_of({"run": "true"}, repair={"enabled": False})).repair is None
    assert plan_of(campaign_of({"run": "true"})).repair is None


def test_the_model_is_replaced_by_its_path_and_nowhere_else() -> None:
    text = "data: {name: unet}\nmodel:\n  width: 3\n  name: unet # unet\nname: unet\n"
    expected = text.replace("  name: unet #", '  name: "small" #')
    assert patched(text, "unet", "small") == expected
    assert patched('{"model": {"name": "unet"}}', "unet", "a") == '{"model": {"name": "a"}}'
    for other in ("name: unet\n", "model: {name: other}\n", "model: [", "- a\n", ""):
        with pytest.raises(UnpatchableError):
            patched(other, "unet", "small")


def test_the_parameter_that_names_a_model() -> None:
    assert parameter_of({"model": "u", "note": "u"}, "u") == "model"
    assert parameter_of({"net": "u", "x": 1}, "u") == "net"
    assert parameter_of({"net": "u", "other": "u"}, "u") is None
    assert parameter_of({"model": "v"}, "u") is None


@pytest.mark.parametrize(
    ("check", "file", "expected"),
    [
        ({"run": "t --config a.yaml -x"}, "a.yaml", ("t", "--config", "/n.yaml", "-x")),
        ({"run": ["t", "--config=a.yaml"]}, "a.yaml", ("t", "--config=/n.yaml")),
        ({"run": "a.yaml; t --config a.yaml | cat", "shell": True}, "a.yaml",
         "a.yaml; t --config /n.yaml | cat"),
        ({"run": "t --config {candidate}"}, None, None),
        ({"run": "t --config"}, None, None),
        ({"produce": "t --config a.yaml", "judge": "j"}, None, None),
    ],
)  # fmt: skip
def test_the_configuration_of_a_command(
    check: dict[str, Any], file: str | None, expected: object
) -> None:
    spec = CheckSpec.model_validate({"name": "a", **check})
    assert config_of(spec) == file
    if file is not None:
        assert with_config(spec, "/n.yaml").run == expected


def test_a_candidate_falls_back_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: {name: u}")
    spec = CheckSpec.model_validate({"name": "a", "run": "t --config a.yaml"})
    candidate = story().candidates[proposed(1).candidate]
    found = fallback_of(spec, candidate, tmp_path, "u", to="v", folder="repairs/p-0001")
    assert found == Fallback(model="u", to="v", folder="repairs/p-0001")
    candidate.fallback = found
    assert fallback_of(spec, candidate, tmp_path, "u", to="v") is None


def story(*events: e.AnyEvent) -> RunState:
    """A run whose first check has failed for want of a module, and what happened then."""
    failed = msgspec.structs.replace(
        checked(1, 0.0),
        outcome="failed",
        verdict="incorrect",
        metrics={},
        found=module("a"),
    )
    state = None
    for seq, event in enumerate((created(), started(), began(1), proposed(1), failed, *events), 1):
        state = fold(state, e.Record(seq=seq, time=NOON, event=event, hash=b""))
    assert state is not None
    return load(dump(state))


PLAN = Plan(checks=(PlannedCheck(name="cost"),), repair=RepairRules())
WAYS = [Way(kind="packages", packages=["a"])]
BEGUN = RepairStarted(
    repair=repair_id(1),
    iteration=began(1).iteration,
    candidate=proposed(1).candidate,
    check="cost",
    attempt=1,
    found=module("a"),
    ways=WAYS,
    folder="repairs/p-0001",
)


def ended(**changed: Any) -> RepairFinished:
    outcome = RepairFinished(
        repair=BEGUN.repair,
        iteration=BEGUN.iteration,
        candidate=BEGUN.candidate,
        check=BEGUN.check,
        outcome="repaired",
        tried=[Tried(way=WAYS[0], worked=True)],
        took_s=2.0,
        again=True,
        lines=["a"],
    )
    return msgspec.structs.replace(outcome, **changed)


def step(state: RunState, plan: Plan = PLAN) -> object:
    return next_step(state, state.open[1], plan, 4e9)


def test_one_repair_and_one_retry() -> None:
    assert step(story()) == Repair(check="cost", found=module("a"))
    assert step(story(BEGUN)) == Repair(check="cost", found=module("a"))
    assert story(BEGUN).open[1].phase == "repairing cost"
    assert step(story(BEGUN, ended())) == RunCheck(name="cost")
    failed = story().open[1].finished[0]
    assert isinstance(step(story(BEGUN, ended(), failed)), e.VerdictReached)
    assert isinstance(step(story(BEGUN, ended(again=False))), e.VerdictReached)
    assert isinstance(step(story(BEGUN, ended(outcome="failed", again=False))), e.VerdictReached)
    assert isinstance(step(story(), msgspec.structs.replace(PLAN, repair=None)), e.VerdictReached)


def test_what_is_skipped_has_its_verdict() -> None:
    skipped = RepairSkipped(
        iteration=BEGUN.iteration,
        candidate=BEGUN.candidate,
        check="cost",
        found=module("a"),
        reason="no",
    )
    assert isinstance(step(story(skipped)), e.VerdictReached)


def test_what_was_installed_stands_in_the_fingerprint() -> None:
    state = story(BEGUN, ended())
    assert state.repairs.lines == ["a"]
    assert state.fingerprint == repaired(started().fingerprint, ["a"])
    assert repaired(state.fingerprint, []) == repaired({"environment": ""}, [])
    assert repaired(state.fingerprint, ["a", "b"]) == repaired({"environment": ""}, ["a", "b"])


def test_what_did_not_help_is_known_until_another_engine() -> None:
    state = story(BEGUN, ended(outcome="failed", again=False, lines=[]))
    assert state.repairs.failed == {same_again(BEGUN.found, WAYS, 1): "p-0001"}


def test_what_repairs_came_to_is_counted() -> None:
    skipped = RepairSkipped(
        iteration=BEGUN.iteration,
        candidate=BEGUN.candidate,
        check="cost",
        found=module("a"),
        reason="no",
    )
    assert repairs_status(None) == repairs_status(story()) == RepairsStatus()
    assert repairs_status(story(BEGUN)) == RepairsStatus(begun=1, open=BEGUN.repair)
    assert repairs_status(story(BEGUN, ended())) == RepairsStatus(begun=1, repaired=1)
    vain = ended(outcome="failed", again=False, lines=[])
    assert repairs_status(story(BEGUN, vain)) == RepairsStatus(begun=1, failed=1)
    assert repairs_status(story(skipped)) == RepairsStatus(skipped=1)


def test_another_model_is_kept_with_the_candidate() -> None:
    fallback = Fallback(model="big", to="small", parameter="model")
    candidate = story(BEGUN, ended(lines=[], fallback=fallback)).candidates[BEGUN.candidate]
    assert candidate.fallback == fallback
    assert candidate.tags == ["explore", "repaired"]


def test_what_was_installed_goes_with_the_consent() -> None:
    assert standing({"repair": {"install": True}}, ["a"]) == ["a"]
    assert standing({"repair": {"install": False}}, ["a"]) == []
    assert standing({"repair": {"install": True, "enabled": False}}, ["a"]) == []
    assert standing({}, ["a"]) == []


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (BEGUN, "p-0001: cost lacks the module a: a …"),
        (ended(), "p-0001 repaired in 2.0 s: a, cost is run again"),
        (
            ended(
                outcome="failed", again=False, tried=[Tried(way=WAYS[0], worked=False, detail="x")]
            ),
            "p-0001 failed in 2.0 s: a did not help: x",
        ),
        (
            ended(fallback=Fallback(model="big", to="small", parameter="model")),
            "p-0001 repaired in 2.0 s: small instead of big (model), cost is run again",
        ),
    ],
)
def test_a_line_for_each(event: RepairEvent, expected: str) -> None:
    assert repair_line(event) == expected
