"""What a campaign says of the steps of its iterations."""

from engine.loop.planning import plan_of
from tests.checking import campaign_of

NOISY = {
    "metric": {"name": "x", "direction": "min", "noise": "measured"},
    "referee": {"prepare": ["data"]},
}


def test_whoever_is_measured_has_a_product_first() -> None:
    """A champion in a tree of its own has none, unless the check that leaves it is run."""
    campaign = campaign_of(
        {"name": "data", "run": "true"},
        {"name": "built", "produce": "true", "judge": "true"},
        {"name": "timed", "produced_by": "built", "judge": "true", "reports": ["x"]},
        **NOISY,
    )
    referee = plan_of(campaign).referee
    assert referee is not None
    assert referee.prepare == ("built", "data")
