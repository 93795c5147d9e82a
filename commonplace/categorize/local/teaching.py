"""What a model of a taxonomy learns from: shipped examples, the taxonomy's own words, the lexicon, and corrections.

A category of the person's own has no shipped examples: it borrows some (borrowing.py), with less weight. Where nothing
shipped belongs to a whole set, what fits nowhere in it must not weigh more than one of its categories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from commonplace.categorize.contract import Lesson, Meaning, Taxonomy
from commonplace.categorize.local.borrowing import Chat, borrowers, owners_of_topics, texts_of
from commonplace.categorize.local.directions import joined, of_examples, of_texts
from commonplace.categorize.local.examples import Example, examples
from commonplace.categorize.local.features import Counter, Document, Floats
from commonplace.categorize.local.fields import Fields, fields_of
from commonplace.categorize.local.lexicon import lexicon

OWN_WORDS, OWN_EXAMPLE, BORROWED, LESSON, LEXICON = 1.0, 2.0, 0.8, 3.0, 0.4
"""How much one text of each kind weighs against a shipped example."""
MOST_FREE = 40.0
"""So much of what fits nowhere is shown to any set."""


def documents(
    taxonomy: Taxonomy,
    counter: Counter,
    *,
    lessons: Sequence[Lesson] = (),
    shipped: Iterable[Example] | None = None,
    meaning: Meaning | None = None,
) -> list[Document]:
    """Everything that teaches a taxonomy. `shipped` leaves out examples for the sake of measuring."""
    chats = _chats(counter, shipped, meaning)
    owners = owners_of_topics(taxonomy, {chat.example.reference for chat in chats})
    own = [*_own_words(taxonomy, counter, meaning), *_from_lessons(taxonomy, counter, lessons, meaning)]
    lent = borrowers(taxonomy, counter, chats, owners, own)
    fallback = taxonomy.names.index(taxonomy.fallback)
    kept, rest = list(own), []
    for chat in chats:
        reference = chat.example.reference
        if reference in owners:
            kept.append(chat.taught(owners[reference], 1.0))
        elif lent.get(reference) == fallback:
            rest.append(chat)
        elif reference in lent:
            kept.append(chat.taught(lent[reference], BORROWED))
    kept += [chat.taught(fallback, BORROWED) for chat in _no_more_than_usual(rest, kept, fallback)]
    return [*kept, *_from_lexicon(taxonomy, counter)]


def _no_more_than_usual(rest: Sequence[Chat], others: Sequence[Document], fallback: int) -> Sequence[Chat]:
    """Of what fits nowhere so many, evenly, that they weigh what a category does: they are most of what ships, where a
    set is narrow, and would take everything."""
    weights = [document.weight for document in others if document.category != fallback]
    categories = len({document.category for document in others if document.category != fallback})
    allowed = sum(weights) / max(1, categories) + MOST_FREE
    return rest[:: max(1, round(len(rest) * BORROWED / allowed))]


def _chats(counter: Counter, shipped: Iterable[Example] | None, meaning: Meaning | None) -> list[Chat]:
    chosen = list(examples() if shipped is None else shipped)
    directions = _each(None if meaning is None else of_examples(meaning, chosen), chosen)
    return [Chat(example, counter, direction) for example, direction in zip(chosen, directions, strict=True)]


def _own_words(taxonomy: Taxonomy, counter: Counter, meaning: Meaning | None) -> Iterator[Document]:
    said = []
    for place, category in enumerate(taxonomy.categories):
        words = () if category.name == taxonomy.fallback else texts_of(category)
        said += [(place, text, OWN_WORDS, "") for text in words]
        said += [(place, text, OWN_EXAMPLE, "") for text in category.examples]
    directions = _each(None if meaning is None else of_texts(meaning, [text for _, text, _, _ in said]), said)
    for (place, text, weight, group), direction in zip(said, directions, strict=True):
        yield Document(counter.vector(Fields("", text, "", "")), place, weight, group, direction)


def _from_lexicon(taxonomy: Taxonomy, counter: Counter) -> Iterator[Document]:
    """The lexicon's entries, for categories that a whole shipped set belongs to."""
    sets = {name: place for place, category in enumerate(taxonomy.categories) for name in category.taught_by}
    for entry in lexicon().entries:
        if entry.example_set in sets:
            yield Document(counter.plain(entry.text), sets[entry.example_set], LEXICON)


def _from_lessons(
    taxonomy: Taxonomy, counter: Counter, lessons: Sequence[Lesson], meaning: Meaning | None
) -> Iterator[Document]:
    names = taxonomy.names
    known = [lesson for lesson in lessons if lesson.category in names]
    directions = _each(joined(meaning.of([lesson.subject for lesson in known])) if meaning and known else None, known)
    for number, (lesson, direction) in enumerate(zip(known, directions, strict=True)):
        vector = counter.vector(fields_of(lesson.subject))
        yield Document(vector, names.index(lesson.category), LESSON, f"lesson {number}", direction)


def _each(rows: Floats | Sequence[Floats] | None, of: Sequence[object]) -> Sequence[Floats | None]:
    return [None] * len(of) if rows is None else list(rows)
