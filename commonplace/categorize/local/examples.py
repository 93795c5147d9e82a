"""The shipped examples: short chats written by hand, by set and topic, in fifteen languages.

The topics in `held_out.txt` were a fifth of each set's when the first figures were taken. The quality figures come from
a model that never saw them; the judge itself learns from all. Topics that are added are for learning, or figures of
different days could not be compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from importlib import resources

import msgspec

from commonplace.categorize.contract import Subject, Turn
from commonplace.categorize.local.fields import Fields, fields_of

_FOLDER = resources.files("commonplace.categorize") / "examples"


class _Line(msgspec.Struct):
    topic: str
    lang: str
    turns: list[str]
    title: str | None = None


class Example(msgspec.Struct, frozen=True):
    """One chat of the shipped sets."""

    example_set: str
    topic: str
    language: str
    subject: Subject
    is_held_out: bool

    @property
    def reference(self) -> str:
        """As a category's `taught_by` names it."""
        return f"{self.example_set}/{self.topic}"

    @property
    def fields(self) -> Fields:
        return fields_of(self.subject)


def set_names() -> list[str]:
    return sorted(entry.name.removesuffix(".jsonl") for entry in _FOLDER.iterdir() if entry.name.endswith(".jsonl"))


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Of everything shipped that a model learns from."""
    lexicon = resources.files("commonplace.categorize.local") / "lexicon.txt"
    return blake2b(texts_digest().encode() + lexicon.read_bytes(), digest_size=8).hexdigest()


@lru_cache(maxsize=1)
def texts_digest() -> str:
    """Of the examples alone."""
    digest = blake2b(digest_size=8)
    for name in set_names():
        digest.update((_FOLDER / f"{name}.jsonl").read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """All of them."""
    return tuple(example for name in set_names() for example in _read(name))


def _read(name: str) -> Iterable[Example]:
    lines = _FOLDER.joinpath(f"{name}.jsonl").read_bytes().splitlines()
    chats = [msgspec.json.decode(line, type=_Line) for line in lines]
    for number, chat in enumerate(chats):
        turns = tuple(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(chat.turns))
        subject = Subject(
            conversation_id=f"example:{name}:{number}", content_hash="example", title=chat.title, turns=turns
        )
        yield Example(name, chat.topic, chat.lang, subject, f"{name}/{chat.topic}" in _held_out())


@lru_cache(maxsize=1)
def _held_out() -> frozenset[str]:
    return frozenset(_FOLDER.joinpath("held_out.txt").read_text(encoding="utf-8").split())
