"""What a model of a taxonomy learns from: shipped examples, the taxonomy's own words, the lexicon, and corrections.

A category of the person's own has no shipped examples. It borrows: shipped topics that are clearly nearest to its name,
description and examples teach it too, with less weight. Their chats are in fifteen languages, so a category described
in one of them is found in the others as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec
import numpy as np

from commonplace.categorize.contract import Category, Lesson, Taxonomy
from commonplace.categorize.local.examples import Example, examples
from commonplace.categorize.local.features import Counter, Floats, Space, Vector
from commonplace.categorize.local.fields import Fields, fields_of
from commonplace.categorize.local.lexicon import lexicon

OWN_WORDS, OWN_EXAMPLE, BORROWED, LESSON, LEXICON = 1.0, 2.0, 0.4, 3.0, 0.4
"""How much one text of each kind weighs against a shipped example."""
NEAR_ENOUGH, CLEARLY, FAR = 0.5, 0.1, 0.15
"""A topic is borrowed by a category that is so near, and so much nearer than the next; what is far from all of them
belongs where the rest goes."""
WORDS_MATTER = 2.0
COMMON = 4.0
"""Words of less rarity than this are everybody's."""


class Document(msgspec.Struct, frozen=True):
    """One text to learn from. Texts of a group tell much the same, so they are held out together."""

    vector: Vector
    category: int
    weight: float
    group: str = ""
    """Empty: background, which is never held out."""


def documents(
    taxonomy: Taxonomy, counter: Counter, *, lessons: Sequence[Lesson] = (), shipped: Iterable[Example] | None = None
) -> list[Document]:
    """Everything that teaches a taxonomy. `shipped` leaves out examples for the sake of measuring."""
    chats = shipped_chats(counter) if shipped is None else [(e, counter.vector(e.fields)) for e in shipped]
    owners = owners_of_topics(taxonomy, {example.reference for example, _ in chats})
    borrowers = _borrowers(taxonomy, counter, chats, owners)
    found = []
    for example, vector in chats:
        if example.reference in owners:
            found.append(Document(vector, owners[example.reference], 1.0, example.reference))
        elif example.reference in borrowers:
            found.append(Document(vector, borrowers[example.reference], BORROWED, example.reference))
    found += _own_words(taxonomy, counter)
    found += _from_lexicon(taxonomy, counter)
    names = taxonomy.names
    found += (
        Document(counter.vector(fields_of(lesson.subject)), names.index(lesson.category), LESSON, f"lesson {number}")
        for number, lesson in enumerate(lessons)
        if lesson.category in names
    )
    return found


@lru_cache(maxsize=1)
def shipped_chats(counter: Counter) -> list[tuple[Example, Vector]]:
    """All shipped examples, counted once."""
    return [(example, counter.vector(example.fields)) for example in examples()]


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


def _own_words(taxonomy: Taxonomy, counter: Counter) -> Iterator[Document]:
    for place, category in enumerate(taxonomy.categories):
        says_little = category.name == taxonomy.fallback
        for text in () if says_little else (category.name, *_clauses(category.description)):
            yield Document(counter.vector(Fields("", text, "", "")), place, OWN_WORDS)
        for text in category.examples:
            yield Document(counter.vector(Fields("", text, "", "")), place, OWN_EXAMPLE)


def _clauses(description: str) -> list[str]:
    """What a description says belongs here; what it says does not would teach the opposite."""
    wanted = description.partition(" Not: ")[0]
    return [clause.strip() for clause in wanted.replace(";", ".").replace(":", ".").split(".") if clause.strip()]


def _from_lexicon(taxonomy: Taxonomy, counter: Counter) -> Iterator[Document]:
    """The lexicon's entries, for categories that a whole shipped set belongs to."""
    sets = {name: place for place, category in enumerate(taxonomy.categories) for name in category.taught_by}
    for entry in lexicon().entries:
        if entry.example_set in sets:
            yield Document(counter.plain(entry.text), sets[entry.example_set], LEXICON)


def _borrowers(
    taxonomy: Taxonomy,
    counter: Counter,
    chats: Sequence[tuple[Example, Vector]],
    owners: Mapping[str, int],
) -> dict[str, int]:
    """For each shipped topic that nobody owns, the category in need that is near, or the fallback if none is."""
    needy = [place for place, c in enumerate(taxonomy.categories) if not c.taught_by and c.name != taxonomy.fallback]
    topics: dict[str, list[Vector]] = {}
    for example, vector in chats:
        topics.setdefault(example.reference, []).append(vector)
    free = [reference for reference in topics if reference not in owners]
    if not needy or not free:
        return {}
    space = Space.learned((vector for _, vector in chats), at_least=1)
    shown = [
        [*topics[reference], counter.vector(Fields(name, name, "", ""))]
        for reference in free
        for name in [reference.partition("/")[2].replace("-", " ")]
    ]
    described = [[counter.vector(_described(taxonomy.categories[place]))] for place in needy]
    alike = _nearness(space, described, shown)
    found = {}
    for column, reference in enumerate(free):
        best, next_best = [*np.sort(alike[:, column])[::-1], 0.0][:2]
        if best >= NEAR_ENOUGH and best - next_best >= CLEARLY:
            found[reference] = needy[int(alike[:, column].argmax())]
        elif best < FAR:
            found[reference] = taxonomy.names.index(taxonomy.fallback)
    return found


def _nearness(space: Space, described: Sequence[Sequence[Vector]], shown: Sequence[Sequence[Vector]]) -> Floats:
    """How near each description is to each topic: by the lexicon's groups, and a little by the words themselves."""
    groups = np.stack([_groups(vectors) for vectors in shown])
    usual = groups.mean(axis=0)
    by_group = _unit(np.stack([_groups(vectors) for vectors in described]) - usual) @ _unit(groups - usual).T
    words = [np.sum([_words(space, vector) for vector in vectors], axis=0) for vectors in shown]
    by_word = _unit(np.stack([_words(space, vectors[0]) for vectors in described])) @ _unit(np.stack(words)).T
    found: Floats = by_group + WORDS_MATTER * by_word
    return found


def _groups(vectors: Sequence[Vector]) -> Floats:
    """The share of each lexicon group in some documents."""
    total = np.sum([field.groups for vector in vectors for field in vector.fields], axis=0)
    share: Floats = np.sqrt(total / max(1.0, float(total.sum())))
    return share


def _words(space: Space, vector: Vector) -> Floats:
    row = np.zeros(space.size, dtype=np.float32)
    for field in vector.fields:
        columns = space.place[field.words[0]]
        known = columns >= 0
        row[columns[known]] += field.words[1][known] * np.maximum(space.rarity[columns[known]] - COMMON, 0)
    return row


def _unit(rows: Floats) -> Floats:
    found: Floats = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)
    return found


def _described(category: Category) -> Fields:
    return Fields(category.name, " ".join(_clauses(category.description)), " ".join(category.examples), "")
