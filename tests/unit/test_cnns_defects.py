"""The defects that were reproduced in llm_driven_cnns: each case, and what is right here.

docs/parity-cnns.md has a row for each, V1 to V28; those that need a whole run are in
tests/scenario/test_cnns_defects.py.
"""

import os
import re
import signal
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
import pytest

from engine.agents.protocol import Message, ToolFinished, ToolStarted
from engine.checks.readers import NotFoundError, metric_from_lines
from engine.core import events as e
from engine.core.answering import answer
from engine.core.campaign.checks import RegexMetric
from engine.core.campaign.mentor import MentorSpec
from engine.core.commands import CancelFinish, Envelope, Finish, Stop
from engine.core.event import LogSpan
from engine.core.finish.times import unix_s, utc
from engine.core.finishing import counted, finish_step, may_begin
from engine.core.fold import fold
from engine.core.fold_reviews import fold_review
from engine.core.housekeeping import Author, housekeeping
from engine.core.ids import CommandId, IterationNumber, trace_id
from engine.core.memory.parts import Housekeeping, MemoryRules
from engine.core.metric import Metric
from engine.core.plan import Plan, PlannedCheck, PlannedReferee
from engine.core.referee import next_step
from engine.core.reviewing import due, review_id, signals
from engine.core.reviews.parts import MentorRules, Opinion
from engine.core.state import RunState
from engine.core.stopping import ending
from engine.executors import procfs
from engine.executors.local import Local
from engine.knowledge.briefing import CAPS, Occasion, brief
from engine.knowledge.past import trials
from engine.knowledge.prompt import WORKER, worker_template
from engine.knowledge.prompt import assemble as worker_prompt
from engine.knowledge.storyline import story_line
from engine.knowledge.templates import read_text, shipped
from engine.loop.calls import looks_up
from engine.mentor.prompt import MENTOR, Asked, mentor_template
from engine.mentor.prompt import assemble as mentor_prompt
from engine.mentor.reading import read_review
from engine.reports.final import FinalRequest, make
from engine.reports.leaderboard import leaderboard
from engine.reports.mentoring import mentor_status
from engine.runfolder import identity
from engine.runfolder.finish_file import WrongFileError, wish_of
from tests.agent_runs import Turn, run_of
from tests.agent_runs import answer as agent_answer
from tests.executing import Marked, MemoryLog, lives, pid_in
from tests.recorded import (
    NOON,
    began,
    checked,
    checking,
    created,
    folded,
    iteration,
    iterations,
    judged,
    proposed,
    started,
    state_of,
    stopped,
)

ROOT: Final = Path(__file__).resolve().parents[2]
NOW_S: Final = unix_s(NOON)
NIGHT_S: Final = 12 * 3600.0
MENTOR_RULES: Final = MentorRules(every=4, when_stuck=True, stuck_after=5, failures=3)
PLAN: Final = Plan(checks=(PlannedCheck(name="cost"),), referee=PlannedReferee(check="cost"))
LOG: Final = LogSpan(path="logs/00001.log")
_RULE: Final = re.compile(r"^(?:\d+\.|-) .*", re.MULTILINE)


def tell(state: RunState, *events: e.AnyEvent, at_s: float = NOW_S) -> RunState:
    """The state after further events."""
    for event in events:
        record = e.Record(seq=state.seq + 1, time=utc(at_s), event=event, hash=b"")
        state = fold(state, record)
    return state


def reviewed(state: RunState, opinion: Opinion | None) -> None:
    """A review that begins and ends now."""
    name = review_id(state.reviews.begun + 1)
    begun = e.ReviewStarted(
        review=name, at_iteration=IterationNumber(state.ended_iterations), reasons=["r"],
        mode="standard", signals=signals(state), agent="scripted", model=None, effort=None,
        folder=f"agents/{name}", prompt_sha256="", parts=[], log=LOG,
    )  # fmt: skip
    ended = e.ReviewFinished(
        review=name, outcome="answered", detail="", duration_s=1.0, log=LOG, opinion=opinion
    )
    fold_review(state, begun, NOON)
    fold_review(state, ended, NOON)


def test_v4_a_long_training_calls_no_mentor() -> None:
    """A healthy run, looked at every twenty seconds for hours, forced a review each time."""
    turns = [Turn(verdict="promoted", value=1.5), Turn(value=2.5), Turn(value=2.4)]
    state = run_of([*turns, Turn(verdict=None)])
    reviewed(state, Opinion(course="on_track", critique="Fine."))
    before = signals(state)
    for hour in range(12):
        gap = e.ClockJumped(gap_s=1.0)
        state = tell(state, gap, at_s=NOW_S + hour * 3600)
        assert due(state, MENTOR_RULES) == []
    assert signals(state) == before, "what counts are iterations with a verdict, not time"


def test_v5_a_malformed_review_cancels_nothing() -> None:
    """A challenge with a suggestion out of form replaced a good decision by a wait."""
    said = '{"course": "off_track", "critique": "Stop that.", "suggested_decision": {"action": 7}}'
    reading = read_review(said, None)
    assert reading.opinion is None
    assert any("suggested_decision" in problem for problem in reading.problems)
    state = run_of([Turn(verdict=None)])
    open_before = dict(state.open)
    reviewed(state, reading.opinion)
    assert state.open == open_before
    assert state.reviews.done[-1].opinion is None


def test_v6_what_each_writes_down_is_kept_under_its_own_name() -> None:
    """Of a decision that was replaced the worker's notes were lost, the mentor's stood as its."""
    state = run_of([Turn(value=2.5)])
    workers = Housekeeping(todo_new=["profile the loader"], notes_update="the loader is slow")
    mentors = Housekeeping(todo_new=["try another loss"], notes_update="three times the same")
    for role, by, wishes in (("worker", "codex", workers), ("mentor", "mentor claude", mentors)):
        author = Author(role, by, IterationNumber(2))  # type: ignore[arg-type]
        state = tell(state, *housekeeping(state, wishes, author, MemoryRules()))
    assert [(one.role, one.by, one.text) for one in state.memory.open] == [
        ("worker", "codex", "profile the loader"),
        ("mentor", "mentor claude", "try another loss"),
    ]
    assert [(one.by, one.text) for one in state.memory.notes] == [
        ("codex", "the loader is slow"),
        ("mentor claude", "three times the same"),
    ]


@pytest.mark.anyio
async def test_v7_a_trainer_behind_a_shell_ends_with_it(tmp_path: Path) -> None:
    """The shell was killed, and the trainer trained on without a parent."""
    marked = Marked(tmp_path)
    note = tmp_path / "trainer.pid"
    trainer = f"echo $$ > {note}.new; mv {note}.new {note}; sleep 600; sleep 600"
    command = marked.command(f"sh -c '{trainer}'; echo done", deadline_s=600)

    async def run() -> None:
        await Local(grace_s=0.1).run(command, log=MemoryLog())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(20):
            while not note.exists():
                await anyio.sleep(0.005)
        tasks.cancel_scope.cancel()
    assert not lives(pid_in(note))
    assert marked.alive() == []


def test_v8_a_stop_is_carried_out_once() -> None:
    """The flag that stopped one run stayed, and every later run died at its first look."""
    state = state_of(created(), started(), *iterations(2), began(3), proposed(3))
    wish = Envelope(id=CommandId("once"), by="ann", command=Stop(reason="enough"))
    state = tell(state, *answer(state, wish))
    assert state.stopping == "enough"
    state = tell(state, stopped(), started())
    assert state.stopping is None, "it was for the engine of its time"
    assert answer(state, wish) == [], "the same wish, seen again, is answered already"


def test_v9_an_unreaped_process_is_dead() -> None:
    """A killed run whose parent had not waited for it counted as alive."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    it = msgspec.structs.replace(
        identity.own(), pid=pid, start_ticks=identity.start_ticks(pid) or 0
    )
    assert identity.is_alive(it)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it has died, and stays a zombie
    try:
        process = procfs.read(pid)
        assert process is not None
        assert process.dead
        assert not identity.is_alive(it)
    finally:
        os.waitpid(pid, 0)
    assert not identity.is_alive(it)


def test_v14_a_success_is_not_done_again() -> None:
    """A run that outlived its window and succeeded was taken for a crash, and trained once more."""
    story = [created(), started(), *iteration(1, 1.0, "promoted"), began(2), proposed(2)]
    passed = [checking(2), checked(2, 0.5)]
    state = state_of(*story, *passed, started())  # the engine died before the verdict
    step = next_step(state, state.open[IterationNumber(2)], PLAN, NOW_S)
    assert isinstance(step, e.VerdictReached)
    assert (step.verdict, step.value) == ("promoted", 0.5)


def test_v15_a_first_run_counts_however_long_it_took_and_whichever_attempt_it_was() -> None:
    """A bootstrap that was longer than its window, or succeeded at its retry, never counted."""
    cut = e.CheckInterrupted(
        iteration=IterationNumber(1), candidate=checked(1, 1.0).candidate, check="cost", attempt=1,
        reason="the engine died",
    )  # fmt: skip
    long = msgspec.structs.replace(checked(1, 1.0), attempt=2, duration_s=NIGHT_S)
    state = state_of(
        created(), started(), began(1), proposed(1), checking(1), cut, checking(1, 2), long
    )
    step = next_step(state, state.open[IterationNumber(1)], PLAN, NOW_S)
    assert isinstance(step, e.VerdictReached)
    assert step.verdict == "promoted"
    state = tell(state, step)
    assert state.first() is state.best()


def crowded(*, finish: bool) -> RunState:
    """A run of which every part of a prompt has more to say than it may."""
    long = agent_answer("h " * 900, ["i " * 900] * 9)
    turns = [Turn(value=2.5, answer=long, reason="r" * 3000) for _ in range(40)]
    state = run_of(turns, directives=[(f"title {n}", "y" * 6000) for n in range(5)])
    for number in range(9):
        said = Opinion(course="off_track", critique="c" * 2000, advice=f"a{number}")
        reviewed(state, said)
    if finish:
        wish = Envelope(id=CommandId("f"), by="ann", command=Finish(minutes=60))
        state = tell(state, *answer(state, wish, NOW_S))
        state = tell(state, *finish_step(state, PLAN, NOW_S, 0.0))
    return state


def test_v16_no_rule_of_a_prompt_is_cut_nor_its_deadline() -> None:
    """With a ninth rule the list was cut from its end: that was the one about the deadline."""
    state = crowded(finish=True)
    path = shipped(MENTOR)
    asked = Asked(review=review_id(10), reasons=["r"], signals=signals(state), mission="m " * 4000)
    mentor = mentor_prompt(mentor_template(read_text(path), str(path)), state, asked).text
    own = shipped(WORKER)
    occasion = Occasion(iteration=state.last_iteration + 1, base="")
    worker = worker_prompt(worker_template(read_text(own), str(own)), state, occasion).text
    for file, text in ((path, mentor), (own, worker)):
        rules = [rule.partition("{{")[0].strip() for rule in _RULE.findall(read_text(file))]
        assert rules
        assert [rule for rule in rules if rule not in text] == []
        assert "is cut off; choose what is sure" in text


def test_v17_of_what_happened_lately_whole_rows_are_told() -> None:
    """The tail of the record was shorter than one of its rows."""
    state = crowded(finish=False)
    parts = {part.name: part.text for part in brief(state, Occasion(iteration=42, base="")).parts}
    rows = [line for line in parts["results"].splitlines() if line.startswith("- c-")]
    assert [row[2:8] for row in rows] == [f"c-{n:04d}" for n in range(41, 33, -1)]
    assert all("est_ms" in row or "2.5 ms" in row for row in rows)
    assert len(parts["results"]) <= CAPS["results"]


def test_v18_a_value_is_compared_with_the_best_and_counts_once() -> None:
    """Each wait read the last run's log again: no gain, and its value under another label."""
    turns = [Turn(verdict="promoted", value=1.0), Turn(value=2.5), Turn(value=1.5)]
    state = run_of([*turns, Turn(verdict=None)])
    compared = [(one.id, one.reference.id) for one in trials(state) if one.reference]
    assert compared == [("c-0004", "c-0002"), ("c-0003", "c-0002"), ("c-0002", "c-0001")]
    assert trials(state)[0].gain == -0.5
    assert state.since_promotion == 2
    for _ in range(20):
        state = tell(state, e.ClockJumped(gap_s=60.0))
    assert state.since_promotion == 2
    assert [(row.candidate, row.value) for row in leaderboard(state).rows] == [
        ("c-0002", 1.0), ("c-0004", 1.5), ("c-0001", 2.0), ("c-0003", 2.5),
    ]  # fmt: skip


def test_v19_numbers_tell_work_apart_short_work_is_kept_and_a_backlog_closes() -> None:
    """Digits were stripped, items of few words dropped, and no backlog ever let nothing in."""
    state, author = run_of([]), Author("worker", "codex", IterationNumber(1))
    rules = MemoryRules(backlog=4)
    for texts in (["use lr 3e-4", "use lr 1e-4"], ["try size 512", "try size 768"]):
        state = tell(state, *housekeeping(state, Housekeeping(todo_new=texts), author, rules))
    assert [one.text for one in state.memory.open] == [
        "use lr 3e-4", "use lr 1e-4", "try size 512", "try size 768",
    ]  # fmt: skip
    wishes = Housekeeping(todo_new=["try the size 512", "use lr 0.0003"])
    found = housekeeping(state, wishes, author, rules)
    assert [each.reason for each in found if isinstance(each, e.TodoLeftOut)] == [
        "it is t-0003 already", "it is t-0001 already",
    ]  # fmt: skip
    for number in range(12):
        wishes = Housekeeping(todo_new=[f"look at layer {number}", f"look at head {number}"])
        found = housekeeping(state, wishes, author, rules)
        state = tell(state, *found)
    assert len(state.memory.open) == 2 * rules.backlog
    assert not any(isinstance(each, e.TodoAdded) for each in found)
    assert all(each.reason for each in found if isinstance(each, e.TodoLeftOut))


def test_v20_other_events_shift_no_number() -> None:
    """A killed run wrote a row more, by which the next cycle's number and the cadence moved."""
    other: list[e.AnyEvent] = [
        e.ClockJumped(gap_s=2.0),
        e.CommandRefused(command_id=CommandId("x"), command="resume", by="a", reason="not paused"),
        stopped(), started(),
    ]  # fmt: skip
    plain = state_of(created(), started(), *iterations(3))
    mixed = state_of(
        created(), started(),
        *[each for n in (1, 2, 3) for each in [*other, *_one(n), *other]],
    )  # fmt: skip
    for state in (plain, mixed):
        assert (state.last_iteration, state.ended_iterations) == (3, 3)
        assert list(state.candidates) == ["c-0001", "c-0002", "c-0003"]
        assert due(state, MENTOR_RULES) == []
    for state in (plain, mixed):
        after = tell(state, *_one(4))
        assert due(after, MENTOR_RULES) == ["every 4 iterations"]


def _one(number: int) -> list[e.AnyEvent]:
    better = number <= 2
    return iteration(number, 1 / number if better else 2.0, "promoted" if better else "rejected")


def test_v21_a_figure_is_read_in_the_form_that_it_has_and_no_nan_is_passed_over() -> None:
    """Lines of JSON, another order of keys and nan were skipped without a word."""
    source = RegexMetric(regex=r"[\"']val_dice['\"]: ([^,}]+)", pick="max")
    printed = [
        '{"epoch": 1, "val_dice": 0.61}',
        "{'val_dice': 0.74, 'epoch': 2}",
        '{"loss": 0.1, "val_dice": 0.69, "epoch": 3}',
    ]
    assert metric_from_lines(source, printed) == 0.74
    with pytest.raises(NotFoundError, match="nan is not a finite number"):
        metric_from_lines(source, [*printed, '{"epoch": 4, "val_dice": nan}'])


def test_v22_the_metric_ranks_and_nothing_is_weighed_in() -> None:
    """.79 with a better second figure came before .80, and what had no figure was ranked too."""
    metric = Metric(name="dice", direction="max")
    story: list[e.AnyEvent] = [msgspec.structs.replace(created(), metric=metric)]
    for number, value, ap in ((1, 0.5, 0.4), (2, 0.80, 0.50), (3, 0.79, 0.61), (4, None, 0.9)):
        metrics = {"ap": ap} | ({} if value is None else {"dice": value})
        told = judged(number, value, "incorrect" if value is None else "rejected")
        story += [began(number), proposed(number), msgspec.structs.replace(told, metrics=metrics)]
    rows = leaderboard(state_of(*story)).rows
    assert [row.candidate for row in rows] == ["c-0002", "c-0003", "c-0001"]


def finishing(minutes: float = 60, rounds: int = 1) -> RunState:
    """A run whose finish has begun."""
    state = state_of(created(), started(), *iterations(2))
    wish = Finish(minutes=minutes, final_rounds=rounds, top_k=2)
    state = tell(state, *answer(state, Envelope(id=CommandId("f"), by="ann", command=wish), NOW_S))
    return tell(state, *finish_step(state, PLAN, NOW_S, 0.0))


def test_v23_a_round_that_failed_at_once_is_no_final_round() -> None:
    """A run that ended with status 2 in its first second counted, and reporting began."""
    state = finishing()
    round_started = e.FinalRoundStarted(iteration=IterationNumber(3))
    state = tell(state, round_started, began(3), proposed(3))
    failed = judged(3, None, "compile")
    state = tell(state, failed, *counted(state, failed))
    assert state.finish is not None
    assert (state.finish.counted, state.finish.phase) == (0, "final_rounds")
    assert finish_step(state, PLAN, NOW_S, 0.0) == []
    assert may_begin(state, NOW_S), "there is time for another"


def test_v24_a_deadline_that_passed_ends_the_run_and_is_not_there_tomorrow() -> None:
    """Past its deadline it reported for ever, and the next session began by reporting."""
    state, late_s = finishing(), NOW_S + 86_400
    state = tell(state, stopped(), started(), at_s=late_s)
    while events := finish_step(state, PLAN, late_s, 0.0):
        state = tell(state, *events, at_s=late_s)
    over = ending(state, 0.0)
    assert over is not None
    assert (over.reason, over.exit_status) == ("finish", 0)
    ended = e.RunFinished(reason="finish", detail="", exit_status=0)
    state = tell(state, ended, stopped(), started(), at_s=late_s)
    assert state.finish is None
    assert may_begin(state, late_s)


def test_v25_a_byte_order_mark_changes_no_meaning_and_garbage_means_nothing() -> None:
    """A file that could not be read was a finish now, with a deadline that slid along."""
    wish = (
        b'{"activate_at_utc": "2026-11-21T19:00:00Z", "minutes_left": 60,'
        b' "requested_utc": "2026-11-21T11:00:00Z"}'
    )
    for content in (wish, b"\xef\xbb\xbf" + wish):
        found = wish_of(content, NOW_S)
        assert isinstance(found, Finish)
        assert unix_s(found.activate_at or "") == NOW_S + 7 * 3600
        assert found == wish_of(content, NOW_S + 600), "whoever looks later sees the same"
    for content in (b"", wish[:-1], b"\xff\xfe" + wish.decode().encode("utf-16-le")):
        with pytest.raises(WrongFileError):
            wish_of(content, NOW_S)
    assert wish_of(b'{"status": "cancelled"}', NOW_S) == CancelFinish()


def test_v26_a_report_of_nothing_claims_nothing() -> None:
    """The report told of the phases of a search that never was."""
    records = [
        e.Record(seq=n, time=utc(NOW_S + n), event=event, hash=b"x")
        for n, event in enumerate([created(), started()], 1)
    ]
    pages = {
        page.name: page.content.decode()
        for page in make(records, folded(records), FinalRequest()).pages
    }
    paper = pages["final_paper_report.md"]
    for sentence in (
        "No iteration has begun.", "No candidate was proposed.", "No candidate is champion.",
        "No candidate has a score.", "No mentor has looked.",
    ):  # fmt: skip
        assert sentence in paper
    found = re.findall(r"phase|observed|explored|searched", paper.casefold())
    assert found == []


def test_v27_scripts_that_are_programs_can_be_started() -> None:
    """A fresh clone failed at its first step: none of the scripts could be executed."""
    scripts = sorted((ROOT / "scripts").glob("*.sh"))
    assert scripts
    for script in scripts:
        assert script.read_bytes().startswith(b"#!/bin/sh\n"), script.name
        assert os.access(script, os.X_OK), f"{script.name} has no right to be executed"
    made = (ROOT / "Makefile").read_text()
    assert re.findall(r"(?m)^\t.*\bbash\b", made) == [], "any shell will do"


def test_v28_a_word_about_the_internet_is_no_search() -> None:
    """The word alone, anywhere in what was said, met the demand for a search."""
    words = "I used web_search, a search_query and an image_query on the internet"
    said: list[Any] = [
        Message(text=words),
        ToolStarted(id="1", tool="shell", text=f"echo {words}"),
        ToolFinished(id="1", ok=True),
    ]
    assert not any(looks_up(event) for event in said)
    assert looks_up(ToolStarted(id="2", tool="web_search", text=""))


def test_a_health_check_looks_every_ten_iterations() -> None:
    """The cadence of the mode that only looks, unless the campaign says another."""
    given = {"agent": "scripted", "mode": "builder_health_helper"}
    assert MentorSpec.model_validate(given).to_rules().every == 10
    assert MentorSpec.model_validate(given | {"every": 3}).to_rules().every == 3
    assert MentorSpec.model_validate(given | {"mode": "standard"}).to_rules().every == 4


def test_what_speaks_for_a_review_is_shown() -> None:
    """The signals that force one, and all that they are made of, for people and programs."""
    state = run_of([Turn(value=2.5) for _ in range(9)])
    assert mentor_status(state) is None
    state.document = state.document | {"mentor": {"agent": "scripted"}}
    found = mentor_status(state)
    assert found is not None
    shown = msgspec.to_builtins(found)["signals"]
    assert {"research", "breakout", "non_training", "todo_pressure", "since_champion",
            "since_search", "since_exploration", "failures_in_a_row", "open_todos", "drifts"
            } <= shown.keys()  # fmt: skip
    assert shown["since_champion"] == 9


def test_an_iteration_has_one_trace_id() -> None:
    """The same in its prompts and in the story, by the run and its number alone."""
    state = run_of([Turn(value=2.5)])
    trace = trace_id(state.run, IterationNumber(2))
    assert story_line(state, trials(state)[0].candidate).startswith(f"0002 | {trace} | rejected")
    own = shipped(WORKER)
    occasion = Occasion(iteration=2, base="", trace=trace)
    prompt = worker_prompt(worker_template(read_text(own), str(own)), state, occasion)
    assert f"iteration 2 (trace {trace})" in prompt.text
    assert trace != trace_id(state.run, IterationNumber(3))


def test_a_story_of_many_parameters_tells_what_differs_from_the_parent() -> None:
    many = {f"parameter_{number}": number for number in range(14)}
    other = msgspec.structs.replace(proposed(2), parameters=many | {"parameter_9": 90})
    told: list[e.AnyEvent] = [
        created(),
        began(1),
        msgspec.structs.replace(proposed(1), parameters=many),
    ]
    told += [judged(1, 2.0, "promoted"), began(2), other, judged(2, 3.0, "rejected")]
    state = state_of(*told)
    line = story_line(state, state.candidates[other.candidate])
    assert "| c-0001 with parameter_9=90 |" in line
