"""Tags: words and pairs of words that stand out in a conversation, those first that others have, too.

A tag is for finding things again, so one that recurs is worth more than one that fits here alone. What recurs is
counted beforehand over a part of the archive (`recurring`), and handed to whoever tags.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

LONGEST = 30
LIKELY = 10
"""How many of what stands out most may become tags: what recurs is no tag where it is said in passing."""
MOST_ALONE = 1
"""Tags that nothing else has, where there are others: it finds nothing but this."""
PAIR_WORTH = 1.4
"""Two words say more than their mean."""
ALONE_WORTH = 0.5
LEAST_RECURRENCE = 2
MOST_REMEMBERED = 5_000


def recurring(candidates: Iterable[Collection[str]]) -> dict[str, int]:
    """Of what may become tags of each conversation, what may become one of several, and of how many."""
    counts = Counter(term for terms in candidates for term in set(terms))
    return {term: count for term, count in counts.most_common(MOST_REMEMBERED) if count >= LEAST_RECURRENCE}


def likely(
    terms: Mapping[str, float], title: Sequence[str], texts: Iterable[Sequence[str]], known: Mapping[str, int]
) -> list[str]:
    """What may become a tag, the best first: `terms` are a conversation's words and how much each stands out, `title`
    and `texts` the words of what the person said, in order. Two are one where they come together twice, in the title,
    or elsewhere, too."""
    said = Counter(pair for text in texts for pair in _pairs(text))
    said.update(pair for pair in _pairs(title) for _ in range(2))
    pairs = {
        pair: PAIR_WORTH * sum(terms.get(word, 0.0) for word in pair.split(" ")) / 2
        for pair, count in said.items()
        if count > 1 or pair in known
    }
    worth = {term: weight for term, weight in {**terms, **pairs}.items() if weight and len(term) <= LONGEST}
    best = sorted(worth, key=lambda term: (-worth[term], term))[:LIKELY]
    return sorted(best, key=lambda term: (-worth[term] * _recurrence(term, known), term))


def choose(candidates: Sequence[str], known: Mapping[str, int], most: int) -> list[str]:
    """The tags of a conversation, from what may become one; `known` is what recurs in the archive."""
    chosen: list[str] = []
    alone: list[str] = []
    for term in candidates:
        written = _as_others_write(term, known)
        if any(_are_alike(written, other) for other in (*chosen, *alone)):
            continue
        (chosen if known.get(written, 0) >= LEAST_RECURRENCE else alone).append(written)
        if len(chosen) == most:
            break
    room = most - len(chosen)
    return chosen + alone[: min(room, MOST_ALONE) if chosen else room]


def _recurrence(term: str, known: Mapping[str, int]) -> float:
    count = known.get(_as_others_write(term, known), 0)
    return ALONE_WORTH if count < LEAST_RECURRENCE else 1 + math.log(count) / 3


def _as_others_write(term: str, known: Mapping[str, int]) -> str:
    """Singular or plural, as is commoner."""
    forms = (term, f"{term}s", term.removesuffix("s"))
    return max(forms, key=lambda form: (known.get(form, 0), form == term))


def _pairs(words: Sequence[str]) -> Iterable[str]:
    return (f"{one} {other}" for one, other in pairwise(words) if one != other)


def _are_alike(one: str, other: str) -> bool:
    """Forms of one word (`recipe` and `recipes`), or pairs that share one."""
    return any(_are_forms(word, part) for word in one.split(" ") for part in other.split(" "))


def _are_forms(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long.startswith(short[: max(4, len(short) - 2)]) and len(long) - len(short) < 4
