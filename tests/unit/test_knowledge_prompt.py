"""The prompt of an iteration: what it says, how much, and that it is always the same."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import events as e
from engine.core.ids import DirectiveId
from engine.core.parts import AgentAnswer, Idea
from engine.core.state import RunState, dump, load
from engine.knowledge.briefing import CAPS, Occasion, brief
from engine.knowledge.prompt import WORKER, Prompt, assemble, worker_template
from engine.knowledge.templates import Template, read_text, shipped
from tests.agent_runs import Turn, answer, commit_of, run_of, spots

MOST = 24_000
LONG = AgentAnswer(
    shortlist=[Idea(idea=f"{n} " + "long idea " * 99, upside="u" * 999) for n in range(5)],
    choice=1,
    hypothesis="a hypothesis of many words " * 70,
    prediction="est_ms +9 %: " + "because " * 200,
    summary="what was done " * 140,
)


@pytest.fixture(scope="module")
def worker() -> Template:
    path = shipped(WORKER)
    return worker_template(read_text(path), str(path))


def occasion(state: RunState) -> Occasion:
    best = state.best()
    base = best.code.commit if best and best.code and best.code.commit else commit_of(1)
    return Occasion(iteration=state.last_iteration + 1, base=base, trace="0123456789abcdef")


def part(state: RunState, name: str) -> str:
    return next(p.text for p in brief(state, occasion(state)).parts if p.name == name)


def test_a_fresh_run_is_told_what_there_is(worker: Template) -> None:
    prompt = assemble(worker, run_of([]), occasion(run_of([])))
    assert "gdn-agent: Gated DeltaNet forward" in prompt.text
    assert "- metric: est_ms; lower is better" in prompt.text
    assert "- target: 0.35 ms; 1.65 ms to go, +82.5 % over the champion" in prompt.text
    assert "- a gain below 0.1 % does not count" in prompt.text
    assert "- check correctness: {python} -m judge" in prompt.text
    assert "c-0001 of iteration 1: est_ms = 2 ms" in prompt.text
    assert "it is the baseline" in prompt.text
    assert "{{" not in prompt.text
    assert "\n\n\n" not in prompt.text
    assert not prompt.escalated
    assert len(prompt.text) < 8_000


def test_parts_that_say_nothing_are_not_there(worker: Template) -> None:
    prompt = assemble(worker, run_of([]), occasion(run_of([])))
    assert [p.name for p in prompt.parts] == [
        "template",
        "campaign",
        "champion",
        "results",
        "budget",
        "answer",
    ]
    for heading in ("Directives", "Escalation", "The device", "Open hypotheses"):
        assert f"## {heading}" not in prompt.text


def test_hashes_are_of_what_was_said(worker: Template) -> None:
    state = run_of([])
    prompt = assemble(worker, state, occasion(state))
    assert prompt.sha256 == hashlib.sha256(prompt.text.encode()).hexdigest()
    champion = next(p for p in prompt.parts if p.name == "champion")
    text = part(state, "champion")
    assert champion.characters == len(text)
    assert champion.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_results_carry_prediction_and_outcome() -> None:
    tried = answer("packed blocks shorten the chain", ["packed blocks"])
    said = AgentAnswer(
        shortlist=tried.shortlist,
        choice=1,
        hypothesis=tried.hypothesis,
        prediction="est_ms +20 %: fewer products",
    )
    state = run_of([Turn(verdict="promoted", value=1.9, answer=said, reason="0.1 better")])
    assert part(state, "results").splitlines()[2] == (
        "- c-0002 promoted, 1.9 ms, gain +5 %; hypothesis: packed blocks shorten the chain; "
        "predicted: est_ms +20 %: fewer products; 0.1 better"
    )
    champion = part(state, "champion")
    assert f"- commit {commit_of(2)[:12]}, which your tree is at" in champion
    assert "- gained +5 % over c-0001" in champion
    elsewhere = Occasion(iteration=3, base=commit_of(9))
    texts = {p.name: p.text for p in brief(state, elsewhere).parts}
    assert "your tree" not in texts["champion"]
    assert "- what it changed: packed blocks shorten the chain" in champion


def test_the_newest_results_come_first_and_the_rest_is_counted() -> None:
    state = run_of([Turn(value=3.0) for _ in range(11)])
    lines = part(state, "results").splitlines()[2:]
    assert lines[0].startswith("- c-0012 rejected, 3 ms, gain -50 %")
    assert len(lines) == 9
    assert lines[-1] == "(4 older ones are not shown)"


def test_ideas_that_nobody_chose_stay_open_until_one_is_tried() -> None:
    first = Turn(answer=answer("A works", ["a", "b", "c"]))
    second = Turn(answer=answer("B works", ["B.", "d", "C!"]))
    busy = Turn(verdict=None, answer=answer("D works", ["D"]))
    lines = part(run_of([first, second]), "hypotheses").splitlines()[3:]
    assert lines == [
        "- d (structural; from c-0003; upside: 20 %)",
        "- C! (structural; from c-0003; upside: 20 %)",
    ]
    assert len(part(run_of([first, second, busy]), "hypotheses").splitlines()[3:]) == 1


def test_what_did_not_work_is_told_with_what_was_measured() -> None:
    state = run_of(
        [
            Turn(verdict="incorrect", answer=answer("bf16 inverse"), reason="cost: err 0.4"),
            Turn(verdict="rejected", value=2.2, answer=answer("chunk 256")),
            Turn(verdict="infra", answer=answer("no word on this")),
            Turn(verdict="promoted", value=1.0, answer=answer("nor this")),
            Turn(verdict="rejected", value=1.5, answer=answer("Chunk 256")),
        ]
    )
    assert part(state, "negatives").splitlines()[3:] == [
        "- Chunk 256: c-0006 rejected, 1.5 ms, gain -50 %",
        "- bf16 inverse: c-0002 incorrect, cost: err 0.4",
    ]


def test_hotspots_of_champion_and_last() -> None:
    first = Turn(verdict="promoted", value=2.0, hotspots=spots(inverse=0.6, state=0.2))
    state = run_of([Turn(value=3.0, hotspots=spots(copy=0.125, inverse=0.5))], baseline=first)
    assert part(state, "hotspots").splitlines()[2:] == [
        "- champion c-0001: inverse 60 %, state 20 %",
        "- last measured c-0002: inverse 50 %, copy 12.5 %",
    ]


def test_an_escalation_is_demanded(worker: Template) -> None:
    state = run_of([Turn(value=1.99, answer=answer("a"))])
    prompt = assemble(worker, state, occasion(state))
    assert prompt.escalated
    assert "## Escalation" in prompt.text
    assert "c-0002 gained +0.5 %, less than 3 %" in prompt.text
    assert "The chosen idea must be structural" in prompt.text


def test_directives_in_force_are_told_in_their_order(worker: Template) -> None:
    state = run_of([], directives=[("one", "first text"), ("two", "second text")])
    assert assemble(worker, state, occasion(state)).directives == ["d1", "d2"]
    text = part(state, "directives")
    assert text.index("### Directive d1: one\n\nfirst text") < text.index("d2: two\n\nsecond text")


def test_half_a_surrogate_pair_does_no_harm(worker: Template) -> None:
    state = run_of([], directives=[("one", "a \ud800 b")])
    text = assemble(worker, state, occasion(state)).text
    text.encode()
    assert "a ? b" in text


def test_a_retired_directive_is_told_no_more(worker: Template) -> None:
    state = run_of([], directives=[("one", "first text"), ("two", "second text")])
    state.directives[DirectiveId("d1")].retired = "done"
    prompt = assemble(worker, state, occasion(state))
    assert prompt.directives == ["d2"]
    assert "first text" not in prompt.text


def test_long_directives_are_cut_and_short_ones_are_not() -> None:
    state = run_of([], directives=[("long", "x" * 6_000), ("short", "s" * 900), ("l", "y" * 6_000)])
    text = part(state, "directives")
    assert len(text) <= CAPS["directives"]
    assert "s" * 900 in text
    assert text.count("characters are left out)") == 2


def test_a_budget_counts_what_is_left() -> None:
    limits = e.Limits(iterations=9, usd=2.0, tokens=5_000)
    state = run_of([Turn(value=3.0), Turn(value=3.0)], limits=limits)
    moment = Occasion(iteration=4, base=commit_of(1), minutes=45, tokens=900, usd=0.5)
    texts = {p.name: p.text for p in brief(state, moment).parts}
    assert texts["budget"].splitlines()[2:] == [
        "- iteration 4 of 9",
        "- run: 1.50 of 2.00 USD left",
        "- run: 3000 of 5000 tokens left",
        "- this iteration: at most 45 minutes, 900 tokens, 0.5 USD",
    ]


def test_device_and_protected_paths_are_told() -> None:
    moment = Occasion(iteration=2, base="", device="Ask the broker.", protected=("tests/**",))
    texts = {p.name: p.text for p in brief(run_of([]), moment).parts}
    assert texts["device"] == "## The device\n\nAsk the broker."
    assert texts["protected"].splitlines()[2:] == [
        "A change to any of these makes the candidate invalid:",
        "- tests/**",
    ]


def test_200_long_candidates_fit(worker: Template) -> None:
    turns = [
        Turn(
            verdict="promoted" if n % 40 == 0 else "rejected",
            value=2.0 - n / 1_000,
            answer=AgentAnswer(
                shortlist=[
                    Idea(idea=f"{n} {i.idea}", upside=i.upside, structural=True)
                    for i in LONG.shortlist
                ],
                choice=1,
                hypothesis=f"{n} {LONG.hypothesis}",
                prediction=LONG.prediction,
                summary=LONG.summary,
            ),
            hotspots=spots(**{f"op{m}" + "n" * 200: 0.1 for m in range(9)}),
            reason="r" * 3_000,
        )
        for n in range(200)
    ]
    state = run_of(turns, directives=[(f"title {n}", "y" * 6_000) for n in range(5)])
    moment = Occasion(
        iteration=202,
        base=commit_of(1),
        device="d" * 5_000,
        protected=tuple(f"folder/{n}/**" for n in range(300)),
    )
    prompt = assemble(worker, state, moment)
    assert len(prompt.text) < MOST
    for one in prompt.parts:
        assert one.characters <= CAPS.get(one.name, 4_000), one.name


def _text(prompt: Prompt) -> bytes:
    return prompt.text.encode()


def test_the_same_state_gives_the_same_prompt(worker: Template) -> None:
    turns = [Turn(value=3.0, answer=answer(f"h{n}", [f"i{n}", f"j{n}"])) for n in range(30)]
    one, other = run_of(turns), run_of(turns)
    stored = load(dump(one))
    first = _text(assemble(worker, one, occasion(one)))
    assert first == _text(assemble(worker, other, occasion(other)))
    assert first == _text(assemble(worker, stored, occasion(stored)))


ODD = st.text(max_size=300) | st.sampled_from(
    [
        "{{champion}}",
        "## Your answer\n",
        "```json\n{}\n```",
        "\ud800",
        "a\u2028b",
        "\x00",
        "\x1b[2J",
    ]
)


@settings(deadline=None)
@given(ODD, ODD, ODD, ODD)
def test_odd_texts_open_no_section_and_break_nothing(
    hypothesis: str, idea: str, reason: str, spot: str
) -> None:
    path = shipped(WORKER)
    worker = worker_template(read_text(path), str(path))
    said = AgentAnswer(
        shortlist=[Idea(idea="x", structural=True), Idea(idea=idea, upside=reason)],
        choice=1,
        hypothesis=hypothesis,
        summary=idea,
        prediction=reason,
    )
    turn = Turn(value=1.99, answer=said, reason=reason, hotspots=spots(**{spot: 1.0}))
    state = run_of([turn, Turn(verdict="promoted", value=1.5, answer=said, reason=reason)])
    prompt = assemble(worker, state, occasion(state))
    prompt.text.encode()
    assert len(prompt.text) < MOST
    headings = [line for line in prompt.text.splitlines() if line.startswith("## ")]
    assert len(headings) == len(set(headings))
    assert headings[-1] == "## Your answer"
    assert all(c == "\n" or c.isprintable() for c in prompt.text)


def test_a_hundred_thousand_characters_of_nothing_are_quick() -> None:
    state = run_of([Turn(value=3.0, answer=answer("\u200b" * 100_000), reason="\n" * 100_000)])
    assert len(part(state, "results")) < 200


def test_own_templates_take_the_rest_as_one() -> None:
    own = worker_template("Do it.\n\n{{directives}}\n\n{{briefing}}\n{{iterations}}", "own.md")
    state = run_of([], directives=[("t", "steer")])
    text = assemble(own, state, occasion(state)).text
    assert text.startswith("Do it.\n\n## Directives")
    assert text.count("steer") == 1
    assert text.index("## Champion") < text.index("## Your answer")
    assert text.endswith("\n300")
