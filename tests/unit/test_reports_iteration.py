"""One iteration as its events tell it."""

from collections.abc import Sequence

import msgspec
import pytest

from engine.cli.iteration_page import page
from engine.core import events as e
from engine.core.decisions.events import DecisionAnswered, DecisionReplaced
from engine.core.decisions.parts import Chosen, Decision
from engine.core.ids import (
    ApprovalId,
    DecisionId,
    IterationNumber,
    JobId,
    ReviewId,
    StashId,
    candidate_id,
)
from engine.core.jobs.events import JobEnded
from engine.core.metric import Metric
from engine.core.parts import AgentAnswer, Hotspot, Idea, PromptPart, Tokens
from engine.core.repair.events import RepairFinished, RepairSkipped, RepairStarted, repair_id
from engine.core.repair.parts import Found, Tried, Way
from engine.reports.iteration import Iteration, iteration_of
from tests.agent_events import BASE, COMMIT, at_work, coding, collected, worked, working
from tests.recorded import LOG, began, checked, checking, created, iteration, judged, proposed

METRIC = created().metric
SECOND = IterationNumber(2)
ANSWER = AgentAnswer(
    shortlist=[Idea(idea="blocks", upside="20 %", risk="none", structural=True), Idea(idea="b")],
    choice=1,
    hypothesis="the triangle is serial",
    change_class="structural",
    prediction="est_ms +20 %",
    summary="Solve by blocks.\nOf 16.",
)


def told(*events: e.AnyEvent, number: int = 2, metric: Metric = METRIC) -> Iteration:
    """The iteration of a run whose first one was promoted at 1 ms, one second an event."""
    found = iteration_of(records([created(), *iteration(1, 1.0, "promoted"), *events]), number,
                         run="made-s0", metric=metric)  # fmt: skip
    assert found is not None
    return found


def records(events: Sequence[e.AnyEvent]) -> list[e.Record]:
    """The events, one a second from noon on."""
    return [
        e.Record(seq=seq, time=f"2026-11-21T12:00:{seq:02d}.000Z", event=event, hash=b"")
        for seq, event in enumerate(events, start=1)
    ]


def test_an_iteration_that_never_began_is_none() -> None:
    assert iteration_of(records([created()]), 1, run="r", metric=METRIC) is None


def test_parameters_are_told_with_their_parents() -> None:
    found = told(*iteration(2, 0.5, "promoted"), *iteration(3, 0.4, "promoted"))
    assert (found.verdict, found.value, found.gain_percent) == ("promoted", 0.5, 50.0)
    assert found.against is not None
    assert found.against.candidate == "c-0001"
    assert found.parent_parameters == {"chunk": 64, "inverse": "ladder"}
    assert found.whole_s == 4.0
    assert found.checks_s == 0.5
    assert (found.attempts, found.tokens, found.cost_usd) == ([], Tokens(), 0.0)
    text = page(found, METRIC, ["logs/x"])
    assert "chunk 128 (was 64)" in text
    assert "inverse ladder\n" in text
    assert "est_ms 0.5 ms (static estimate); the champion, c-0001, had 1: gain +50.00 %" in text
    assert text.endswith("lies in\n  logs/x")


def test_a_verdict_is_compared_with_the_champion_of_its_moment() -> None:
    meanwhile = [began(2), proposed(2), *iteration(3, 0.5, "promoted")]
    found = told(*meanwhile, judged(2, 0.75, "rejected"))
    assert found.against is not None
    assert (found.against.candidate, found.gain_percent) == ("c-0003", -50.0)


def test_attempts_and_what_they_used() -> None:
    cut = e.AgentInterrupted(
        iteration=SECOND,
        candidate=candidate_id(SECOND),
        attempt=1,
        reason="pause --now",
        tokens=Tokens(input=5),
        cost_usd=0.5,
        kept="attempts/00002-1",
    )
    parts = [PromptPart(name="campaign", characters=120, sha256="a" * 64)]
    found = told(
        *at_work(2),
        cut,
        working(2, 2, parts=parts, prompt_sha256="f" * 64, directives=["d-001"], escalated=True),
        worked(2, 2, answer=ANSWER, problems=["too scalar"], duration_s=2.0),
        collected(2, notes=["2 commits, accepted or refused together"]),
        judged(2, 0.5, "promoted"),
    )
    assert [(each.number, each.outcome) for each in found.attempts] == [
        (1, "interrupted"),
        (2, "answered"),
    ]
    assert (found.tokens.total, found.agent_s) == (12_350, 2.0)
    assert found.cost_usd == pytest.approx(0.5421)
    assert (found.base, found.commit) == (BASE, COMMIT)
    text = page(found, METRIC, [])
    for line in (
        "  agent      codex, model m-1, effort high, 2 attempts, escalated",
        "  used       12,350 tokens, 0.5421 USD",
        "  the triangle is serial",
        "  predicted: est_ms +20 %",
        "  * 1. blocks (structural; upside 20 %; risk none)",
        "    2. b",
        "  2 files (+3 -1): cccccccccccc on bbbbbbbbbbbb, 2 commits of its own",
        "  M a.py  +3 -1",
        "  A b.bin",
        "  1. interrupted, 5 tokens, 0.50 USD",
        "      its answer breaks a rule: too scalar",
        "      directives: d-001",
        "  120 characters, sha256 ffffffffffffffff",
        "      120  aaaaaaaaaaaaaaaa  campaign",
    ):
        assert line in text.splitlines()


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    again = [working(2, 2), worked(2, 2, cost_usd=None)]
    found = told(*at_work(2), worked(2), *again)
    assert found.cost_usd is None
    assert "24,690 tokens, price unknown" in page(found, METRIC, [])
    silent = worked(2, cost_usd=None, tokens=Tokens())
    assert told(*at_work(2), silent).cost_usd is None
    assert told(*at_work(2)).cost_usd == 0.0


def test_an_open_iteration_says_what_runs() -> None:
    found = told(began(2), proposed(2), checking(2))
    assert (found.verdict, found.whole_s) == (None, None)
    assert [(each.name, each.outcome) for each in found.checks] == [("cost", "running")]
    text = page(found, METRIC, [])
    assert text.startswith("iteration 2 of made-s0: open\n")
    assert "logs/00001.log, bytes 0 to now" in text
    assert "not proposed yet" in page(told(began(2)), METRIC, [])


def test_what_an_agent_asked_and_what_was_said() -> None:
    asked = e.ApprovalAsked(
        iteration=SECOND,
        candidate=candidate_id(SECOND),
        approval=ApprovalId("a-001"),
        attempt=1,
        ask="q",
        text="May I?\nIt is late.",
        default="refuse",
        deadline="2026-11-21T12:10:00Z",
    )
    answered = e.ApprovalAnswered(
        iteration=SECOND,
        candidate=candidate_id(SECOND),
        approval=ApprovalId("a-001"),
        approved=True,
        by="ada",
        reason="why not",
    )
    (question,) = told(*at_work(2), asked).questions
    assert question.approved is None
    text = page(told(*at_work(2), asked), METRIC, [])
    assert "asked\n  a-001: not answered yet\n      May I?\n      It is late.\n" in text
    assert "      refuse at 2026-11-21 12:10:00 UTC, unless somebody answers" in text
    assert "  a-001: approved by ada: why not\n" in page(
        told(*at_work(2), asked, answered), METRIC, []
    )


def test_a_check_that_was_cut_off_is_told_with_the_one_that_was_done_again() -> None:
    cut = e.CheckInterrupted(
        iteration=SECOND, candidate=candidate_id(SECOND), check="cost", attempt=1, reason="died"
    )
    passed = msgspec.structs.replace(
        checked(2, 0.5),
        attempt=2,
        log=e.LogSpan(path=LOG.path, start=10, end=40),
        tests=e.Tests(passed=34),
        hotspots=[Hotspot(name="dot", share=0.62)],
    )
    found = told(began(2), proposed(2), checking(2), cut, checking(2, 2), passed)
    assert [(each.outcome, each.attempt) for each in found.checks] == [
        ("interrupted", 1),
        ("passed", 2),
    ]
    text = page(found, METRIC, [])
    assert "cost: passed in 0.5 s, attempt 2 est_ms=0.5" in text
    assert "tests: 34 passed, 0 failed, 0 skipped" in text
    assert "62.0 %  dot" in text
    assert "bytes 10 to 40" in text


def test_a_check_that_was_skipped_was_never_started() -> None:
    skipped = msgspec.structs.replace(checked(2, 0.5), outcome="skipped", metrics={})
    found = told(began(2), proposed(2), skipped)
    assert [each.outcome for each in found.checks] == ["skipped"]
    assert "logs/" not in page(found, METRIC, [])


def test_what_was_put_aside_and_what_goes_on_with_it() -> None:
    stashed = e.AttemptStashed(
        iteration=SECOND,
        candidate=candidate_id(SECOND),
        stash=StashId("s-001"),
        ref="stash/s-001",
        commit=COMMIT,
        reason="later",
        by="me",
    )
    found = told(*at_work(2), stashed, judged(2, None, "inconclusive"))
    assert found.stash == stashed
    restored = told(began(2), coding(2, restores=StashId("s-001")))
    assert "goes on with s-001" in page(restored, METRIC, [])


def test_a_text_of_a_program_cannot_steer_the_terminal() -> None:
    answer = AgentAnswer(hypothesis="\x1b[2Jgone\nand more")
    text = page(told(*at_work(2), worked(2, answer=answer, detail="\x07")), METRIC, [])
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "?[2Jgone and more" in text


def test_a_long_list_of_files_is_cut() -> None:
    (file,) = collected(2).files[:1]
    files = [msgspec.structs.replace(file, path=f"f{number}") for number in range(200)]
    text = page(told(*at_work(2), worked(2), collected(2, files=files, changed=950)), METRIC, [])
    assert "  and 910 more" in text.splitlines()


def test_the_whole_is_plain_data() -> None:
    found = told(*at_work(2), worked(2, answer=ANSWER), collected(2), judged(2, 0.5, "promoted"))
    assert msgspec.json.decode(msgspec.json.encode(found))["commit"] == COMMIT


def decided() -> list[e.AnyEvent]:
    """The worker's answer, and the candidate that begins by it."""
    name = DecisionId("w-0003")
    chosen = Chosen(
        decision=name, label="deep", category="loss", command="t --deep", folder="nets",
        monitor_s=300.0,
    )  # fmt: skip
    answer = Decision(action="run", rationale="It underfits.", label="own one", command="t")
    return [
        DecisionAnswered(
            decision=name, outcome="answered", detail="", duration_s=1.0, log=LOG, answer=answer
        ),
        began(2),
        msgspec.structs.replace(proposed(2), chosen=chosen),
    ]


def test_the_decision_that_began_it_is_told() -> None:
    found = told(*decided())
    assert found.begun is not None
    assert (found.begun.decision, found.begun.rationale) == ("w-0003", "It underfits.")
    text = page(found, METRIC, []).split("\n\n")
    assert (
        "decision\n  w-0003, loss: deep\n  because It underfits.\n  command: t --deep\n  in nets\n"
        "  the worker is asked again when it has run for 5m"
    ) in text
    assert told(began(2), proposed(2)).begun is None


def test_a_decision_in_the_place_of_another_is_told_with_it() -> None:
    answered, *begins = decided()
    other = Decision(action="run", rationale="Deeper.", label="deep", command="t --deep")
    replaced = DecisionReplaced(
        decision=DecisionId("w-0003"), review=ReviewId("r-002"), replacement=other, reason="so"
    )
    found = told(answered, replaced, *begins)
    assert found.begun is not None
    assert (found.begun.rationale, found.begun.review) == ("Deeper.", "r-002")
    line = "  r-002 put it in the place of the worker's own: run own one, t"
    assert line in page(found, METRIC, []).splitlines()


def test_a_detached_check_is_told_with_its_job() -> None:
    job = JobId("j-0007")
    begun = msgspec.structs.replace(checking(2), job=job)
    running = told(began(2), proposed(2), begun)
    assert "      job j-0007, under way" in page(running, METRIC, []).splitlines()
    other = JobEnded(job=JobId("j-0006"), outcome="lost")
    ended = JobEnded(job=job, outcome="pattern", signal=15, detail="loss: nan", took_s=3.25)
    found = told(began(2), proposed(2), begun, other, ended, checked(2, 0.5))
    assert found.checks[0].job_ended == ended
    line = "job j-0007: pattern with signal 15 after 3.2 s: loss: nan"
    assert line in [each.strip() for each in page(found, METRIC, []).splitlines()]


def test_a_repair_is_told_with_both_outcomes_of_the_check() -> None:
    lacking = Found(kind="module", name="timm", evidence="No module named 'timm'")
    way = Way(kind="packages", packages=["timm"])
    failed = msgspec.structs.replace(checked(2, 0.0), outcome="failed", metrics={}, found=lacking)
    repair = RepairStarted(
        repair=repair_id(1), iteration=SECOND, candidate=candidate_id(SECOND), check="cost",
        attempt=1, found=lacking, ways=[way], folder="repairs/p-0001",
    )  # fmt: skip
    again = msgspec.structs.replace(repair, attempt=2)
    done = RepairFinished(
        repair=repair.repair, iteration=SECOND, candidate=repair.candidate, check="cost",
        outcome="repaired", tried=[Tried(way=way, worked=True)], took_s=2.0, again=True,
        requirements="repairs/p-0001/requirements.txt",
    )  # fmt: skip
    before = [began(2), proposed(2), checking(2), failed]
    under_way = told(*before, repair)
    assert [each.outcome for each in under_way.repairs] == ["under way"]
    found = told(*before, repair, again, done, checking(2, 2), checked(2, 0.5))
    assert [each.outcome for each in found.checks] == ["failed", "passed"]
    assert [(each.id, each.outcome) for each in found.repairs] == [("p-0001", "repaired")]
    section = next(s for s in page(found, METRIC, []).split("\n\n") if s.startswith("repairs"))
    assert section.splitlines()[1:] == [
        "  p-0001: cost lacks the module timm: repaired in 2.0 s, the check is run again",
        "      timm helped",
        "      repairs/p-0001/requirements.txt",
    ]
    skipped = RepairSkipped(
        iteration=SECOND, candidate=repair.candidate, check="cost", found=lacking, reason="unasked"
    )
    line = "  cost lacks the module timm, not repaired: unasked"
    assert line in page(told(*before, skipped), METRIC, []).splitlines()
