"""Sets that divide one small field, of which nothing shipped knows much: a tenancy lawyer and a pottery in English, a
beekeeper in German, made for this. Each has seven categories with three examples; a subject comes up in several chats,
as it does in an archive, and what is judged are the chats that nobody corrected.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.quality.figures import calibration_error
from benchmarks.quality.judge import Told, probabilities, trained
from commonplace.categorize.contract import Category, Lesson, Subject, Taxonomy, Turn
from commonplace.categorize.local.correcting import corrected

CORRECTIONS = 30
_FOLDER = Path(__file__).parent / "narrow"


class _Line(Category, frozen=True, kw_only=True, forbid_unknown_fields=True):
    chats: tuple[tuple[str, ...], ...] = ()
    """Of each subject a title and a question, and so on."""


class _Set(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    fallback: str
    categories: tuple[_Line, ...]


class Narrow(NamedTuple):
    taxonomy: Taxonomy
    lessons: Sequence[Lesson]
    asked: Sequence[Lesson]
    """Chats that are no lessons, with where they belong."""


def narrow(told: Told) -> dict[str, dict[str, float]]:
    """Over the chats that nobody corrected, the same before and after the corrections."""
    return {
        f"{corrections}_corrections": _figures(
            told, [each._replace(lessons=each.lessons[:corrections]) for each in sets()]
        )
        for corrections in (0, CORRECTIONS)
    }


def _figures(told: Told, over: Sequence[Narrow]) -> dict[str, float]:
    hits, sure, rest = [], [], []
    for taxonomy, lessons, asked in over:
        model = corrected(trained(told, taxonomy), lessons, *told)
        found = probabilities(told, model, [each.subject for each in asked])
        best = [taxonomy.names[place] for place in found.argmax(axis=1)]
        hits += [name == each.category for name, each in zip(best, asked, strict=True)]
        rest += [name == taxonomy.fallback for name in best]
        sure += found.max(axis=1).tolist()
    return {
        "accuracy": float(np.mean(hits)),
        "calibration_error": calibration_error(np.array(sure, dtype=np.float32), np.array(hits)),
        "to_the_fallback": float(np.mean(rest)),
    }


def sets() -> Iterator[Narrow]:
    """Each with its chats, in an order that is no order."""
    return map(_read, sorted(_FOLDER.glob("*.toml")))


def _read(path: Path) -> Narrow:
    read = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Set)
    categories = tuple(Category(name=c.name, description=c.description, examples=c.examples) for c in read.categories)
    chats = [
        Lesson(subject=_asked(f"{read.name}:{category.name}:{n}:{m}", title, question), category=category.name)
        for category in read.categories
        for n, subject in enumerate(category.chats)
        for m, (title, question) in enumerate(zip(subject[::2], subject[1::2], strict=True))
    ]
    chats = Random(0).sample(chats, len(chats))
    taxonomy = Taxonomy(name=read.name, fallback=read.fallback, categories=categories)
    return Narrow(taxonomy, chats[:CORRECTIONS], chats[CORRECTIONS:])


def _asked(id: str, title: str, question: str) -> Subject:
    return Subject(conversation_id=id, content_hash="", title=title, turns=(Turn("user", question),))
