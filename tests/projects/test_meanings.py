"""What projects mean, seen from the centre of all conversations."""

from __future__ import annotations

import numpy as np

from commonplace.projects.meanings import Meanings


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
