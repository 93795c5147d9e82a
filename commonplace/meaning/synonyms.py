"""Words for one thing: forms, spellings, and what other languages call it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from commonplace.meaning.contract import Embedder

ALIKE = 0.86
"""How near two words have to be to mean the same; `cheap` and `expensive` are at 0.83."""
CROWD = 12
"""What is so near to so many words is one that the model does not know."""


def synonyms(embedder: Embedder, words: Sequence[str]) -> dict[str, str]:
    """Those that mean what one before them means, and that one."""
    rows = embedder.embed(words)
    same: dict[str, str] = {}
    may_be = np.zeros(len(words), dtype=bool)
    for place, word in enumerate(words):
        likeness = rows @ rows[place]
        if not 1 <= (likeness >= ALIKE).sum() <= CROWD:
            continue
        nearest = int(np.where(may_be, likeness, 0).argmax())
        if may_be[nearest] and likeness[nearest] >= ALIKE:
            same[word] = words[nearest]
        else:
            may_be[place] = True
    return same
