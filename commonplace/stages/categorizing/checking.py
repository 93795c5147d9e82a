"""Whether a set of categories suits the local judge, tried on what is said of it and on the archive; and what helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from commonplace.archive.conversations.reading import conversation_ids
from commonplace.archive.core import Archive
from commonplace.categorize.contract import Learned, Lesson, Meaning, Taxonomy
from commonplace.categorize.definitions import read_taxonomy
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local.few import Guess, told_apart
from commonplace.categorize.local.kind import models_path
from commonplace.categorize.local.training import counter
from commonplace.model import Verdict
from commonplace.session import Session
from commonplace.stages.categorizing.directions import meaning_for
from commonplace.stages.categorizing.subjects import lessons, subjects
from commonplace.stages.categorizing.taxonomies import taxonomy_named

TRIED = 300
"""Conversations of the archive, evenly over all of it."""
WELL = 0.6
"""Of the texts of a category so many should be known as its own."""
FEW_TEXTS = 3
"""Examples and corrections; with fewer, a category of which nothing ships is a guess."""
MANY = 5
"""Corrections of a category from which the judge has something to go by."""
MOST_PAIRS = 5


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What one category goes by."""

    name: str
    examples: int
    corrections: int
    topics: int
    """Shipped topics that it has or borrows."""
    recognised: float | None
    """Of what is said of it and was corrected, each hidden once, how much is known as its own, if it can be tried."""
    conversations: int
    """Of those tried in the archive, how many would be sorted here."""

    @property
    def is_bare(self) -> bool:
        return not self.topics and self.examples + self.corrections < FEW_TEXTS

    @property
    def is_weak(self) -> bool:
        return self.recognised is not None and self.recognised < WELL


class Confused(msgspec.Struct, frozen=True, kw_only=True):
    """Two categories that are taken for each other, in how many of their texts."""

    one: str
    other: str
    texts: int


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """Conversations of the archive under the set; nothing was recorded."""

    conversations: int
    covered: float
    """The share that gets another category than the fallback."""
    confidence: float
    unsure: float
    """The share that would wait for review."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about a set."""

    name: str
    is_narrow: bool
    """Whether it divides so small a field that nothing shipped is like any part of it."""
    is_too_narrow: bool
    """Whether, besides, its own texts do not tell its categories apart."""
    recognised: float | None
    categories: Sequence[Checked]
    confused: Sequence[Confused]
    archive: Tried | None
    """None: there is nothing in it yet."""


def check(session: Session, which: str) -> Check:
    """Of a set of the archive by its name, or of a file; of the one in use where nothing is named."""
    archive, path = session.archive, Path(which)
    is_file = path.suffix in (".toml", ".yaml", ".yml", ".json") and path.is_file()
    taxonomy = (
        read_taxonomy(path) if is_file else taxonomy_named(archive, which or session.settings.categorize.taxonomy)
    )
    meaning = meaning_for(session)
    said = [each for each in lessons(archive, taxonomy.name) if each.category in taxonomy.names]
    told = told_apart(taxonomy, said, counter(), meaning)
    guesses = _of_more_than_one(told.guesses)
    verdicts = _archive_tried(session, taxonomy, said, meaning)
    sorted_here = Counter(verdict.category for verdict in verdicts)
    recognised = _share(guesses)
    return Check(
        name=taxonomy.name,
        is_narrow=told.is_narrow,
        is_too_narrow=told.is_narrow and (recognised is None or recognised < WELL),
        recognised=recognised,
        categories=[
            Checked(
                name=category.name,
                examples=len(category.examples),
                corrections=sum(each.category == category.name for each in said),
                topics=told.topics[category.name],
                recognised=_share([guess for guess in guesses if guess.category == category.name]),
                conversations=sorted_here[category.name],
            )
            for category in taxonomy.categories
            if category.name != taxonomy.fallback
        ],
        confused=_confused(guesses),
        archive=_summed(verdicts, taxonomy.fallback, session.settings.categorize.review_below),
    )


def advice(found: Check) -> list[str]:
    """In plain sentences: how the set suits the local judge, and what would help, the most useful first."""
    return [*_verdict(found), *_helps(found)]


def _verdict(found: Check) -> list[str]:
    if found.is_too_narrow:
        first = (
            f"{found.name} is too narrow for the local judge as it stands: nothing that ships is like its categories"
        )
        first += ", and what you say of them does not tell them apart." if found.recognised else "."
    elif found.is_narrow:
        first = f"Nothing that ships is like the categories of {found.name}, but what you say of them tells them apart."
    else:
        first = f"The local judge knows chats like those that {found.name} is for."
    said = [first]
    if found.recognised is not None:
        said.append(
            f"{found.recognised:.0%} of what you say of the categories and corrected is known as its category's own,"
            " each text hidden once."
        )
    if found.archive is None:
        return [*said, "There are no conversations yet to try it on."]
    tried = found.archive
    return [
        *said,
        f"Of {tried.conversations} of your conversations {tried.covered:.0%} find a category; the judge is"
        f" {tried.confidence:.0%} sure on average, and {tried.unsure:.0%} would wait for review.",
    ]


def _helps(found: Check) -> list[str]:
    said = []
    if bare := [each.name for each in found.categories if each.is_bare]:
        said.append(f"Give {FEW_TEXTS} or more examples of what people ask there to: {', '.join(bare)}.")
    said += [
        f"{pair.one} and {pair.other} are taken for each other ({pair.texts} texts): say in their descriptions what is"
        f" in one and not in the other, or merge them (`commonplace taxonomy merge`)."
        for pair in found.confused
    ]
    weak = [each.name for each in found.categories if (each.is_weak or each.is_bare) and each.corrections < MANY]
    if weak:
        said.append(f"Correct about {MANY} conversations each of: {', '.join(weak)} (`commonplace review`).")
    if found.is_too_narrow:
        said.append("Or let a model sort them: `commonplace categorize --judge openai`, or `--judge compatible`.")
    return said


def _of_more_than_one(guesses: Sequence[Guess]) -> list[Guess]:
    """Those of categories that have another text: the only one of a category is known by nothing once it is hidden."""
    texts = Counter(guess.category for guess in guesses)
    return [guess for guess in guesses if texts[guess.category] > 1]


def _archive_tried(
    session: Session, taxonomy: Taxonomy, said: Sequence[Lesson], meaning: Meaning | None
) -> list[Verdict]:
    ids = _evenly(session.archive)
    if not ids:
        return []
    learned = Learned(lessons=said)
    judge = LocalJudge(models_path(session.settings.home), learned=learned, analysis="category", meaning=meaning)
    found = judge.judge(subjects(session.archive, ids), taxonomy)
    return [verdict for verdict in found if isinstance(verdict, Verdict)]


def _evenly(archive: Archive) -> list[str]:
    ids = conversation_ids(archive)
    return ids[:: -(-len(ids) // TRIED) or 1]


def _summed(verdicts: Sequence[Verdict], fallback: str, review_below: float) -> Tried | None:
    if not verdicts:
        return None
    count = len(verdicts)
    return Tried(
        conversations=count,
        covered=round(sum(verdict.category != fallback for verdict in verdicts) / count, 3),
        confidence=round(sum(verdict.confidence for verdict in verdicts) / count, 3),
        unsure=round(sum(verdict.confidence < review_below for verdict in verdicts) / count, 3),
    )


def _confused(guesses: Sequence[Guess]) -> list[Confused]:
    """The pairs that are taken for each other most; once is chance."""
    pairs = Counter(tuple(sorted(guess)) for guess in guesses if guess.category != guess.said)
    return [Confused(one=one, other=other, texts=n) for (one, other), n in pairs.most_common(MOST_PAIRS) if n > 1]


def _share(guesses: Sequence[Guess]) -> float | None:
    return round(sum(guess.category == guess.said for guess in guesses) / len(guesses), 3) if guesses else None
