"""Vectors: how many texts one request takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commonplace.openai import embeddings


@given(st.lists(st.text(min_size=1, max_size=2000), max_size=300))
def test_every_text_is_in_one_request_and_every_request_within_the_limits(texts: list[str]) -> None:
    groups = list(embeddings.requests(texts))
    assert [place for group in groups for place in group] == list(range(len(texts)))
    for group in groups:
        assert 0 < len(group) <= embeddings.MOST_INPUTS
        assert sum(len(texts[place].encode("utf-8", "replace")) for place in group) <= embeddings.MOST_TOKENS


def test_requests_are_cut_by_count_and_by_tokens() -> None:
    assert [len(group) for group in embeddings.requests(["x"] * 5000)] == [2048, 2048, 904]
    assert max(map(len, embeddings.requests(["字" * 2000] * 200))) == embeddings.MOST_TOKENS // 6000
