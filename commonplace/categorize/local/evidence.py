"""What spoke for a category: the words of a conversation that pulled most towards it, as the model weighs them.

Where words said little of it, what the conversation means decided; then its opening is quoted first, which weighs most.
"""

from __future__ import annotations

from collections import Counter as Occurrences
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from commonplace.categorize.local.features import Counter, Floats, Weighed, Word
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
    counter: Counter,
    model: Model,
    fields: Sequence[Fields],
    seen: Sequence[Weighed],
    scores: Floats,
    categories: Sequence[int],
) -> list[list[str]]:
    """For each conversation the strongest words, the strongest first; their number and length are bounded. `scores`:
    of each category; `categories`: where each belongs."""
    ahead = (scores[np.arange(len(scores)), categories] - np.median(scores, axis=1)).tolist()
    found = _pulls(counter, model, [_said(each) for each in fields], seen, categories)
    return [_told(*each) for each in zip(fields, found, ahead, strict=True)]


def _said(fields: Fields) -> Mapping[str, int]:
    text = "\n".join((fields.title, fields.first, fields.later, fields.answers))
    return Occurrences([word for word in words_of(text) if len(word) <= LONGEST_WORD])


def _told(fields: Fields, found: Mapping[str, float], ahead: float) -> list[str]:
    strongest = sorted(found, key=found.__getitem__, reverse=True)[:MOST_EVIDENCE]
    told = [word for word in strongest if found[word] > max(0.0, ENOUGH * found[strongest[0]])]
    if told and sum(found[word] for word in told) >= LITTLE * ahead:
        return told
    opening = " ".join((fields.first or fields.title).split())[:LONGEST_QUOTE]
    return [*([opening] if opening else []), *told][:MOST_EVIDENCE]


def _pulls(
    counter: Counter,
    model: Model,
    said: Sequence[Mapping[str, int]],
    seen: Sequence[Weighed],
    categories: Sequence[int],
) -> Iterator[dict[str, float]]:
    """How much each word speaks for the category, more than for the others."""
    count = len(model.categories)
    wanted: Floats = np.eye(count, dtype=np.float32)[categories] - np.float32(1 / count)
    of_dense = wanted @ model.weights[model.space.size :].T
    by_group = counter.by_mention(np.stack([each.dense for each in seen]), of_dense).tolist()
    by_feature = np.zeros(model.space.size + 1, dtype=np.float32)  # the last: what the model does not know
    for words, each, towards, of_groups in zip(said, seen, wanted, by_group, strict=True):
        by_feature[each.columns] = each.weights * (model.weights.take(each.columns, axis=0) @ towards)
        told = [counter.of(word) for word in words]
        pulls = _summed(by_feature, model, told)
        for place, (word, times) in enumerate(zip(told, words.values(), strict=True)):
            if word.groups:
                pulls[place] += times * sum(sum(of_groups[at] for at in found) / len(found) for found in word.groups)
        by_feature[each.columns] = 0
        yield dict(zip(words, pulls, strict=True))


def _summed(by_feature: Floats, model: Model, told: Sequence[Word]) -> list[float]:
    """For each word the sum of its features."""
    if not told:
        return []
    hashed = np.frombuffer(b"".join([word.hashed for word in told]), dtype=np.int32)
    starts = np.cumsum([0, *(len(word.hashed) for word in told[:-1])]) // hashed.itemsize
    found: list[float] = np.add.reduceat(by_feature.take(model.space.place.take(hashed)), starts).tolist()
    return found
