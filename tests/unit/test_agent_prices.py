"""Prices of model calls: known, unknown, long, and a campaign's own."""

import pytest

from engine.agents.prices import LongRates, Price, Prices
from engine.agents.protocol import Billed, Spent
from engine.agents.spending import Ledger, Used
from engine.core.parts import Tokens

MILLION = 1_000_000


def test_each_kind_of_token_is_counted_once() -> None:
    price = Price(input=3, cached_input=0.3, cache_write=3.75, output=15)
    call = Tokens(input=10_000, cached_input=6_000, cache_write=1_000, output=200, reasoning=150)
    expected = (3_000 * 3 + 6_000 * 0.3 + 1_000 * 3.75 + 200 * 15) / MILLION
    assert price.cost_usd(call) == pytest.approx(expected)


def test_without_a_price_of_its_own_a_cached_token_is_input() -> None:
    price = Price(input=2, output=4)
    tokens = Tokens(input=MILLION, cached_input=500_000, cache_write=100_000)
    assert price.cost_usd(tokens) == pytest.approx(2)


def test_a_long_call_costs_more_as_a_whole() -> None:
    long = LongRates(above=1000, input=20, cached_input=2, cache_write=20, output=200)
    price = Price(input=10, cached_input=1, cache_write=10, output=100, long=long)
    assert price.cost_usd(Tokens(input=1000, output=10)) == pytest.approx(0.011)
    assert price.cost_usd(Tokens(input=1001, output=10)) == pytest.approx(0.02202)


@pytest.mark.parametrize(
    "name",
    [
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-5[1m]",
        "anthropic/claude-sonnet-4-5-20250929[1m]",
    ],
)
def test_a_model_is_known_by_its_other_names(name: str) -> None:
    assert Prices().cost_usd(name, Tokens(output=MILLION)) == pytest.approx(15)


@pytest.mark.parametrize("name", ["", "gpt-5.5-pro", "claude-sonnet", "gpt-5.5-fast", "x"])
def test_an_unknown_model_has_no_price(name: str) -> None:
    assert Prices().cost_usd(name, Tokens()) is None


def test_a_campaigns_own_price_wins() -> None:
    prices = Prices({"gpt-5.5": Price(input=1, output=1), "mine": Price(input=0, output=0)})
    assert prices.cost_usd("gpt-5.5", Tokens(output=MILLION)) == 1
    assert prices.cost_usd("mine", Tokens(output=MILLION)) == 0


def test_every_price_of_the_table_is_sound() -> None:
    """A slip in a digit would show in these ratios, which hold for all list prices known."""
    for price in Prices()._models.values():
        assert price.cached_input is not None
        assert price.cache_write is not None
        assert 0 < price.cached_input <= price.input / 10 + 1e-9
        assert price.input <= price.cache_write <= 1.25 * price.input
        assert 4 * price.input <= price.output <= 8 * price.input
        if price.long is not None:
            assert price.long.above >= 100_000
            assert price.long.input > price.input
            assert price.long.output > price.output


def test_a_ledger_adds_up_and_the_programs_own_total_wins() -> None:
    ledger = Ledger(Prices().cost_usd, "claude-haiku-4-5")
    told = ledger.spend(Spent(tokens=Tokens(input=MILLION)))
    assert (told.cost_usd, told.model) == (1, "claude-haiku-4-5")
    ledger.spend(Spent(tokens=Tokens(output=MILLION), cost_usd=2.5))
    assert ledger.used == Used(tokens=Tokens(input=MILLION, output=MILLION), cost_usd=3.5)
    ledger.settle(Billed(cost_usd=3.4))
    assert ledger.used.cost_usd == 3.4


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    ledger = Ledger(Prices().cost_usd)
    ledger.spend(Spent(tokens=Tokens(input=5), cost_usd=1))
    ledger.spend(Spent(tokens=Tokens(input=5), model="nobody-knows"))
    ledger.spend(Spent(tokens=Tokens(input=5), cost_usd=1))
    assert ledger.used.cost_usd is None
    assert ledger.unpriced == "nobody-knows"
    assert ledger.used.tokens.input == 15


def test_nothing_costs_nothing_whatever_the_model() -> None:
    ledger = Ledger(Prices().cost_usd)
    ledger.spend(Spent(tokens=Tokens(), model="nobody-knows"))
    assert ledger.used.cost_usd == 0
