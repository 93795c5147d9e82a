"""What a model of a taxonomy learns from: shipped examples, the taxonomy's own words, and the lexicon.

A category of the person's own has no shipped examples: it borrows some (borrowing.py), with less weight. Where nothing
shipped belongs to a whole set, what fits nowhere in it must not weigh more than one of its categories.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from commonplace.categorize.contract import Meaning, Taxonomy
from commonplace.categorize.local.borrowing import Chat, borrowers, by_topic, owners_of_topics, texts_of
from commonplace.categorize.local.directions import of_examples, of_texts
from commonplace.categorize.local.examples import Example, examples
from commonplace.categorize.local.features import Counter, Document, Floats
from commonplace.categorize.local.fields import Fields
from commonplace.categorize.local.lexicon import lexicon

OWN_WORDS, OWN_EXAMPLE, BORROWED, LEXICON = 1.0, 2.0, 0.8, 0.4
"""How much one text of each kind weighs against a shipped example."""
NEARLY_ALL = 0.8
"""Of a set's topics: then its words are the category's, too."""
MOST_FREE = 40.0
"""So much of what fits nowhere is shown to any set."""


class Gathered(NamedTuple):
    """What there is to learn a taxonomy from: its own words, and shipped chats with where their topics belong."""

    own: Sequence[Document]
    chats: Sequence[Chat]
    owners: Mapping[str, int]
    lent: Mapping[str, int]
    fallback: int

    @property
    def belongs(self) -> Mapping[str, int]:
        return {**self.lent, **self.owners}

    @property
    def is_lent(self) -> bool:
        """Whether categories live on topics that are only like them."""
        return any(place != self.fallback for place in self.lent.values())

    @property
    def is_narrow(self) -> bool:
        """Whether nothing that ships is like any category."""
        return set(self.belongs.values()) <= {self.fallback}

    def centres(self, counter: Counter) -> list[Document]:
        """Between the chats of each topic that belongs somewhere, as a text without words; none where nobody knows what
        they mean."""
        return [
            Document(counter.plain(""), self.belongs[reference], 1.0, reference, np.mean(directions, axis=0))
            for reference, told in by_topic(self.chats).items()
            if reference in self.belongs
            and (directions := [chat.direction for chat in told if chat.direction is not None])
        ]


def gathered(
    taxonomy: Taxonomy,
    counter: Counter,
    *,
    shipped: Iterable[Example] | None = None,
    meaning: Meaning | None = None,
) -> Gathered:
    """`shipped` leaves out examples for the sake of measuring."""
    chats = _chats(counter, shipped, meaning)
    owners = owners_of_topics(taxonomy, {chat.example.reference for chat in chats})
    own = list(_own_words(taxonomy, counter, meaning))
    lent = borrowers(taxonomy, counter, chats, owners, own)
    return Gathered(own, chats, owners, lent, taxonomy.names.index(taxonomy.fallback))


def documents(found: Gathered, counter: Counter) -> list[Document]:
    """All that teaches a model of many texts."""
    like = {
        each: place
        for each, place in found.belongs.items()
        if place != found.fallback or (each in found.owners and not found.is_narrow)
    }
    return [*texts(found), *_from_lexicon(like, counter)]


def texts(found: Gathered) -> list[Document]:
    """What somebody wrote of it: a set's own texts, and chats."""
    own, chats, owners, lent, fallback = found
    belongs, is_narrow = found.belongs, found.is_narrow
    kept, rest = list(own), []
    for chat in chats:
        reference = chat.example.reference
        if belongs.get(reference) == fallback and (reference in lent or is_narrow):
            rest.append(chat)
        elif reference in belongs:
            kept.append(chat.taught(belongs[reference], 1.0 if reference in owners else BORROWED))
    usual = _usual(kept, fallback)
    unlike = _some(rest, usual / 2 if is_narrow else usual + MOST_FREE)
    return [*kept, *(chat.taught(fallback, BORROWED) for chat in unlike)]


def _usual(documents: Sequence[Document], fallback: int) -> float:
    """What a category weighs."""
    taught = [document for document in documents if document.category != fallback]
    return sum(document.weight for document in taught) / max(1, len({document.category for document in taught}))


def _some(rest: Sequence[Chat], weight: float) -> Sequence[Chat]:
    """Of what fits nowhere so many, evenly, that they weigh so much: they are most of what ships, where a set is
    narrow, and would take everything."""
    return rest[:: max(1, math.ceil(len(rest) * BORROWED / max(weight, BORROWED)))]


def _chats(counter: Counter, shipped: Iterable[Example] | None, meaning: Meaning | None) -> list[Chat]:
    chosen = list(examples() if shipped is None else shipped)
    directions = _each(None if meaning is None else of_examples(meaning, chosen), chosen)
    return [Chat(example, counter, direction) for example, direction in zip(chosen, directions, strict=True)]


def _own_words(taxonomy: Taxonomy, counter: Counter, meaning: Meaning | None) -> Iterator[Document]:
    """Names, clauses of descriptions and examples. The fallback's name and description say nothing."""
    said = []
    for place, category in enumerate(taxonomy.categories):
        words = () if category.name == taxonomy.fallback else texts_of(category)
        said += [(place, text, OWN_WORDS, "") for text in words]
        said += [(place, text, OWN_EXAMPLE, "") for text in category.examples]
    directions = _each(None if meaning is None else of_texts(meaning, [text for _, text, _, _ in said]), said)
    for (place, text, weight, group), direction in zip(said, directions, strict=True):
        yield Document(counter.vector(Fields("", text, "", "")), place, weight, group, direction)


def _from_lexicon(belongs: Mapping[str, int], counter: Counter) -> Iterator[Document]:
    """The lexicon's entries, for categories that nearly a whole shipped set belongs to."""
    sets: dict[str, list[int]] = {}
    for reference, place in belongs.items():
        sets.setdefault(reference.partition("/")[0], []).append(place)
    for entry in lexicon().entries:
        places = sets.get(entry.example_set, [])
        for place in set(places):
            if places.count(place) >= NEARLY_ALL * len(places):
                yield Document(counter.plain(entry.text), place, LEXICON)


def _each(rows: Floats | Sequence[Floats] | None, of: Sequence[object]) -> Sequence[Floats | None]:
    return [None] * len(of) if rows is None else list(rows)
