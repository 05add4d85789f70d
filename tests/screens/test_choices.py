"""What a worker and its mentor wanted, side by side."""

from dataclasses import replace

import pytest

from engine.core import events as e
from engine.core.decisions import events as d
from engine.core.decisions.parts import Decision
from engine.core.event import LogSpan
from engine.core.ids import DecisionId, IterationNumber, ReviewId, candidate_id
from engine.core.reviews.parts import Opinion
from tests.screens import fakes
from tests.screens.test_mentor import STARTED
from tui.app import RoomApp
from tui.ink import text_of
from tui.screens.dialogue import Choices
from tui.views.choices import ChoicesView, choice_lines, choices_of
from tui.views.slots import slot_lines

LOG = LogSpan(path="logs/worker.log")
W1, R1 = DecisionId("w-0001"), ReviewId("r-001")
TOLD = fakes.events_of_run(20, open_steps=0)
OWN = Decision(
    action="run",
    label="chunk 64",
    parameters={"chunk": 64},
    rationale="Smaller blocks [fit] better.",
)
OTHER = Decision(
    action="propose",
    label="wide",
    parameters={"chunk": 256},
    rationale="Nothing wide was tried since the third.",
)
OFF = Opinion(course="off_track", critique="Small blocks lost twice.", replacement=OTHER)
ASKED = d.DecisionAsked(
    decision=W1, at_iteration=IterationNumber(20), reasons=["a slot is free"], agent="codex",
    model=None, effort=None, folder="agents/w-0001", prompt_sha256="", parts=[], log=LOG,
)  # fmt: skip
ANSWERED = d.DecisionAnswered(
    decision=W1, outcome="answered", detail="", duration_s=2.0, log=LOG, answer=OWN
)
HELD = d.DecisionHeld(decision=W1, until=fakes.iso(fakes.NOW + 60), reasons=["every 4 iterations"])


def looked(**whom: object) -> list[e.AnyEvent]:
    """A review of something, which would do something else."""
    ended = e.ReviewFinished(
        review=R1, outcome="answered", detail="", duration_s=3.0, log=LOG, opinion=OFF
    )
    given: dict[str, object] = {"decision": None, "candidate": None, **whom}
    return [e.ReviewStarted(**{n: getattr(STARTED, n) for n in STARTED.__struct_fields__} | given),
            ended]  # fmt: skip


def told(*events: e.AnyEvent) -> list[tuple[float, e.AnyEvent]]:
    return [*TOLD, *((fakes.NOW - 5, event) for event in events)]


REPLACED = told(
    ASKED,
    ANSWERED,
    d.DecisionGated(decision=W1, issues=[], blocked=False),
    HELD,
    *looked(decision=W1),
    d.DecisionReplaced(decision=W1, review=R1, replacement=OTHER, reason="no"),
)


def test_both_decisions_stand_beside_each_other() -> None:
    lines = choice_lines(choices_of(fakes.folded(REPLACED)), 83)
    left, right = zip(
        *((part.strip() for part in each.split("│")) for each in lines[:-1]), strict=True
    )
    assert (left[0], right[0]) == ("worker, w-0001", "mentor, r-001")
    assert " ".join(left[1:]).strip() == "run chunk 64, chunk=64 Smaller blocks [fit] better."
    assert " ".join(filter(None, right[1:])) == (
        "off track Small blocks lost twice. instead: propose wide, chunk=256 "
        "Nothing wide was tried since the third."
    )
    assert lines[-1] == "→ the mentor's took its place"
    assert max(map(len, lines)) <= 83


def test_so_do_a_candidate_and_what_a_review_says_of_it() -> None:
    number, name = IterationNumber(21), candidate_id(IterationNumber(21))
    where = {"iteration": number, "candidate": name}
    begun = [
        e.IterationStarted(iteration=number, slot=0, trace_id="t"),  # type: ignore[arg-type]
        e.CandidateProposed(
            **where, parameters={"chunk": 64, "heads_per_step": 1, "inverse": "ladder",
                                 "form": "wy"},
            key="k", seed=1, parents=[], tags=[], proposer="evolution",
        ),
        e.CandidateHeld(**where, until=fakes.iso(fakes.NOW + 60), reasons=["r"]),
    ]  # fmt: skip
    waits = fakes.room_of(told(*begun), fakes.condition_of("running"))
    shown = [text_of(each) for each in slot_lines(waits.slots, 80, fakes.NOW)]
    assert any("waits for a review" in each for each in shown)
    replaced = e.CandidateReplaced(**where, review=R1, replacement=OTHER, reason="no")
    lines = choice_lines(
        choices_of(fakes.folded(told(*begun, *looked(candidate=name), replaced))), 100
    )
    assert lines[0].split("│")[0].strip() == "worker, c-0021"
    assert "chunk 64" in lines[1].split("│")[0]
    assert "instead: propose wide, chunk=256" in " ".join(lines)
    said = fakes.log_of(told(*begun, *looked(candidate=name), replaced))[-1]
    assert (said.source, said.text) == (
        "mentor", "c-0021 replaced by r-001: propose wide, chunk=256: no"
    )  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(120, 40), (64, 20)])
async def test_d_shows_them(size: tuple[int, int]) -> None:
    room = fakes.room_of(REPLACED, fakes.condition_of("running"))
    feed = fakes.FakeFeed(replace(room, choices=ChoicesView()))
    async with RoomApp(feed, fakes.CLOCK).run_test(size=size) as pilot:
        await pilot.press("d")
        assert not isinstance(pilot.app.screen, Choices), "there is nothing to show"
        feed.show(room)
        await pilot.press("d")
        await pilot.pause(0.6)
        card = pilot.app.screen
        assert isinstance(card, Choices)
        shown = str(card.query_one("Static").render())
        assert "worker, w-0001" in shown
        assert "Smaller blocks [fit] better."[:12] in shown
        assert shown.index("worker, w-0001") < shown.index("│") < shown.index("mentor, r-001")
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, Choices)
