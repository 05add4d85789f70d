"""Scripts of the scripted agent: what is played when, what each step does, what is refused."""

from pathlib import Path

import pytest

from engine.agents.protocol import (
    Answered,
    FileChanged,
    Message,
    Reasoning,
    ToolFinished,
    ToolStarted,
)
from engine.agents.script import Script, ScriptError, parse_script
from tests.agents import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def said(script: Script, iteration: int, attempt: int = 1) -> list[object]:
    return [step.value for step in script.steps(iteration, attempt)]


def test_steps_are_found_by_iteration_and_attempt() -> None:
    script = parse_script(
        "iterations:\n  3/1: [{say: first}]\n  3: [{say: again}]\n  '07': []\n  5:\n"
        "otherwise: [{say: else}]\n"
    )
    assert said(script, 3) == ["first"]
    assert said(script, 3, 2) == ["again"]
    assert said(script, 4) == ["else"]
    assert said(script, 5) == []


@pytest.mark.parametrize(
    ("after", "seen"),
    [
        ("end", ["a", "b", None, None, None]),
        ("repeat", ["a", "b", "b", "b", "b"]),
        ("cycle", ["a", "b", "a", "b", "a"]),
    ],
)
def test_a_list_begins_with_the_first_iteration_of_an_agent(
    after: str, seen: list[str | None]
) -> None:
    script = parse_script(f"iterations: [[{{say: a}}], [{{say: b}}]]\nafter: {after}")
    assert said(script, 1) == []
    assert [(said(script, number) or [None])[0] for number in range(2, 7)] == seen


def test_json_is_a_script_too() -> None:
    script = parse_script('{"first": 1, "iterations": [[{"answer": {"on": [1, "yes"]}}]]}')
    assert said(script, 1) == [{"on": [1, "yes"]}]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the script: Expected `object`, got `null`"),
        ("iterations: [", "not YAML"),
        ("iterations: {2: []}\nmodle: x", "unknown field `modle`"),
        ("iterations: {two: []}", "'two' is no iteration; write 7, or 7/2"),
        ("iterations: {2: {say: x}}", "iteration 2: a list of steps is wanted"),
        ("iterations: {2: [say]}", "iteration 2, step 1: a step is one key and its value"),
        ("iterations: {2: [{say: x, think: y}]}", "step 1: a step is one key and its value"),
        ("iterations: {2: [{say: x}, {shout: y}]}", "step 2: there is no step 'shout'"),
        ("iterations: {2: [{say: 3}]}", "step 1, say: Expected `str`, got `int`"),
        ("iterations: {2: [{replace: {file: a, old: b}}]}", "missing required field `new`"),
        ("iterations: {2: [{spend: {inputs: 3}}]}", "unknown field `inputs`"),
        ("iterations: {2: [{sleep: soon}]}", "'soon' is not a duration"),
        ("iterations: {2: [{limit: soon}]}", "no duration and no ISO time"),
        ("iterations: {2: [{fail: {outcome: sad}}]}", "Invalid enum value 'sad'"),
        ("iterations:\n  2: []\n  2: []\n", "line 3: the key 2 is there twice"),
        ("iterations: []\nafter: never", "Invalid enum value 'never'"),
        ("a: !!python/object:os.system {}", "not YAML"),
        ("a: &a [*a]", "not YAML"),
    ],
)
def test_a_broken_script_says_where_and_why(text: str, complaint: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse_script(text)
    assert complaint in str(caught.value)


def test_a_broken_file_is_named(stage: Stage) -> None:
    with pytest.raises(ScriptError, match=r"script\.yaml: iteration 2, step 1"):
        stage.scripted("iterations: {2: [{shout: x}]}")
    (stage.root / "script.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ScriptError, match="cannot be read"):
        type(stage.scripted("iterations: []"))(stage.root / "gone.yaml")


@pytest.mark.anyio
async def test_files_are_changed_as_it_says(stage: Stage) -> None:
    await stage.play(
        r"""
- replace: {file: kernel.py, old: "128", new: "256"}
- substitute: {file: kernel.py, pattern: 'CHUNK = (\d+)', new: 'CHUNK = \1  # {iteration}'}
- write: {file: new/deep/öl.txt, text: "one\n"}
- append: {file: new/deep/öl.txt, text: "two {attempt}\n"}
- append: {file: other.txt, text: "x"}
- delete: other.txt
"""
    )
    assert (stage.tree / "kernel.py").read_text() == "CHUNK = 256  # 2\n"
    assert (stage.tree / "new/deep/öl.txt").read_text() == "one\ntwo 1\n"
    assert not (stage.tree / "other.txt").exists()
    kinds = [event.kind for event in stage.events if isinstance(event, FileChanged)]
    assert kinds == ["update", "update", "add", "update", "add", "delete"]


@pytest.mark.anyio
async def test_commits_are_the_same_each_time(stage: Stage, tmp_path: Path) -> None:
    names: list[str] = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        again = Stage(tmp_path / str(number))
        again.git("init", "-q")
        result = await again.play(
            '- commit: "base {iteration}"\n- write: {file: x, text: x}\n- commit: two\n'
            "- write: {file: dirt, text: x}"
        )
        assert result.outcome == "answered", result.detail
        assert again.git("log", "--format=%s %an").split("\n")[:2] == [
            "two scripted agent",
            "base 2 scripted agent",
        ]
        assert again.git("status", "--porcelain") == "?? dirt\n"
        names.append(again.git("rev-parse", "HEAD"))
    assert names[0] == names[1]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ("- replace: {file: kernel.py, old: 'K', new: x}", "'K' is 2 times in kernel.py"),
        ("- replace: {file: gone.py, old: 'K', new: x}", "No such file"),
        ("- substitute: {file: kernel.py, pattern: zzz, new: x}", "'zzz' finds nothing"),
        ("- substitute: {file: kernel.py, pattern: '(', new: x}", "not a regular expression"),
        ("- delete: gone.py", "gone.py"),
        ("- commit: nothing", "git made no commit"),
    ],
)
async def test_a_step_that_cannot_be_done_ends_it(stage: Stage, step: str, complaint: str) -> None:
    (stage.tree / "kernel.py").write_text("KK\n")
    result = await stage.play(step + "\n- say: never")
    assert result.outcome == "crashed"
    assert complaint in result.detail
    assert Message(text="never") not in stage.events


@pytest.mark.anyio
async def test_what_it_tells(stage: Stage) -> None:
    await stage.play("- say: '{iteration}/{attempt}'\n- think: hm\n- run: exit 4\n- answer: done")
    assert Message(text="2/1") in stage.events
    assert Reasoning(text="hm") in stage.events
    assert [type(e) for e in stage.events[3:5]] == [ToolStarted, ToolFinished]
    assert Answered(text="done") in stage.events


@pytest.mark.anyio
async def test_it_waits_for_a_file(stage: Stage) -> None:
    go = stage.root / "go"
    result = await stage.play(
        f"- run: '(sleep 0.3; touch {go}) &'\n- wait_for: {go}\n- append: {{file: {go}, text: x}}"
    )
    assert result.outcome == "answered"


@pytest.mark.anyio
async def test_nothing_in_the_tree_stands_in_for_its_own_code(stage: Stage) -> None:
    for name in ("yaml.py", "engine.py", "sitecustomize.py", "json.py"):
        (stage.tree / name).write_text("raise SystemExit('hijacked')\n")
    result = await stage.play("- say: fine")
    assert (result.outcome, result.answer) == ("answered", "fine")


@pytest.mark.anyio
async def test_an_attempt_knows_its_number(stage: Stage) -> None:
    agent = stage.scripted("iterations:\n  9/2: [{say: second}]\n  9: [{say: any}]")
    await stage.run(agent, stage.task(9, 2))
    await stage.run(agent, stage.task(9, 3))
    texts = [event.text for event in stage.events if isinstance(event, Message)]
    assert texts == ["second", "any"]


def test_the_steps_of_its_documentation_are_the_steps_there_are() -> None:
    from engine.agents import script

    table = [line for line in (script.__doc__ or "").splitlines() if line.startswith("| ")][2:]
    first = " ".join(line.split("|")[1] for line in table)
    missing = [kind for kind in script.KINDS if kind not in first]
    assert missing == []


def test_the_example_of_its_documentation_can_be_played() -> None:
    from engine.agents import script

    lines = (script.__doc__ or "").splitlines()
    example = "\n".join(line[4:] for line in lines if line.startswith("    "))
    assert said(parse_script(example), 4) == ["I have nothing left to try."]
