"""Sets that divide one small field, of which nothing shipped knows much; each has seven categories with three examples.

By `seen` settings were chosen: a tenancy lawyer and a pottery in English, a beekeeper in German. `unseen` were written
before, and are only measured on: a law office and a teacher of German, in German, and a game studio in English, typed
as people type, and divided by what they do rather than by what it is about. A subject comes up in several chats, as it
does in an archive, and what is judged are the chats that nobody corrected.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.quality.figures import calibration_error
from benchmarks.quality.judge import Told, probabilities
from commonplace.categorize.contract import Category, Learned, Lesson, Subject, Taxonomy, Turn
from commonplace.categorize.local import LocalJudge

CORRECTIONS = 30
DRAWS = 4
KINDS = ("seen", "unseen")
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


def narrow(told: Told) -> dict[str, dict[str, dict[str, float]]]:
    """Over the chats that nobody corrected, the same before and after the corrections, drawn more than once."""
    return {
        kind: {f"{corrections}_corrections": _figures(told, kind, corrections) for corrections in (0, CORRECTIONS)}
        for kind in KINDS
    }


def _figures(told: Told, kind: str, corrections: int) -> dict[str, float]:
    hits, sure, rest = [], [], []
    for path in sorted((_FOLDER / kind).glob("*.toml")):
        for draw in range(DRAWS):
            taxonomy, lessons, asked = _read(path, draw)
            judge = LocalJudge(learned=Learned(lessons=lessons[:corrections]), meaning=told.meaning)
            found = probabilities(told, judge.model_of(taxonomy), [each.subject for each in asked])
            best = [taxonomy.names[place] for place in found.argmax(axis=1)]
            hits += [name == each.category for name, each in zip(best, asked, strict=True)]
            rest += [name == taxonomy.fallback for name in best]
            sure += found.max(axis=1).tolist()
    return {
        "accuracy": float(np.mean(hits)),
        "calibration_error": calibration_error(np.array(sure, dtype=np.float32), np.array(hits)),
        "to_the_fallback": float(np.mean(rest)),
    }


def _read(path: Path, draw: int) -> Narrow:
    read = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Set)
    categories = tuple(Category(name=c.name, description=c.description, examples=c.examples) for c in read.categories)
    chats = [
        Lesson(subject=_asked(f"{read.name}:{category.name}:{n}:{m}", title, question), category=category.name)
        for category in read.categories
        for n, subject in enumerate(category.chats)
        for m, (title, question) in enumerate(zip(subject[::2], subject[1::2], strict=True))
    ]
    chats = Random(draw).sample(chats, len(chats))
    taxonomy = Taxonomy(name=read.name, fallback=read.fallback, categories=categories)
    return Narrow(taxonomy, chats[:CORRECTIONS], chats[CORRECTIONS:])


def _asked(id: str, title: str, question: str) -> Subject:
    return Subject(conversation_id=id, content_hash="", title=title, turns=(Turn("user", question),))
