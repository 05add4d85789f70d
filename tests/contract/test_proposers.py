"""What every proposer must do, over the engine's own state."""

import math
from typing import Any, ClassVar

import pytest

from engine.core import events as e
from engine.core.domains import Choices, Floats, Integers, Powers
from engine.core.fold import fold
from engine.core.ids import IterationNumber, RunId, TraceId, candidate_id
from engine.core.metric import Direction, Metric
from engine.core.space import Space
from engine.core.state import RunState, dump, load
from engine.core.verdict import Verdict
from engine.proposers.protocol import Exhausted, Proposal, ProposalRequest, Proposer
from engine.proposers.table import PROPOSERS, Setup

SPACE = Space(
    {
        "inverse": Choices(["ladder", "blocked"]),
        "block": Choices([8, 16, 32]),
        "heads": Powers(0, 2),
        "stages": Integers(1, 3),
    },
    {"block": {"inverse": ["blocked"]}},
)
BASELINE = {"inverse": "ladder", "heads": 1, "stages": 1}
SIZE = 36


class Run:
    """A state that grows by events, as the engine's does."""

    def __init__(self, seed: int = 7, direction: Direction = "min") -> None:
        self.seed = seed
        self._state: RunState | None = None
        self._tell(
            e.RunCreated(
                run=RunId("r"),
                campaign="c",
                campaign_sha256="",
                campaign_path="",
                document={},
                seed=seed,
                slots=1,
                metric=Metric(name="ms", direction=direction),
                limits=e.Limits(),
                space_size=10**30,  # beyond any machine integer, as large spaces are
            )
        )

    @property
    def state(self) -> RunState:
        assert self._state is not None
        return self._state

    def restarted(self) -> "Run":
        """The same run as another engine would find it."""
        other = Run(self.seed)
        other._state = load(dump(self.state))
        return other

    def ask(self, proposer: Proposer) -> Proposal | Exhausted:
        number = IterationNumber(self.state.last_iteration + 1)
        return proposer.propose(ProposalRequest(state=self.state, iteration=number, seed=self.seed))

    def begin(self, proposal: Proposal) -> IterationNumber:
        number = IterationNumber(self.state.last_iteration + 1)
        self._tell(e.IterationStarted(iteration=number, slot=0, trace_id=TraceId("t")))
        self._tell(
            e.CandidateProposed(
                iteration=number,
                candidate=candidate_id(number),
                parameters=proposal.parameters,
                key=proposal.key,
                seed=proposal.seed,
                parents=proposal.parents,
                tags=proposal.tags,
                proposer=proposal.proposer,
            )
        )
        return number

    def end(self, number: IterationNumber, verdict: Verdict, value: float | None) -> None:
        self._tell(
            e.VerdictReached(
                iteration=number,
                candidate=candidate_id(number),
                verdict=verdict,
                reason="",
                value=value,
            )
        )

    def demote(self, number: int, champion: int) -> None:
        self._tell(
            e.ChampionDemoted(
                iteration=IterationNumber(number),
                candidate=candidate_id(IterationNumber(number)),
                champion=candidate_id(IterationNumber(champion)),
                reason="long: not better",
            )
        )

    def step(
        self, proposer: Proposer, ending: tuple[Verdict, float | None] | None = None
    ) -> Proposal:
        proposal = self.ask(proposer)
        assert isinstance(proposal, Proposal)
        self.end(self.begin(proposal), *(ending or outcome(proposal.parameters)))
        return proposal

    def _tell(self, event: e.AnyEvent) -> None:
        seq = self._state.seq + 1 if self._state else 1
        self._state = fold(self._state, e.Record(seq=seq, time="", event=event, hash=b""))


def outcome(point: dict[str, Any]) -> tuple[Verdict, float | None]:
    """Some fail, some break a gate, the rest have a value."""
    if point["heads"] == 4 and point["stages"] == 3:
        return "compile", None
    value = point["heads"] + point["stages"] + point.get("block", 64) / 16
    return ("infeasible" if point["stages"] == 2 else "rejected"), value


class ProposerContract:
    """Subclasses say which proposer it is about, and how it is set up."""

    kind: str
    options: ClassVar[dict[str, Any]] = {}

    def make(self, space: Space = SPACE, baseline: dict[str, Any] | None = None) -> Proposer:
        setup = Setup(space=space, baseline=baseline or BASELINE, options=self.options)
        return PROPOSERS[self.kind](setup)

    def test_the_first_iteration_is_the_baseline(self):
        proposal = Run().step(self.make(baseline=BASELINE | {"block": 16}))
        assert proposal.parameters == BASELINE
        assert (proposal.tags, proposal.parents) == (["baseline"], [])

    def test_every_configuration_once_and_then_none(self):
        run, proposer = Run(), self.make()
        keys = [run.step(proposer).key for _ in range(SIZE)]
        assert set(keys) == {SPACE.key(point) for point in SPACE.enumerate()}
        assert isinstance(run.ask(proposer), Exhausted)
        assert isinstance(run.ask(self.make()), Exhausted)

    def test_open_iterations_are_not_proposed_again(self):
        run, proposer = Run(), self.make()
        proposals: list[Proposal] = []
        while isinstance(proposal := run.ask(proposer), Proposal):
            proposals.append(proposal)
            run.begin(proposal)
        assert len({proposal.key for proposal in proposals}) == len(proposals) == SIZE

    def test_proposals_are_points_of_the_space_under_their_key(self):
        run, proposer = Run(), self.make()
        for _ in range(SIZE):
            proposal = run.step(proposer)
            assert SPACE.check(proposal.parameters) == []
            assert SPACE.active(proposal.parameters) == proposal.parameters
            assert SPACE.key(proposal.parameters) == proposal.key
            assert proposal.proposer == self.kind

    def test_a_restarted_engine_proposes_the_same(self):
        run, proposer = Run(), self.make()
        for number in range(SIZE):
            expected = run.ask(proposer)
            assert run.ask(proposer) == expected
            assert run.restarted().ask(self.make()) == expected
            assert run.restarted().ask(proposer) == expected, number
            run.step(proposer)

    def test_a_verdict_that_comes_late_is_seen_by_all_alike(self):
        run, proposer = Run(), self.make()
        waiting: list[tuple[IterationNumber, Proposal]] = []
        for _ in range(SIZE):
            proposal = run.ask(proposer)
            assert isinstance(proposal, Proposal)
            assert run.restarted().ask(self.make()) == proposal
            waiting.append((run.begin(proposal), proposal))
            if len(waiting) == 3:
                number, oldest = waiting.pop(1)
                run.end(number, *outcome(oldest.parameters))

    def test_parents_are_candidates_that_were_scored(self):
        run, proposer = Run(), self.make()
        for _ in range(SIZE):
            known = {c.id for c in run.state.candidates.values() if c.scored}
            assert set(run.step(proposer).parents) <= known

    def test_the_seed_decides(self):
        def points(seed: int) -> list[tuple[str, int]]:
            run, proposer = Run(seed), self.make()
            return [(p.key, p.seed) for p in (run.step(proposer) for _ in range(12))]

        assert points(1) == points(1)
        assert points(1) != points(2)

    def test_candidate_seeds_are_31_bits_and_differ(self):
        run, proposer = Run(), self.make()
        numbers = [run.step(proposer).seed for _ in range(SIZE)]
        assert len(set(numbers)) == SIZE
        assert all(0 <= number < 2**31 for number in numbers)

    def test_asking_leaves_the_state_alone(self):
        run, proposer = Run(), self.make()
        for _ in range(10):
            run.step(proposer)
        before = dump(run.state)
        run.ask(proposer)
        assert dump(run.state) == before

    def test_an_endless_space_goes_on(self):
        space = Space({"x": Floats(0.0, 1.0), "heads": Powers(0, 2), "stages": Integers(1, 3)})
        run, proposer = Run(), self.make(space, {"x": 0.5, "heads": 1, "stages": 1})
        keys = {run.step(proposer).key for _ in range(100)}
        assert len(keys) == 100

    def test_a_space_of_nothing_has_its_baseline_only(self):
        run, proposer = Run(), PROPOSERS[self.kind](Setup(space=Space({}), baseline={}))
        proposal = run.ask(proposer)
        assert isinstance(proposal, Proposal)
        assert proposal.parameters == {}
        run.end(run.begin(proposal), "promoted", 1.0)
        assert isinstance(run.ask(proposer), Exhausted)


class TestEvolution(ProposerContract):
    kind = "evolution"

    def test_infeasible_candidates_are_parents_only_after_all_others(self):
        options = {"explore": 0.0, "parents": 1}
        space = Space({"x": Integers(0, 100)})
        proposer = PROPOSERS["evolution"](Setup(space=space, baseline={"x": 50}, options=options))
        run = Run()
        verdicts: list[tuple[Verdict, float | None]] = [
            ("promoted", 9.0),
            ("infeasible", 1.0),
            ("incorrect", 0.5),
            ("rejected", math.nan),
            *[("compile", None)] * 9,
        ]
        proposals = [run.step(proposer, verdict) for verdict in verdicts]
        assert {tuple(proposal.parents) for proposal in proposals[1:]} == {("c-0001",)}

    def test_one_that_was_demoted_is_a_parent_no_more(self):
        options = {"explore": 0.0, "parents": 1}
        space = Space({"x": Integers(0, 100)})
        proposer = PROPOSERS["evolution"](Setup(space=space, baseline={"x": 50}, options=options))
        run = Run()
        run.step(proposer, ("promoted", 9.0))
        run.step(proposer, ("promoted", 1.0))
        assert run.step(proposer, ("rejected", 8.0)).parents == ["c-0002"]
        run.demote(2, 1)
        proposal = run.step(proposer, ("rejected", 20.0))
        assert proposal.parents == ["c-0003"]
        fresh = PROPOSERS["evolution"](Setup(space=space, baseline={"x": 50}, options=options))
        assert run.restarted().ask(fresh) == run.ask(proposer)

    @pytest.mark.parametrize(("direction", "best"), [("min", 0), ("max", 60)])
    def test_it_climbs_in_the_direction_of_the_metric(self, direction: Direction, best: int):
        options = {"explore": 0.0, "parents": 2}
        space = Space({"x": Integers(0, 61)})
        proposer = PROPOSERS["evolution"](Setup(space=space, baseline={"x": 30}, options=options))
        run = Run(direction=direction)
        for _ in range(40):
            proposal = run.ask(proposer)
            assert isinstance(proposal, Proposal)
            run.end(run.begin(proposal), "rejected", proposal.parameters["x"])
        seen = {c.parameters["x"] for c in run.state.candidates.values()}
        assert best in seen
        assert abs(sum(seen) / len(seen) - best) < 30


class TestEvolutionThatNeverExplores(ProposerContract):
    kind = "evolution"
    options: ClassVar = {"explore": 0.0, "parents": 1}


class TestRandomSearch(ProposerContract):
    kind = "evolution"
    options: ClassVar = {"explore": 1.0}


@pytest.mark.parametrize("kind", PROPOSERS)
def test_every_proposer_passes_the_contract(kind: str):
    assert kind in {test.kind for test in ProposerContract.__subclasses__()}
