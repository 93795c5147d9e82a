"""How well the categories of a set can be told apart by what is said of them, before anything is judged.

Each clause of a description and each example is hidden once, and put where it is nearest to what is left: by what it
means, where that is known, else by its words. Shipped topics that a category has or borrows speak for it, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from commonplace.categorize.contract import Meaning, Taxonomy
from commonplace.categorize.local.borrowing import Chat, between, borrowers, by_topic, owners_of_topics, unit
from commonplace.categorize.local.correcting import as_matrix
from commonplace.categorize.local.features import Counter, Document, Floats, Space
from commonplace.categorize.local.teaching import chats_of, own_words


class Guess(NamedTuple):
    """A text that was hidden: where it belongs, and where it would have been put."""

    category: str
    said: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a set goes by."""

    topics: Mapping[str, int]
    """How many shipped topics each category has or borrows."""
    guesses: Sequence[Guess]

    @property
    def is_narrow(self) -> bool:
        """Whether the set divides so small a field that nothing shipped is like any part of it."""
        return not any(self.topics.values())


def told_apart(taxonomy: Taxonomy, counter: Counter, meaning: Meaning | None) -> Told:
    """Nothing is taught for this. By words alone the shipped examples are counted, which takes seconds."""
    chats = chats_of(counter, meaning)
    owners = owners_of_topics(taxonomy, {chat.example.reference for chat in chats})
    own = list(own_words(taxonomy, counter, meaning))
    names, fallback = taxonomy.names, taxonomy.names.index(taxonomy.fallback)
    belongs = {**borrowers(taxonomy, counter, chats, owners, own), **owners}
    speaking = {reference: place for reference, place in belongs.items() if place != fallback}
    told = Told(topics={name: [*speaking.values()].count(place) for place, name in enumerate(names)}, guesses=[])
    texts = [text for text in own if text.category != fallback]
    if meaning is None and not told.is_narrow:
        return told  # what speaks for its categories would have to be taught
    alike = _alike(texts)
    if meaning is not None:
        towards = _in_meaning(texts, chats, [*speaking])
        towards[: len(texts), : len(texts)] += alike
        alike = towards
    found = _nearest(alike, [*(text.category for text in texts), *(speaking.values() if meaning else ())])
    hidden = [(text.category, place) for text, place in zip(texts, found, strict=False) if place is not None]
    return msgspec.structs.replace(told, guesses=[Guess(names[one], names[other]) for one, other in hidden])


def _alike(texts: Sequence[Document]) -> Floats:
    """In words."""
    space = Space.learned((text.vector for text in texts), at_least=1)
    rows = as_matrix([space.weigh(text.vector) for text in texts], space.size)
    found: Floats = (rows @ rows.T).toarray()
    return found


def _in_meaning(texts: Sequence[Document], chats: Sequence[Chat], speaking: Sequence[str]) -> Floats:
    """Of texts and topics, seen from the middle of all topics."""
    topics = {reference: between(told) for reference, told in by_topic(chats).items()}
    middle = np.mean(list(topics.values()), axis=0)
    rows = unit(np.stack([*(between([text]) for text in texts), *(topics[each] for each in speaking)]) - middle)
    found: Floats = rows @ rows.T
    return found


def _nearest(alike: Floats, places: Sequence[int]) -> list[int | None]:
    """The place whose texts, this one left out, each is most like; None where its own place has no other text."""
    there = sorted(set(places))
    belongs = np.array([[place == each for each in there] for place in places], dtype=np.float32)
    itself = np.diag(alike)[:, None] * belongs
    towards = alike @ belongs
    length = (towards * belongs).sum(axis=0) - 2 * towards * belongs + itself
    likeness = (towards - itself) / np.sqrt(np.maximum(length, 1e-9))
    alone = belongs.sum(axis=0)[belongs.argmax(axis=1)] < 2
    return [None if only else there[best] for only, best in zip(alone, likeness.argmax(axis=1).tolist(), strict=True)]
