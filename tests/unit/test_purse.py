"""One purse for all that spend at once: workers and the mentor, recorded or still at work."""

from engine.agents.spending import Used
from engine.core import events as e
from engine.core.campaign.budget import BudgetPart
from engine.core.event import LogSpan
from engine.core.ids import IterationNumber, ReviewId
from engine.core.parts import Tokens
from engine.core.reviewing import signals
from engine.core.state import RunState
from engine.loop.purse import Purse, Share
from tests.agent_events import at_work, worked
from tests.agent_runs import Turn, run_of, state_of
from tests.recorded import created

WORKER = Share(whose="the iteration", each=BudgetPart())
MENTOR = Share(whose="a review", each=BudgetPart())
FIRST, SECOND, REVIEW = "agents/00001-1", "agents/00002-1", "agents/r-001"


def usd(amount: float) -> Used:
    return Used(tokens=Tokens(input=10), cost_usd=amount)


def under_way(*events: e.AnyEvent, **limits: float) -> RunState:
    """A run with this budget in which two workers and a mentor are at work, and what followed."""
    begun = [created(), *at_work(1), *at_work(2), reviewing(), *events]
    state = state_of(begun)
    state.limits = e.Limits(**limits)  # type: ignore[arg-type]
    return state


def reviewing() -> e.ReviewStarted:
    return e.ReviewStarted(
        review=ReviewId("r-001"), at_iteration=IterationNumber(0), reasons=[], mode="standard",
        signals=signals(run_of([])), agent="codex", model=None, effort=None, folder=REVIEW,
        prompt_sha256="", parts=[], log=LogSpan(path="logs/mentor.log"),
    )  # fmt: skip


def test_a_mentor_and_a_worker_spend_from_one_purse() -> None:
    purse, state = Purse(), under_way(usd=1.0)
    assert purse.refusal(state, FIRST, WORKER, usd(0.6)) is None
    refusal = purse.refusal(state, REVIEW, MENTOR, usd(0.5))
    assert refusal == "the budget of the run is spent: 1.10 of 1 USD"
    refusal = purse.refusal(state, SECOND, WORKER, usd(0.1))
    assert refusal == "the budget of the run is spent: 1.20 of 1 USD"


def test_tokens_of_all_count_together() -> None:
    purse, state = Purse(), under_way(tokens=30)
    assert purse.refusal(state, FIRST, WORKER, usd(0)) is None
    assert purse.refusal(state, REVIEW, MENTOR, usd(0)) is None
    assert purse.refusal(state, SECOND, WORKER, usd(0)) is not None


def test_what_was_used_counts_until_its_outcome_is_recorded_and_then_once() -> None:
    purse = Purse()
    assert purse.refusal(under_way(usd=1.0), FIRST, WORKER, usd(0.6)) is None
    # Its program has ended, and what it left is being kept: nothing of it is recorded yet.
    assert purse.refusal(under_way(usd=1.0), SECOND, WORKER, usd(0.5)) is not None
    recorded = under_way(worked(1, cost_usd=0.6, tokens=Tokens(input=10)), usd=1.0)
    assert purse.refusal(recorded, SECOND, WORKER, usd(0.3)) is None
    assert purse.refusal(recorded, SECOND, WORKER, usd(0.4)) is not None


def test_each_has_a_share_of_its_own_too() -> None:
    purse, state = Purse(), run_of([Turn(verdict=None)])
    small = Share(whose="a review", each=BudgetPart(usd=0.5))
    assert purse.refusal(state, REVIEW, small, usd(0.4)) is None
    refusal = purse.refusal(state, REVIEW, small, usd(0.5))
    assert refusal == "the budget of a review is spent: 0.50 of 0.5 USD"
    again = Share(whose="the iteration", each=BudgetPart(usd=0.5), before=usd(0.3))
    assert purse.refusal(state, FIRST, again, usd(0.1)) is None
    assert purse.refusal(state, FIRST, again, usd(0.2)) is not None


def test_an_unknown_price_is_let_on_where_no_money_is_counted_alone() -> None:
    purse, unknown = Purse(), Used(tokens=Tokens(input=1), cost_usd=None)
    assert purse.refusal(under_way(), REVIEW, MENTOR, unknown) is None
    for share in (MENTOR, WORKER):
        refusal = purse.refusal(under_way(usd=1.0), REVIEW, share, unknown)
        assert refusal == "there is a budget in USD, and the price of the model is not known"
