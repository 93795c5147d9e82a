"""Excerpts: within the budget, honest about gaps, the same every time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commonplace.categorize.contract import Subject, Turn
from commonplace.categorize.openai.excerpt import excerpt
from commonplace.openai.tokens import estimate_tokens

turns = st.lists(
    st.builds(Turn, st.sampled_from(["user", "assistant"]), st.text(max_size=3000) | st.just("word " * 2000)),
    max_size=40,
)


def of(*texts: str, title: str | None = None) -> Subject:
    said = tuple(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))
    return Subject(conversation_id="c", content_hash="h", title=title, turns=said)


def test_a_short_conversation_is_sent_whole() -> None:
    assert excerpt(of("Hi", "Hello", title="Greeting"), 500) == "Title: Greeting\n\nPerson: Hi\n\nAssistant: Hello"


def test_nothing_to_read_is_an_empty_excerpt() -> None:
    assert excerpt(of(" ", "\n"), 500) == ""


def test_a_long_one_keeps_openings_endings_and_samples_of_the_middle() -> None:
    texts = [f"turn-{number:03d} " + "lorem ipsum " * 60 for number in range(200)]
    short = excerpt(of(*texts, title="Long"), 1500)
    shown = [number for number in range(200) if f"turn-{number:03d}" in short]
    assert {0, 1, 198, 199} <= set(shown)
    middle = [number for number in shown if 2 <= number < 198]
    assert min(middle) < 80
    assert max(middle) > 120
    assert "turns left out" in short


def test_one_endless_turn_keeps_its_beginning_and_its_end() -> None:
    short = excerpt(of("begin " + "x " * 100_000 + "finish"), 300)
    assert short.startswith("Person: begin")
    assert short.endswith("finish")
    assert "[…]" in short


@given(turns, st.text(max_size=2000) | st.none(), st.integers(min_value=200, max_value=3000))
def test_an_excerpt_keeps_to_its_budget_and_is_always_the_same(
    said: list[Turn], title: str | None, budget: int
) -> None:
    subject = Subject(conversation_id="c", content_hash="h", title=title, turns=tuple(said))
    short = excerpt(subject, budget)
    assert short == excerpt(subject, budget)
    assert "</conversation" not in short
    short.encode()
    allowance = 1.3 * budget + 400  # the title's cap, and scripts that change within a turn
    assert estimate_tokens(short) <= allowance
