"""Shipped topics that teach categories of a person's own: those clearly nearest to what they say of themselves.

Near is what means much the same, where that is known; else what has the same words and groups of the lexicon. The
shipped chats are in fifteen languages, so a category described in one of them is found in the others as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np

from commonplace.categorize.contract import Category, Taxonomy
from commonplace.categorize.local.directions import PARTS
from commonplace.categorize.local.examples import Example
from commonplace.categorize.local.features import WORDS, Counter, Document, Floats, Space, Vector
from commonplace.categorize.local.fields import Fields

WORDS_MATTER = 2.0
COMMON = 4.0
"""Words of less rarity than this are everybody's."""


class Nearness(NamedTuple):
    """A topic is borrowed by a category that is so near, and so much nearer than the next; what is far from all of them
    belongs where the rest goes."""

    enough: float
    clearly: float
    far: float


IN_WORDS, IN_MEANING = Nearness(0.5, 0.1, 0.15), Nearness(0.15, 0.02, 0.08)
NARROW = 0.6
"""A set that covers less divides one small field. What is nearest to its categories there is not like them."""
ROUNDS, FOLDS, RIDGE = 3, 5, 3.0


class Chat(msgspec.Struct, frozen=True):
    """A shipped example as it is taught. Its words are counted when they are wanted, and once."""

    example: Example
    counter: Counter
    direction: Floats | None

    @property
    def vector(self) -> Vector:
        return _counted(self.counter, self.example)

    def taught(self, category: int, weight: float) -> Document:
        return Document(self.vector, category, weight, self.example.reference, self.direction)


@lru_cache(maxsize=5_000)
def _counted(counter: Counter, example: Example) -> Vector:
    return counter.vector(example.fields)


def owners_of_topics(taxonomy: Taxonomy, references: Iterable[str]) -> dict[str, int]:
    """Which category each shipped topic belongs to, where the taxonomy says so; a topic goes before its set."""
    said = {reference: place for place, category in enumerate(taxonomy.categories) for reference in category.taught_by}
    fallback = taxonomy.names.index(taxonomy.fallback)
    if not taxonomy.categories[fallback].taught_by and "other" not in said:
        said["other"] = fallback
    found = {}
    for reference in references:
        owner = said.get(reference, said.get(reference.partition("/")[0]))
        if owner is not None:
            found[reference] = owner
    return found


def by_topic(chats: Iterable[Chat]) -> dict[str, list[Chat]]:
    found: dict[str, list[Chat]] = {}
    for chat in chats:
        found.setdefault(chat.example.reference, []).append(chat)
    return found


def texts_of(category: Category) -> list[str]:
    """The name, and what the description says belongs here; what it says does not would teach the opposite."""
    wanted = category.description.partition(" Not: ")[0]
    clauses = wanted.replace(";", ".").replace(":", ".").split(".")
    return [category.name, *(clause.strip() for clause in clauses if clause.strip())]


def borrowers(
    taxonomy: Taxonomy, counter: Counter, chats: Sequence[Chat], owners: Mapping[str, int], own: Sequence[Document]
) -> dict[str, int]:
    """For each shipped topic that nobody owns, the category in need that is near, or the fallback if none is.

    A category is where its `own` words, examples and corrections are.
    """
    needy = [place for place, c in enumerate(taxonomy.categories) if not c.taught_by and c.name != taxonomy.fallback]
    topics = by_topic(chats)
    free = [reference for reference in topics if reference not in owners]
    if not needy or not free:
        return {}
    said = [[document for document in own if document.category == place] for place in needy]
    if all(any(document.direction is not None for document in each) for each in said):
        near, alike = IN_MEANING, _in_meaning(said, list(topics.values()))
    else:
        described = [taxonomy.categories[place] for place in needy]
        near, alike = IN_WORDS, _in_words(counter, described, topics, chats)
    fallback = taxonomy.names.index(taxonomy.fallback)
    column, found = {reference: at for at, reference in enumerate(topics)}, {}
    for reference in free:
        likeness = alike[:, column[reference]]
        best, next_best = [*np.sort(likeness)[::-1], 0.0][:2]
        if best >= near.enough and best - next_best >= near.clearly:
            found[reference] = needy[int(likeness.argmax())]
        elif best < near.far:
            found[reference] = fallback
    if near is IN_WORDS:
        return found
    if set(owners.values()) <= {fallback} and covered(found, fallback) < NARROW:
        return {reference: place for reference, place in found.items() if place == fallback}
    return _settled(topics, said, needy, alike, {**owners, **found}, free)


def covered(lent: Mapping[str, int], fallback: int) -> float:
    """Of what people usually talk about, how much has a place in a set that nothing shipped belongs to."""
    return sum(place != fallback for place in lent.values()) / len(lent) if lent else 1.0


def _settled(
    topics: Mapping[str, Sequence[Chat]],
    own: Sequence[Sequence[Document]],
    needy: Sequence[int],
    alike: Floats,
    known: Mapping[str, int],
    free: Sequence[str],
) -> dict[str, int]:
    """Where each free topic belongs, by what the others show that are settled: a category is more than the words that
    it has for itself. A topic is told by a regression that it had no part in, and by its likeness to what was said."""
    shown = np.stack([between(chats) for chats in topics.values()])
    middle = shown.mean(axis=0)
    texts = unit(np.vstack([shown, np.stack([between(each) for each in own])]) - middle)
    gram, references = texts @ texts.T, list(topics)
    places = sorted({*needy, *known.values()})
    near = np.full((len(references), len(places)), IN_MEANING.enough, dtype=np.float32)
    near[:, [places.index(place) for place in needy]] = alike.T
    settled = dict(known)
    for _ in range(ROUNDS):
        belongs = [*(settled.get(reference) for reference in references), *needy]
        told = _regressed(gram, belongs, places)[: len(references)] + near
        settled |= {reference: places[int(told[references.index(reference)].argmax())] for reference in free}
    return {reference: settled[reference] for reference in free}


def _regressed(gram: Floats, belongs: Sequence[int | None], places: Sequence[int]) -> Floats:
    """How much each text looks like each place, by a fifth of them at a time that is not shown."""
    part = np.arange(len(gram)) % FOLDS
    known = np.array([place is not None for place in belongs])
    wanted = np.array([[place == each for each in places] for place in belongs], dtype=np.float32)
    found = np.zeros_like(wanted)
    for fold in range(FOLDS):
        shown = np.flatnonzero(known & (part != fold))
        slopes = np.linalg.solve(gram[np.ix_(shown, shown)] + RIDGE * np.eye(len(shown)), wanted[shown])
        found[part == fold] = gram[np.ix_(part == fold, shown)] @ slopes
    return found


def _in_meaning(own: Sequence[Sequence[Document]], topics: Sequence[Sequence[Chat]]) -> Floats:
    """How much each category points to where each topic does, seen from the middle of all topics."""
    shown = np.stack([between(chats) for chats in topics])
    middle = shown.mean(axis=0)
    said = np.stack([between(documents) for documents in own])
    found: Floats = unit(said - middle) @ unit(shown - middle).T
    return found


def between(texts: Sequence[Chat] | Sequence[Document]) -> Floats:
    """Between some directions, of what was asked: descriptions have no answers."""
    found: Floats = np.mean([text.direction for text in texts if text.direction is not None], axis=0)
    return found[: len(found) // PARTS * 2]


def _in_words(
    counter: Counter, described: Sequence[Category], topics: Mapping[str, Sequence[Chat]], chats: Sequence[Chat]
) -> Floats:
    space = Space.learned((chat.vector for chat in chats), at_least=1)
    shown = [
        [*(chat.vector for chat in told), counter.vector(Fields(name, name, "", ""))]
        for reference, told in topics.items()
        for name in [reference.partition("/")[2].replace("-", " ")]
    ]
    return _nearness(space, [[counter.vector(_described(each))] for each in described], shown)


def _nearness(space: Space, described: Sequence[Sequence[Vector]], shown: Sequence[Sequence[Vector]]) -> Floats:
    """How near each description is to each topic: by the lexicon's groups, and a little by the words themselves."""
    groups = np.stack([_groups(vectors) for vectors in shown])
    usual = groups.mean(axis=0)
    by_group = unit(np.stack([_groups(vectors) for vectors in described]) - usual) @ unit(groups - usual).T
    words = [np.sum([_words(space, vector) for vector in vectors], axis=0) for vectors in shown]
    by_word = unit(np.stack([_words(space, vectors[0]) for vectors in described])) @ unit(np.stack(words)).T
    found: Floats = by_group + WORDS_MATTER * by_word
    return found


def _groups(vectors: Sequence[Vector]) -> Floats:
    """The share of each lexicon group in some documents."""
    total = np.sum([vector.groups for vector in vectors], axis=0)
    share: Floats = np.sqrt(total / max(1.0, float(total.sum())))
    return share


def _words(space: Space, vector: Vector) -> Floats:
    columns = space.place[vector.hashed]
    known = (columns >= 0) & (vector.hashed < WORDS)
    columns, counts = columns[known], vector.counts[known]
    row = np.bincount(columns, counts * np.maximum(space.rarity[columns] - COMMON, 0), minlength=space.size)
    return row.astype(np.float32)


def unit(rows: Floats) -> Floats:
    found: Floats = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)
    return found


def _described(category: Category) -> Fields:
    name, *clauses = texts_of(category)
    return Fields(name, " ".join(clauses), " ".join(category.examples), "")
