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
from commonplace.categorize.contract import Category, Lesson, Subject, Taxonomy, Turn
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local.correcting import corrected
from commonplace.categorize.local.model import Model

CORRECTIONS = 30
"""At most: less is wrong of two thirds of an easy set."""
LOOKED_AT = 2 / 3
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
    looked_at: Sequence[Lesson]
    """Chats that may be corrected, with where they belong."""
    asked: Sequence[Lesson]


class _Answer(NamedTuple):
    is_right: bool
    sure: float
    is_fallback: bool


def narrow(told: Told) -> dict[str, dict[str, dict[str, float]]]:
    """Over a third of the chats, the same before and after corrections of the others, drawn more than once. A person
    corrects what is wrong; `of_any` would be somebody who confirms as well, by lot."""
    return {kind: _figures(told, sorted((_FOLDER / kind).glob("*.toml"))) for kind in KINDS}


def _figures(told: Told, paths: Sequence[Path]) -> dict[str, dict[str, float]]:
    found: dict[str, list[_Answer]] = {"0": [], "of_what_was_wrong": [], "of_any": []}
    for path in paths:
        for draw in range(DRAWS):
            taxonomy, looked_at, asked = _read(path, draw)
            untaught = LocalJudge(meaning=told.meaning).model_of(taxonomy)
            said = _answers(told, untaught, taxonomy, looked_at)
            wrong = [chat for chat, answer in zip(looked_at, said, strict=True) if not answer.is_right]
            for name, lessons in {"0": [], "of_what_was_wrong": wrong, "of_any": looked_at}.items():
                model = corrected(untaught, lessons[:CORRECTIONS], *told)
                found[name] += _answers(told, model, taxonomy, asked)
    return {f"{name}_corrections": _measured(answers) for name, answers in found.items()}


def _answers(told: Told, model: Model, taxonomy: Taxonomy, asked: Sequence[Lesson]) -> list[_Answer]:
    found = probabilities(told, model, [each.subject for each in asked])
    best = [taxonomy.names[place] for place in found.argmax(axis=1)]
    return [
        _Answer(name == each.category, sure, name == taxonomy.fallback)
        for name, each, sure in zip(best, asked, found.max(axis=1).tolist(), strict=True)
    ]


def _measured(answers: Sequence[_Answer]) -> dict[str, float]:
    hits, sure, rest = (np.array(column) for column in zip(*answers, strict=True))
    return {
        "accuracy": float(hits.mean()),
        "calibration_error": calibration_error(sure, hits),
        "to_the_fallback": float(rest.mean()),
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
    looked_at = round(LOOKED_AT * len(chats))
    return Narrow(taxonomy, chats[:looked_at], chats[looked_at:])


def _asked(id: str, title: str, question: str) -> Subject:
    return Subject(conversation_id=id, content_hash="", title=title, turns=(Turn("user", question),))
