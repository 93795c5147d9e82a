"""Estimates and money."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.errors import Refused
from commonplace.model import Usage
from commonplace.openai.pricing import Counted, Price, price_of, price_within, shares
from commonplace.openai.tokens import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # Roughly what current tokenizers make of such texts.
        ("", 0),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("Wie backe ich ein gutes Brot mit Sauerteig und wenig Hefe?", 15),
        ("如何用少量酵母烤出好吃的面包", 11),
        ("Как испечь хороший хлеб на закваске?", 11),
        ("for (let i = 0; i < items.length; i++) { total += items[i].price; }", 23),
    ],
)
def test_estimates_are_near_and_rather_too_high(text: str, tokens: int) -> None:
    assert 0.9 * tokens <= estimate_tokens(text) <= 2.2 * tokens + 1


@given(st.text(), st.text())
def test_estimates_add_up(one: str, other: str) -> None:
    together = estimate_tokens(one + other)
    assert max(estimate_tokens(one), estimate_tokens(other)) <= together
    assert together <= estimate_tokens(one) + estimate_tokens(other)


def test_cached_and_written_tokens_have_their_own_price() -> None:
    price = Price(input=1.0, cached=0.1, cache_write=1.25, output=10.0)
    counted = Counted(input=1_000_000, cached=400_000, written=200_000, output=100_000)
    assert price.of(counted) == pytest.approx(0.4 + 0.04 + 0.25 + 1.0)
    assert price.discounted().of(counted) == pytest.approx(price.of(counted) / 2)


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    assert price_of("gpt-6-luna-2026-09-10") == price_of("gpt-6-luna")
    assert price_of("gpt-6-luna-2026-turbo") is None
    assert price_of("somebody/else") is None


def test_a_cost_limit_needs_a_price() -> None:
    with pytest.raises(Refused):
        price_within("somebody/else", None, 1.0)
    assert price_within("somebody/else", None, None) is None


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.lists(st.integers(0, 5000), min_size=1, max_size=12),
)
def test_shares_add_up_to_the_whole(tokens: int, cached: int, output: int, weights: list[int]) -> None:
    whole = Usage(input_tokens=tokens, cached_tokens=cached, output_tokens=output, cost_usd=0.25)
    parts = shares(whole, weights)
    total = sum(parts, Usage())
    assert (total.input_tokens, total.cached_tokens, total.output_tokens) == (tokens, cached, output)
    assert total.cost_usd == pytest.approx(0.25)
    assert all(part.input_tokens >= 0 for part in parts)
