"""Vectors: how they are asked for, kept and compared."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from commonplace.openai import embeddings
from commonplace.projects.meanings import Meanings


def test_a_vector_is_kept_at_length_one_in_a_fixed_order_of_bytes() -> None:
    assert embeddings.encode([3.0, 4.0]) == np.array([0.6, 0.8], dtype="<f4").tobytes()
    assert embeddings.encode([0.0, 0.0]) == b""
    assert embeddings.encode([float("nan"), 1.0]) == b""


def test_rows_without_a_vector_or_with_one_of_another_length_are_zeros() -> None:
    one = embeddings.encode([1.0, 0.0])
    rows = embeddings.decode([one, None, b"", one, embeddings.encode([1.0, 0.0, 0.0])])
    assert rows is not None
    assert rows.tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    assert embeddings.decode([None, b""]) is None


def test_what_is_embedded_is_the_title_and_how_it_began() -> None:
    assert embeddings.passage("Roses", ["red", " ", "white"]) == "Roses\nred\nwhite"
    assert embeddings.passage(None, [" "]) == ""
    assert len(embeddings.passage("x", ["y" * 9000])) == embeddings.LONGEST


@given(st.lists(st.text(min_size=1, max_size=embeddings.LONGEST), max_size=300))
def test_every_text_is_in_one_request_and_every_request_within_the_limits(texts: list[str]) -> None:
    groups = list(embeddings.requests(texts))
    assert [place for group in groups for place in group] == list(range(len(texts)))
    for group in groups:
        assert 0 < len(group) <= embeddings.MOST_INPUTS
        assert sum(len(texts[place].encode("utf-8", "replace")) for place in group) <= embeddings.MOST_TOKENS


def test_requests_are_cut_by_count_and_by_tokens() -> None:
    assert [len(group) for group in embeddings.requests(["x"] * 5000)] == [2048, 2048, 904]
    assert max(map(len, embeddings.requests(["字" * 2000] * 200))) == embeddings.MOST_TOKENS // 6000


def test_likeness_is_seen_from_the_centre_of_all() -> None:
    """Embeddings share a direction; what is left without it tells projects apart."""
    draw = np.random.default_rng(0)
    shared = np.full(16, 3.0)
    own = np.eye(16)[:2] * 2.0
    owners = np.arange(40) % 2
    rows = (shared + own[owners] + draw.normal(0, 0.1, (40, 16))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    known = Meanings.of(rows, owners, 3)
    likeness = known.likeness(np.concatenate((rows[:2], np.zeros((1, 16), dtype=np.float32))))
    assert likeness[0, 0] > 0.9 > 0.0 > likeness[0, 1]
    assert likeness[:, 2].tolist() == [0.0, 0.0, 0.0]
    assert likeness[2].tolist() == [0.0, 0.0, 0.0]
    assert known.likeness(np.ones((1, 7), dtype=np.float32)).tolist() == [[0.0, 0.0, 0.0]]
