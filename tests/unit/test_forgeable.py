"""Which scores are marked as ones that could have been forged, and for how long."""

from typing import Any

import msgspec
import pytest

from engine.core import events as e
from engine.core.campaign.load import campaign_from_document
from engine.core.state import RunState
from tests import recorded

PLAIN = {"name": "tests", "run": "true"}
SEALED = {"name": "score", "produce": "p", "judge": "j", "reports": ["loss"]}
AGENT = {"kind": "agent", "agent": "scripted", "script": "s.yaml"}
SEARCH: dict[str, Any] = {
    "proposers": [{"kind": "evolution"}],
    "space": {"x": {"choices": [1, 2]}},
    "baseline": {"x": 1},
}
MENTOR = {"mentor": {"agent": "scripted", "script": "s.yaml"}}


def forgeable(*checks: dict[str, Any], terms: dict[str, bool] | None = None, **more: Any) -> bool:
    document = {
        "campaign": "toy",
        "metric": {"name": "loss", "direction": "min"},
        "workspace": {"repo": "."},
        "proposers": [AGENT],
        "checks": list(checks),
    }
    return campaign_from_document(document | more).to_metric(**(terms or {})).forgeable


def test_only_sealed_checks_of_agents_code_are_not_marked() -> None:
    assert not forgeable(SEALED)
    assert forgeable({**PLAIN, "reports": ["loss"]})


def test_one_plain_check_beside_a_sealed_one_marks_the_score() -> None:
    """It can change the interpreter of the judge, whether it reports anything or not."""
    assert forgeable(PLAIN, SEALED)
    assert forgeable(SEALED, post_checks=[PLAIN])


@pytest.mark.parametrize("terms", [{"unsealed": True}, {"confined": False}])
def test_without_a_sandbox_it_is_marked(terms: dict[str, bool]) -> None:
    assert forgeable(SEALED, terms=terms)


def test_a_search_for_parameters_runs_the_persons_own_code() -> None:
    plain = {**PLAIN, "reports": ["loss"]}
    assert not forgeable(plain, **SEARCH)
    assert not forgeable(plain, terms={"confined": False}, **SEARCH)
    assert not forgeable(plain, **SEARCH, **MENTOR)
    assert forgeable(plain, terms={"confined": False}, **SEARCH, **MENTOR)


def after(*events: e.AnyEvent) -> RunState:
    return recorded.state_of(recorded.created(), recorded.started(), *events)


OPEN = msgspec.structs.replace(recorded.started(), forgeable=True)


def test_a_run_that_goes_on_unsealed_is_marked_for_good() -> None:
    assert not after().metric.forgeable
    assert after(OPEN).metric.forgeable
    assert after(OPEN, recorded.started()).metric.forgeable


def test_sealing_a_campaign_later_does_not_clean_what_was_measured() -> None:
    sealed = e.CampaignChangeAccepted(
        campaign_sha256="01",
        document={"campaign": "made"},
        differences=["checks"],
        metric=recorded.created().metric,
        by="ada",
    )
    assert not after(sealed).metric.forgeable
    assert after(OPEN, sealed).metric.forgeable
