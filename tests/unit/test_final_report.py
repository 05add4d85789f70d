"""The report of a run: nothing in it that the journal does not say."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest

from engine.core import events as e
from engine.core.decisions.events import (
    DecisionAnswered,
    DecisionAsked,
    DecisionGated,
    DecisionReplaced,
    DecisionVetoed,
)
from engine.core.decisions.parts import Chosen, Issue
from engine.core.decisions.parts import Decision as Choice
from engine.core.events import AnyEvent, Record, flat
from engine.core.fold import fold
from engine.core.ids import CandidateId, DecisionId, IterationNumber, ReviewId
from engine.core.metric import Gain, Metric
from engine.core.pairs.decided import Decision
from engine.core.parts import AgentAnswer, Tokens
from engine.core.recheck_events import Purpose
from engine.core.repair.events import RepairFinished, RepairSkipped, RepairStarted, repair_id
from engine.core.repair.parts import Found
from engine.core.reviews.parts import Opinion, Signals
from engine.core.state import RunState
from engine.core.verdict import Verdict
from engine.reports.final import FinalRequest, Report, make
from engine.reports.final.facts import Fact, Source
from engine.reports.final.sheet import LiteralFigure, Sheet, tell
from tests.agent_events import coding, worked, working
from tests.recorded import (
    LOG,
    began,
    checked,
    checking,
    created,
    iteration,
    judged,
    proposed,
    started,
    stopped,
)
from tests.retelling import check_report

HOSTILE = "done\n# 99 % better\n<img src=x onerror=1> | `rm -rf 7` “12” ![x](http://x/3) {value}"
METRIC = Metric(
    name="est_ms", unit="ms", direction="min", label="static estimate", forgeable=True,
    target=0.25, min_gain=Gain(amount=0.01, relative=True),
)  # fmt: skip
SIGNALS = Signals(
    research=0.1, breakout=0.2, todo_pressure=0.3, since_champion=4, since_search=5,
    failures_in_a_row=0, open_todos=0, drifts=False,
)  # fmt: skip


def records_of(events: Sequence[AnyEvent]) -> list[Record]:
    """The events as a journal has them, a second and a bit apart."""
    return [
        Record(seq=seq, time=f"2026-11-21T12:{seq // 50:02d}:{seq % 50:02d}.{seq:03d}Z",
               event=event, hash=bytes([seq % 256]))
        for seq, event in enumerate(events, 1)
    ]  # fmt: skip


def report_of(events: Sequence[AnyEvent], **wanted: Any) -> tuple[Report, list[Record]]:
    records = records_of(events)
    state: RunState | None = None
    for record in records:
        state = fold(state, record)
    assert state is not None
    return make(records, state, FinalRequest(**wanted)), records


def pages_of(report: Report) -> dict[str, str]:
    return {page.name: page.content.decode() for page in report.pages}


def checked_report(events: Sequence[AnyEvent], **wanted: Any) -> dict[str, str]:
    """The pages, after every figure in them was found in the events."""
    report, records = report_of(events, **wanted)
    pages = pages_of(report)
    check_report(pages, [flat(record) for record in records])
    return pages


def begun(**changed: Any) -> list[AnyEvent]:
    run = msgspec.structs.replace(created(), **({"metric": METRIC} | changed))
    return [run, msgspec.structs.replace(started(), fingerprint={"device": "x86-64 v3"})]


def failed(number: int, verdict: Verdict, reason: str, signature: str = "") -> list[AnyEvent]:
    check = msgspec.structs.replace(checked(number, 1.0), outcome="failed", metrics={})
    told = msgspec.structs.replace(
        judged(number, None, verdict), reason=reason, signature=signature
    )
    return [began(number), proposed(number), checking(number), check, told]


def ended(number: int, purpose: Purpose, value: float, **changed: Any) -> e.RecheckEnded:
    fields: dict[str, Any] = {
        "recheck": 1, "iteration": IterationNumber(number), "candidate": name(number),
        "against": name(1), "purpose": purpose, "outcome": "held", "reason": "as before",
        "value": value, "error": 0.01, "reference": 1.02, "reference_error": 0.01,
    }  # fmt: skip
    return e.RecheckEnded(**fields | changed)


def name(number: int) -> CandidateId:
    return CandidateId(f"c-{number:04d}")


def decision(**changed: Any) -> Decision:
    fields: dict[str, Any] = {
        "outcome": "promoted", "reason": "better", "pairs": 8, "error": 0.01, "estimate": 0.21,
        "low": 0.1, "high": 0.33, "reference": 0.8, "better": 7,
    }  # fmt: skip
    return Decision(**fields | changed)


def agent_story(said: str) -> list[AnyEvent]:
    """A run in which an agent says something, is reviewed, and follows the review."""
    answer = AgentAnswer(
        hypothesis=said, summary=said, change_class=said, follows=["r-001"], claims={"est_ms": 7.0}
    )
    finished = msgspec.structs.replace(
        worked(3), answer=answer, tokens=Tokens(input=1200, output=34), cost_usd=0.0123
    )
    unpriced = msgspec.structs.replace(worked(2), cost_usd=None, detail=said)
    collected = e.ChangeCollected(
        iteration=IterationNumber(3), candidate=name(3), commit="c0ffee", tree="7ee", base="ba5e",
        commits=1, changed=2, files=[],
    )  # fmt: skip
    review = e.ReviewStarted(
        review=ReviewId("r-001"), at_iteration=IterationNumber(2), reasons=["every 2"],
        mode="standard", signals=SIGNALS, agent="codex", model=None, effort=None, folder="agents",
        prompt_sha256="", parts=[], log=LOG,
    )  # fmt: skip
    opinion = Opinion(course="off_track", critique=said, advice=said)
    reviewed = e.ReviewFinished(
        review=ReviewId("r-001"), outcome="answered", detail="", duration_s=2.5, log=LOG,
        opinion=opinion, tokens=Tokens(input=40, output=2),
    )  # fmt: skip
    gone = msgspec.structs.replace(
        reviewed, review=ReviewId("r-002"), opinion=None, outcome="timeout", detail=said
    )
    return [
        *begun(document={"campaign": "made", "about": said, "proposers": [{"kind": "agent"}]}),
        began(1), coding(1, commit="ba5e", agent=None), checked(1, 1.0), judged(1, 1.0, "promoted"),
        began(2), coding(2), working(2), unpriced,
        msgspec.structs.replace(judged(2, None, "no_change"), reason=said),
        review, reviewed,
        began(3), coding(3), working(3), finished, collected, checking(3), checked(3, 0.5),
        msgspec.structs.replace(judged(3, 0.5, "promoted"), reason=said, metrics={"est_ms": 0.5}),
        msgspec.structs.replace(review, review=ReviewId("r-002")), gone,
    ]  # fmt: skip


def whole_story() -> list[AnyEvent]:
    """A run in which nearly all happened that can."""
    measured = e.NoiseMeasured(
        iteration=IterationNumber(1), candidate=name(1), check="cost", pairs=4, noise=0.0085,
        pair_s=1.5, most=24, visible=0.0103, surely=0.0125, gain=0.01, needed=30,
    )  # fmt: skip
    again = e.ChampionMeasured(
        iteration=IterationNumber(3), candidate=name(2), before=0.8, now=0.81234, error=0.004,
        why="measured beside a candidate", changed=False,
    )  # fmt: skip
    won = msgspec.structs.replace(
        judged(3, 0.6, "promoted"), decision=decision(), value_error=0.0123
    )
    document: dict[str, Any] = {
        "campaign": "made",
        "metric": {"noise": "measured"},
        "checks": [{"name": "cost 2"}, {"name": "seal", "judge": "x"}],
        "proposers": [{"kind": "evolution", "slots": 2}],
        "confirm": {"on": "local", "variants": [{"name": "shape 9"}]},
    }
    baseline = [began(1), proposed(1), checking(1), checked(1, 1.0), measured]
    return [
        *begun(space_size=1234, document=document | {"proposers": []}),
        *baseline, msgspec.structs.replace(judged(1, 1.0, "promoted"), value_error=0.01),
        *iteration(2, 0.8, "promoted"),
        began(3), proposed(3), checking(3), checked(3, 0.6), again, won,
        *iteration(4, 0.55, "inconclusive"), *iteration(5, 0.1, "infeasible"),
        *failed(6, "incorrect", "cost: exit status 9: AssertionError: 3 != 4", "alike [12ab]"),
        *failed(7, "incorrect", "cost: exit status 9: AssertionError: 3 != 5", "alike [12ab]"),
        *failed(8, "timeout", "cost: longer than 20 s"), *failed(9, "invalid", "changed tests/x1"),
        e.EngineStopped(reason="drained", exit_status=0, alive_s=75.5),
        msgspec.structs.replace(started(), alive_s=75.5),
        e.CampaignChangeAccepted(
            campaign_sha256="1", document=document, differences=["stop.iterations: 9 → 12"],
            metric=METRIC, by="somebody"),
        *iteration(10, 0.59, "promoted"),
        e.ChampionDemoted(iteration=IterationNumber(10), candidate=name(10), champion=name(3),
                          reason="shape 9: +0.1 % [-1, 1]", judged=[]),
        e.ChampionAccepted(iteration=IterationNumber(4), candidate=name(4), before=name(3),
                           reason="I know better", by="me"),
        e.ChampionRejected(iteration=IterationNumber(4), candidate=name(4), champion=name(3),
                           reason="no, 1 of 2", by="me"),
        ended(3, "confirm", 0.7, variant="shape 9", decision=decision(reference=1.5)),
        ended(3, "end", 0.611, decision=decision(reference=0.0)),
        ended(1, "baseline", 1.2, outcome="failed", reason="it drifted", reference=1.2),
        e.CheckInterrupted(iteration=IterationNumber(11), candidate=name(11), check="cost",
                           attempt=1, reason="stop"),
        e.ClockJumped(gap_s=12.0),
        e.RunFinished(reason="iterations", detail="10 iterations", exit_status=0), stopped(),
    ]  # fmt: skip


def without(events: list[AnyEvent], *kinds: type) -> list[AnyEvent]:
    return [event for event in events if not isinstance(event, kinds)]


def held_story() -> list[AnyEvent]:
    """A run two candidates of which waited for a review before their checks."""
    instead = Choice(action="propose", rationale="Wider by 2.", parameters={"chunk": 3})
    events: list[AnyEvent] = [*begun(), *iteration(1, 2.0, "promoted")]
    for number in (2, 3):
        where: dict[str, Any] = {"iteration": IterationNumber(number), "candidate": name(number)}
        held = e.CandidateHeld(**where, until="2026-11-21T12:01:00.000000+00:00", reasons=["r"])
        events += [began(number), proposed(number), held]
        events += [
            e.CandidateReleased(**where, reason="late")
            if number == 2
            else e.CandidateReplaced(
                **where, review=ReviewId("r-001"), reason="no", replacement=instead
            ),
            judged(number, None, "inconclusive"),
        ]
    return [*events, stopped()]


def repaired_story() -> list[AnyEvent]:
    """A run with decisions that did not all stand, and checks that said what they lack."""
    choice = Choice(action="run", rationale="Wider by 2.", label="wide 2")
    refused = DecisionGated(
        decision=DecisionId("w-0001"), blocked=True, issues=[Issue(rule="label", text="say what")]
    )
    lacking = Found(kind="module", name="timm", evidence="No module named 'timm'")
    events: list[AnyEvent] = begun()
    for number in range(1, 5):
        events += [asked(number), answered(number, None if number == 4 else choice)]
        events += [refused] if number == 1 else []
    events += [
        DecisionVetoed(decision=DecisionId("w-0002"), review=ReviewId("r-001"), reason="no"),
        DecisionReplaced(decision=DecisionId("w-0003"), review=ReviewId("r-002"),
                         replacement=choice, reason="no"),
    ]  # fmt: skip
    for number, after in ((1, "passed"), (2, "failed"), (3, "")):
        where: dict[str, Any] = {
            "iteration": IterationNumber(number), "candidate": name(number), "check": "cost",
        }  # fmt: skip
        repair = RepairStarted(
            **where, repair=repair_id(number), attempt=1, found=lacking, ways=[], folder="repairs",
        )  # fmt: skip
        ended = RepairFinished(
            **where, repair=repair.repair, outcome="repaired" if after else "failed", tried=[],
            took_s=2.0, again=bool(after),
        )  # fmt: skip
        failed_check = msgspec.structs.replace(checked(number, 1.0), outcome="failed", metrics={})
        again = msgspec.structs.replace(checked(number, 1.0), outcome=after or "failed")
        events += [began(number), proposed(number), failed_check, repair, ended]
        events += [again] if after else []
        events += [judged(number, 1.0 if number == 1 else None,
                          "promoted" if number == 1 else "incorrect")]  # fmt: skip
    skipped = RepairSkipped(
        iteration=IterationNumber(4), candidate=name(4), check="cost", found=lacking, reason="2 no"
    )
    return [*events, began(4), proposed(4), skipped, judged(4, None, "incorrect"), stopped()]


def asked(number: int) -> DecisionAsked:
    return DecisionAsked(
        decision=DecisionId(f"w-{number:04d}"), at_iteration=IterationNumber(0), reasons=["r"],
        agent="codex", model=None, effort=None, folder="agents", prompt_sha256="", parts=[],
        log=LOG,
    )  # fmt: skip


def answered(number: int, choice: Choice | None) -> DecisionAnswered:
    return DecisionAnswered(
        decision=DecisionId(f"w-{number:04d}"), outcome="answered", detail="", duration_s=1.5,
        log=LOG, answer=choice,
    )  # fmt: skip


STORIES: dict[str, list[AnyEvent]] = {
    "nothing begun": begun(),
    "nothing judged": [*begun(), began(1), proposed(1)],
    "one": [*begun(), *iteration(1, 1.0, "promoted"), stopped()],
    "failures only": [
        *begun(), *failed(1, "incorrect", HOSTILE), *failed(2, "timeout", "over 3 s"),
    ],
    "an agent": agent_story("Two at once are 12 % better"),
    "a hostile agent": agent_story(HOSTILE),
    "nearly all": without(whole_story(), e.CheckInterrupted),
    "no champion any more": [
        *begun(), *iteration(1, 1.0, "promoted"),
        e.ChampionRejected(iteration=IterationNumber(1), candidate=name(1), champion=None,
                           reason="wrong in 3 ways", by="me"),
    ],
    "nothing better": [*begun(), *iteration(1, 1.0, "promoted"), *iteration(2, 2.0), stopped()],
    "a baseline of zero": [
        *begun(), *iteration(1, 0.0, "promoted"), *iteration(2, -1.5, "promoted"),
    ],
    "decisions and repairs": repaired_story(),
    "candidates that waited": held_story(),
    "infinite": [*begun(), *iteration(1, 1.0, "promoted"), *iteration(2, float("inf"))],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_every_figure_is_found_in_the_events(story: str) -> None:
    pages = checked_report(STORIES[story], condition="crashed", top_k=4)
    assert set(pages) == {
        "final_condensed_story.md",
        "final_paper_report.md",
        "final_leaderboard_top4.md",
        "final_leaderboard_top4.json",
        "final_evidence.json",
    }
    assert "by lock and heartbeat, when this was written: crashed" in pages["final_paper_report.md"]


def test_decisions_and_repairs_are_counted() -> None:
    page = checked_report(STORIES["decisions and repairs"])["final_paper_report.md"]
    assert (
        "Decisions that the worker made: 3; blocked by the gate: 1; vetoed by a review: 1; "
        "replaced by a review's: 1."
    ) in page
    assert (
        "Repairs of checks that said what they lack: 3; of these brought what was lacking: 2; "
        "checks that passed when they were run again after that: 1; not repaired, with a reason: 1."
    ) in page
    other = checked_report(STORIES["nearly all"])["final_paper_report.md"]
    assert "Decisions that" not in other
    assert "Repairs of" not in other


def test_the_reading_again_finds_what_is_wrong() -> None:
    report, records = report_of(STORIES["nearly all"])
    pages, events = pages_of(report), [flat(record) for record in records]
    assert check_report(pages, events) > 200
    for event in events:
        if event["type"] == "RecheckEnded" and event["purpose"] == "end":
            event["value"] = 0.711
    with pytest.raises(AssertionError, match="0\\.711"):
        check_report(pages, events)
    story = pages["final_condensed_story.md"] + "And 81 % more.\n"
    right = [flat(record) for record in records]
    with pytest.raises(AssertionError, match="81 %"):
        check_report(pages | {"final_condensed_story.md": story}, right)


@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_gain_has_the_sign_of_the_metric(direction: Literal["min", "max"]) -> None:
    metric = msgspec.structs.replace(METRIC, direction=direction)
    worse, better = (2.0, 1.0) if direction == "min" else (1.0, 2.0)
    story = [*begun(metric=metric), *iteration(1, worse, "promoted")]
    paper = checked_report([*story, *iteration(2, better, "promoted")])["final_paper_report.md"]
    assert ("a gain of +50 %" if direction == "min" else "a gain of +100 %") in paper


def test_it_says_what_won_by_how_much_and_by_which_evidence() -> None:
    paper = checked_report(STORIES["nearly all"])["final_paper_report.md"]
    for text in (
        "`c-0003`, of iteration 3, won: `est_ms` 0.6 ± 0.012 ms (static estimate, score can be "
        "forged), a gain of +40 % over the baseline, `c-0001`, at 1 ms.",
        "- in its own iteration: 0.6 ± 0.012 ms (static estimate, score can be forged); against "
        "the champion before: +26 % [+12 %, +41 %] at 99 %, 8 pairs",
        "- measured again at the end: held at 0.611 ± 0.01 ms",
        "confirmed under `shape 9`: held at 0.7 ± 0.01 ms",
        "| 2 | incorrect | `cost` | 6, 7 | “`cost: exit status 9: AssertionError: 3 != 5`” |",
        "The first by its value is not the champion: `c-0004` was judged inconclusive",
        "- a person made `c-0004` champion: “`I know better`”",
        "- 2 engines carried the run, of which 2 ended in good order",
        "the baseline had 1 at first and 1.2 later, which is more than noise",
        "The stop rule iterations ended the run: “`10 iterations`”.",
    ):
        assert text in paper


@pytest.mark.parametrize("page", ["final_condensed_story.md", "final_paper_report.md"])
def test_the_marks_stand_beside_scores(page: str) -> None:
    text = checked_report(STORIES["nearly all"])[page]
    told = [line for line in text.split("\n\n") if "0.6 ±" in line or "Values are of" in line]
    assert len(told) > 2
    assert all("static estimate, score can be forged" in each for each in told if "|" not in each)
    plain = msgspec.structs.replace(METRIC, label="", forgeable=False)
    clean = checked_report([*begun(metric=plain), *iteration(1, 1.0, "promoted")])[page]
    assert "forged" not in clean
    assert "estimate" not in clean


def test_marks_stand_on_the_figures() -> None:
    from engine.reports.final.figures import drawn

    report, _ = report_of(STORIES["nearly all"])
    drawings = {page.name: page.content for page in drawn(report.charts)}
    for name_ in ("champion", "then_and_again"):
        svg = drawings[f"final_figures/{name_}.svg"].decode()
        assert "static estimate, score can be forged" in svg


def test_foreign_text_is_quoted_and_never_a_fact() -> None:
    pages = checked_report(STORIES["a hostile agent"])
    for page, text in pages.items():
        if not page.endswith(".md"):
            continue
        assert not re.search(r"^# 99", text, re.MULTILINE)
        outside = re.sub(r"`[^`\n]*`", "", text)
        for word in ("<img", "rm -rf", "http://", "99 %"):
            assert word not in outside, (page, word)
    facts = [
        fact["text"]
        for each in json.loads(pages["final_evidence.json"])["sentences"]
        for fact in each["facts"]
    ]
    assert not any("99 %" in text or "rm -rf" in text for text in facts)
    assert "“`done # 99 % better <img src=x" in pages["final_paper_report.md"]


def test_claims_that_differ_from_what_was_measured_are_told() -> None:
    pages = checked_report(STORIES["an agent"])
    told = "candidates whose agents claimed other figures than were measured: 1, the last `c-0003`"
    assert told in pages["final_paper_report.md"]
    assert "claimed" not in checked_report(STORIES["nearly all"])["final_paper_report.md"]


def test_the_effect_of_the_mentor_is_counted() -> None:
    paper = checked_report(STORIES["an agent"])["final_paper_report.md"]
    assert "went on: 2; with an opinion: 1. Without one: 1; the last of these timeout: “" in paper
    assert "say that they follow its advice, 1 became champion; of 1 others that agents" in paper
    assert (
        "| `r-001` | 2 | off track | “`Two at once are 12 % better`” | `c-0003` | +50 % |" in paper
    )
    lost = [msgspec.structs.replace(each, verdict="rejected") if isinstance(each, e.VerdictReached)
            and each.iteration == 3 else each for each in STORIES["an agent"]]  # fmt: skip
    assert "follow its advice, 0 became champion" in checked_report(lost)["final_paper_report.md"]


def decided_story(follows: list[str]) -> list[AnyEvent]:
    """The same run, in which a worker's decision is what follows the review."""
    made = DecisionAnswered(
        decision=DecisionId("w-0001"), outcome="answered", detail="", duration_s=1.0, log=LOG,
        answer=Choice(action="run", label="two at once", follows=follows),
    )  # fmt: skip
    agent = (e.AgentStarted, e.AgentFinished, e.ChangeCollected)
    story: list[AnyEvent] = []
    for each in STORIES["an agent"]:
        if isinstance(each, e.CandidateProposed) and each.iteration == 3:
            chosen = Chosen(decision=made.decision, label="two at once")
            story += [made, msgspec.structs.replace(each, chosen=chosen, agent=None)]
        elif not (isinstance(each, agent) and each.iteration == 3):
            story.append(each)
    return story


def test_what_a_worker_decides_follows_the_mentor_as_well() -> None:
    paper = checked_report(decided_story(["r-001"]))["final_paper_report.md"]
    assert "say that they follow its advice, 1 became champion; of 1 others" in paper
    assert "| `c-0003` | +50 % |" in paper
    paper = checked_report(decided_story([]))["final_paper_report.md"]
    assert "No candidate says that it follows a review's advice." in paper


def test_odd_names_are_told_as_they_are() -> None:
    odd = msgspec.structs.replace(METRIC, name="$x_1$ `{y}` | 7", unit="µs|2", label="est. 4")
    event = msgspec.structs.replace(
        proposed(1), parameters={"a.b 3": "x|`y`", "n": True, "{z}": [1, 2]}, tags=["run 4", "a|b"]
    )
    story = [*begun(metric=odd, campaign="made <3>"), began(1), event, judged(1, 1.0, "promoted")]
    pages = checked_report([*story, *iteration(2, 0.5, "promoted")])
    table = [row for row in pages["final_paper_report.md"].splitlines() if row.startswith("|")]
    for row in table:
        assert len(re.findall(r"(?<!\\)\|", row)) in {3, 4, 5, 6, 7, 8, 9, 10}
    assert "$x_1$ '{y}' | 7" in pages["final_paper_report.md"]


def test_damage_is_said_with_the_last_good_event() -> None:
    paper = checked_report(STORIES["one"], damage="event 9 cannot be read")["final_paper_report.md"]
    assert "**The journal is damaged after event 8: “`event 9 cannot be read`”" in paper


def test_the_leaderboard_has_what_is_needed_to_look_again() -> None:
    board = json.loads(checked_report(STORIES["nearly all"])["final_leaderboard_top10.json"])
    assert (board["champion"], board["scored"]) == ("c-0003", 6)
    assert board["metric"]["mark"] == "static estimate, score can be forged"
    assert [row["candidate"] for row in board["rows"]][-2:] == ["c-0005", "c-0010"]
    row = board["rows"][1]
    assert (row["candidate"], row["value_then"], row["confidence"]) == ("c-0003", 0.6, "stable")
    assert row["measured_again"][-1]["value"] == 0.611
    assert (row["trace_id"], row["seed"]) == ("trace-3", 3)


def test_the_same_events_give_the_same_bytes() -> None:
    from engine.reports.final.figures import drawn

    first, _ = report_of(STORIES["nearly all"])
    second, _ = report_of(STORIES["nearly all"])
    assert first.pages == second.pages
    assert list(drawn(first.charts)) == list(drawn(second.charts))


@pytest.mark.parametrize("story", ["one", "failures only", "an agent", "nearly all", "infinite"])
def test_figures_parse_and_show_something(story: str) -> None:
    from engine.reports.final.figures import drawn

    report, _ = report_of(STORIES[story])
    drawings = {page.name: page.content for page in drawn(report.charts)}
    assert len(drawings) == 2 * len(report.charts)
    for name_, content in drawings.items():
        if name_.endswith(".svg"):
            root = ElementTree.fromstring(content)
            assert len(list(root.iter())) > 50
            assert b"Matplotlib v" not in content
        else:
            assert coloured(content) > 30


def coloured(png: bytes) -> int:
    """How many pixels of an image are neither white nor grey nor black."""
    import io

    from matplotlib import image

    pixels = image.imread(io.BytesIO(png), format="png")[..., :3]
    return int(np.sum(pixels.max(axis=-1) - pixels.min(axis=-1) > 0.2))


def test_pages_name_the_figures_that_are_drawn_and_no_others() -> None:
    report, _ = report_of(STORIES["nearly all"])
    assert "final_figures" not in pages_of(report)["final_paper_report.md"]
    names = tuple(chart.name for chart in report.charts)
    assert names == ("champion", "then_and_again", "spend")
    paper = checked_report(STORIES["nearly all"], figures=names)["final_paper_report.md"]
    assert re.findall(r"\((final_figures/\w+)\.svg\)", paper) == [
        f"final_figures/{each}" for each in names
    ]


def test_a_figure_in_a_template_is_an_error() -> None:
    fact = Fact("7", "count", (Source((1, 2)),))
    assert tell("{n} of them", n=fact).text == "7 of them"
    for template in ("{n} of 9", "top3: {n}"):
        with pytest.raises(LiteralFigure):
            tell(template, n=fact)
    with pytest.raises(LiteralFigure):
        Sheet("x").section("The best 5")
    with pytest.raises(KeyError):
        tell("{n} of {m}", n=fact)
    with pytest.raises(KeyError):
        tell("none", n=fact)
