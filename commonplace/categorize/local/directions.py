"""What a conversation means, as the local judge sees it: three directions, beside the words.

Title and opening, what was asked, and what was answered each point somewhere, and are weighed apart. Where the
directions come from is no matter of this room: `Meaning` is handed in. Those of the shipped examples come with the
package, made by `python -m benchmarks.what_ships`, because making them takes half a minute of a core.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from importlib import resources
from typing import BinaryIO

import numpy as np

from commonplace.categorize.contract import Directions, Meaning, Subject, Turn
from commonplace.categorize.local.examples import Example, examples, texts_digest
from commonplace.categorize.local.features import Floats

ASKED, ANSWERED = 6, 3
"""Passages that are looked at: the first so many of what was asked, and of the answers. Where there are more, those
that are long enough to say something (fields.py) come first."""
PARTS = 3
_SHIPPED = resources.files("commonplace.categorize") / "examples" / "directions.npz"
_LARGEST = 127


def joined(found: Directions) -> Floats:
    """A row for each conversation; zeros where nothing points anywhere."""
    return np.concatenate([_unit(rows) for rows in found], axis=1)


def of_texts(meaning: Meaning, texts: Sequence[str]) -> Floats:
    """The rows of texts, as if each were all that somebody asked."""
    asked = [Subject(conversation_id="", content_hash="", turns=(Turn("user", text),)) for text in texts]
    return joined(meaning.of(asked))


def of_examples(meaning: Meaning, chosen: Sequence[Example]) -> Sequence[Floats]:
    """The rows of shipped examples: ten megabytes of them, which are there once."""
    known = _shipped(meaning.key)
    if known is None:
        return list(joined(meaning.of([example.subject for example in chosen])))
    place = {id(example): number for number, example in enumerate(examples())}
    return [known[place[id(example)]] for example in chosen]


def save_shipped(file: BinaryIO, key: str, found: Directions) -> None:
    """Write what ships: signed bytes, of which only the direction counts."""
    units = np.stack([_unit(rows) for rows in found])
    largest = np.maximum(np.abs(units).max(axis=2, keepdims=True), 1e-9)
    small = np.rint(units / largest * _LARGEST).astype(np.int8)
    np.savez_compressed(file, key=np.array(_name(key)), directions=small)


@lru_cache(maxsize=1)
def _shipped(key: str) -> Floats | None:
    """None where those that ship are another model's, or of other examples."""
    with _SHIPPED.open("rb") as file, np.load(file, allow_pickle=False) as saved:
        if str(saved["key"]) != _name(key):
            return None
        opening, asked, answered = saved["directions"].astype(np.float32)
    return joined(Directions(opening, asked, answered))


def _name(key: str) -> str:
    return blake2b(f"{key} {texts_digest()}".encode(), digest_size=8).hexdigest()


def _unit(rows: Floats) -> Floats:
    units: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return units
