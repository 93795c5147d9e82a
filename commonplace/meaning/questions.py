"""Where a question points, less where every question does.

The mark alone makes any two questions alike, so it is taken off, and so are capitals throughout. Of a short one most
words ask (what did I want to ...), and only one or two say what for. What questions that ask for nothing have in common
is taken out of it; a longer one says enough.
"""

from __future__ import annotations

from importlib import resources
from typing import BinaryIO

import numpy as np

from commonplace.meaning.contract import Embedder, Floats, unit

SHORT = 7
"""Words."""
_FOR_NOTHING = (
    *("what did I want", "what was it", "Was wollte ich", "Was war das", "Qué quería", "Qué era"),
    *("Que voulais-je", "C'était quoi", "Che cosa volevo", "O que eu queria", "Wat wilde ik", "Что я хотел"),
    *("Czego chciałem", "Ne istiyordum", "何がしたかったの", "我想要什么", "뭐 하고 싶었지", "ماذا كنت أريد"),
)
_MARKS = str.maketrans(dict.fromkeys("?¿？؟"))
_SHIPPED = resources.files("commonplace.meaning") / "asking.npz"
"""Where these point for the free model, made by `python -m benchmarks.what_ships`: to find out would take the first
question a tenth of a second more."""
_asking: dict[str, Floats] = {}
"""The same, by the model's key."""


def direction_of(embedder: Embedder, question: str) -> Floats:
    """Zeros where the model does not understand it. A model that costs money is asked the question and no more."""
    row: Floats = embedder.embed([_plain(question)])[0]
    if len(question.split()) > SHORT or not row.any() or embedder.cost(_FOR_NOTHING):
        return row
    if embedder.key not in _asking:
        shipped = _shipped(embedder.key)
        _asking[embedder.key] = asking_of(embedder) if shipped is None else shipped
    asking = _asking[embedder.key]
    return unit(row - (row @ asking) * asking)


def _plain(question: str) -> str:
    said = question.translate(_MARKS).strip() or question
    return said.lower() if said.isupper() and " " in said else said


def asking_of(embedder: Embedder) -> Floats:
    """Where questions point that ask for nothing."""
    return unit(embedder.embed(_FOR_NOTHING).mean(axis=0))


def save_shipped(file: BinaryIO, embedder: Embedder) -> None:
    """Write what ships."""
    np.savez(file, key=np.array(embedder.key), asking=asking_of(embedder))


def _shipped(key: str) -> Floats | None:
    """None where it is another model's."""
    with _SHIPPED.open("rb") as file, np.load(file, allow_pickle=False) as saved:
        asking: Floats = saved["asking"]
        return asking if str(saved["key"]) == key else None
