"""Tags: words and pairs of words that stand out in a conversation, those first that others have, too.

A tag is for finding things again, so one that recurs is worth more than one that fits here alone. What recurs is
counted beforehand over a part of the archive (`recurring`), and handed to whoever tags. Where somebody knows which
words mean the same, these are one tag, in whatever language they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

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
MOST_COMPARED = 3_000

Alike = Callable[[Sequence[str]], Mapping[str, str]]
"""Which words mean what one before them means, and that one."""


class Recurring(msgspec.Struct, frozen=True):
    """What recurs in an archive: in how many conversations, and in place of which other words."""

    counts: dict[str, int] = {}
    instead: dict[str, str] = {}

    def written(self, term: str) -> str:
        """As others write it: singular or plural as is commoner, and one word for one thing."""
        forms = [term, f"{term}s", term.removesuffix("s")]
        if self.counts.keys().isdisjoint(forms) and self.instead.keys().isdisjoint(forms):
            return term
        forms = [self.instead.get(form, form) for form in forms]
        return max(forms, key=lambda form: (self.counts.get(form, 0), form == forms[0]))

    def count(self, term: str) -> int:
        return self.counts.get(self.written(term), 0)


def recurring(
    candidates: Iterable[Collection[str]], given: Mapping[str, int] = {}, alike: Alike = lambda _: {}
) -> Recurring:
    """Of what may become tags of each conversation, what may become one of several, and of how many; `given` counts
    besides."""
    counts = Counter(term for terms in candidates for term in set(terms))
    counts.update(given)
    instead = alike([term for term, _ in counts.most_common(MOST_COMPARED)])
    together: Counter[str] = Counter()
    for term, count in counts.items():
        together[instead.get(term, term)] += count
    kept = {term: count for term, count in together.most_common(MOST_REMEMBERED) if count >= LEAST_RECURRENCE}
    return Recurring(kept, {term: other for term, other in instead.items() if other in kept})


def likely(
    terms: Mapping[str, float], title: Sequence[str], texts: Iterable[Sequence[str]], known: Recurring
) -> list[str]:
    """What may become a tag, the best first: `terms` are a conversation's words and how much each stands out, `title`
    and `texts` the words of what the person said, in order. Two are one where they come together twice, in the title,
    or elsewhere, too."""
    said = Counter(pair for text in texts for pair in _pairs(text))
    said.update(pair for pair in _pairs(title) for _ in range(2))
    pairs = {
        pair: PAIR_WORTH * sum(terms.get(word, 0.0) for word in pair.split(" ")) / 2
        for pair, count in said.items()
        if count > 1 or known.count(pair)
    }
    worth = {term: weight for term, weight in {**terms, **pairs}.items() if weight and len(term) <= LONGEST}
    best = sorted(worth, key=lambda term: (-worth[term], term))[:LIKELY]
    return sorted(best, key=lambda term: (-worth[term] * _recurrence(term, known), term))


def choose(candidates: Sequence[str], known: Recurring, most: int) -> list[str]:
    """The tags of a conversation, from what may become one; `known` is what recurs in the archive. No two of them have
    a word in common, in whatever form."""
    chosen: list[str] = []
    alone: list[str] = []
    taken: list[str] = []
    for term in candidates:
        written = known.written(term)
        words = written.split(" ")
        if any(_are_forms(word, other) for word in words for other in taken):
            continue
        taken += words
        (chosen if known.counts.get(written, 0) >= LEAST_RECURRENCE else alone).append(written)
        if len(chosen) == most:
            break
    room = most - len(chosen)
    return chosen + alone[: min(room, MOST_ALONE) if chosen else room]


def _recurrence(term: str, known: Recurring) -> float:
    count = known.count(term)
    return ALONE_WORTH if count < LEAST_RECURRENCE else 1 + math.log(count) / 3


def _pairs(words: Sequence[str]) -> Iterable[str]:
    return (f"{one} {other}" for one, other in pairwise(words) if one != other)


def _are_forms(one: str, other: str) -> bool:
    """Forms of one word (`recipe` and `recipes`)."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    return len(long) - len(short) < 4 and long.startswith(short[: max(4, len(short) - 2)])
