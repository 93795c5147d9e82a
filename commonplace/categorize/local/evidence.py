"""What spoke for a category: the words of a conversation that pulled most towards it, as the model weighs them.

Where words said little of it, what the conversation means decided; then its opening is quoted first, which weighs most.
"""

from __future__ import annotations

from array import array
from collections import Counter as Occurrences
from collections.abc import Mapping

import numpy as np

from commonplace.categorize.local.features import Counter, Floats, Weighed
from commonplace.categorize.local.fields import Fields
from commonplace.categorize.local.gist import words_of
from commonplace.categorize.local.model import Model
from commonplace.model import MOST_EVIDENCE

ENOUGH = 0.25
"""A word is told that pulls at least so much as the strongest."""
LITTLE = 0.15
"""Words said little that make up less than this of what the category is ahead by."""
LONGEST_WORD = 40
LONGEST_QUOTE = 120


def evidence_of(
    counter: Counter, model: Model, fields: Fields, seen: Weighed, scores: Floats, category: int
) -> list[str]:
    """The strongest words, the strongest first; their number and length are bounded. `scores`: of each category."""
    text = "\n".join((fields.title, fields.first, fields.later, fields.answers))
    said = Occurrences(word for word in words_of(text) if len(word) <= LONGEST_WORD)
    found = _pulls(counter, model, said, seen, category) if said else {}
    strongest = sorted(found, key=lambda word: -found[word])[:MOST_EVIDENCE]
    told = [word for word in strongest if found[word] > max(0.0, ENOUGH * found[strongest[0]])]
    ahead = float(scores[category] - np.median(scores))
    opening = " ".join((fields.first or fields.title).split())[:LONGEST_QUOTE]
    is_little = not told or sum(found[word] for word in told) < LITTLE * ahead
    return [*([opening] if opening and is_little else []), *told][:MOST_EVIDENCE]


def _pulls(counter: Counter, model: Model, said: Mapping[str, int], seen: Weighed, category: int) -> dict[str, float]:
    """How much each word speaks for the category, more than for the others."""
    by_feature = np.zeros(model.space.size + 1, dtype=np.float32)  # the last: what the model does not know
    by_feature[seen.columns] = seen.weights * _towards(model.weights[seen.columns], category)
    of_dense = _towards(model.weights[model.space.size :], category)
    by_group = counter.by_mention(seen.dense, of_dense).tolist()
    hashed, starts, of_groups = array("i"), [], []
    for word, times in said.items():
        starts.append(len(hashed))
        groups = counter.extend(hashed, word)
        of_groups.append(times * sum(sum(by_group[at] for at in found) / len(found) for found in groups))
    summed = np.add.reduceat(by_feature[model.space.place[np.frombuffer(hashed, dtype=np.intc)]], starts)
    return dict(zip(said, (summed + of_groups).tolist(), strict=True))


def _towards(weights: Floats, category: int) -> Floats:
    """By how much each weight is for this category rather than for all."""
    wanted = np.full(weights.shape[1], -1 / weights.shape[1], dtype=np.float32)
    wanted[category] += 1
    found: Floats = weights @ wanted
    return found
