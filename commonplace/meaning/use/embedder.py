"""The embedder: texts to pieces, pieces to vectors, vectors to 256 dimensions."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from commonplace.meaning.contract import Floats, unit
from commonplace.meaning.passages import VERSION, clean
from commonplace.meaning.use import weights
from commonplace.meaning.use.pieces import Pieces, unknown
from commonplace.model import Usage

if TYPE_CHECKING:
    from commonplace.meaning.use.network import Network

LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh", "zh-TW")
LONGEST = 200
MOST_READ = 2_000
"""Characters of a text: a hundred thousand without a space would take seconds and a gigabyte."""
MOST_UNKNOWN = 0.3
"""The share of pieces that the model may not know: of Hindi it is three in five, and what it says then is noise."""
_AT_ONCE = 1_024
"""Pieces that are computed together: more need more memory and are no faster."""
_REDUCTION = Path(__file__).with_name("reduction.npy")


class UseEmbedder:
    """Loads in a second when it is first asked; 130 MB."""

    longest = LONGEST
    dimensions = 256
    languages = LANGUAGES
    usage = Usage()

    def __init__(self, resources: Path | None = None) -> None:
        self._resources = resources or weights.PACKAGE.folder()
        self._loading = threading.Lock()

    @cached_property
    def key(self) -> str:
        reduction = hashlib.sha256(_REDUCTION.read_bytes()).hexdigest()[:8]
        return f"use:{weights.WEIGHTS.sha256[:8]}:passages-{VERSION}-{LONGEST}:pca-{self.dimensions}-{reduction}"

    def cost(self, texts: Sequence[str]) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing is open."""

    def embed(self, texts: Sequence[str]) -> Floats:
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        known = self.unreduced(texts)
        said = known.any(axis=1)
        if said.any():
            mean, directions = self._reduction
            rows[said] = unit(np.asarray((known[said] - mean) @ directions, dtype=np.float32))
        return rows

    def unreduced(self, texts: Sequence[str]) -> Floats:
        """All 512 dimensions: what the reduction is learned from."""
        pieces, network = self._loaded
        rows = np.zeros((len(texts), 512), dtype=np.float32)
        cut = [pieces(clean(text, MOST_READ)) for text in texts]
        # Texts of like length together; those that say nothing the model knows stay zeros.
        order = sorted(
            (place for place, text in enumerate(cut) if unknown(text) <= MOST_UNKNOWN), key=lambda at: len(cut[at])
        )
        waiting: list[int] = []
        size = 0
        for place in order:
            if waiting and size + len(cut[place]) > _AT_ONCE:
                rows[waiting] = network([cut[each] for each in waiting])
                waiting, size = [], 0
            waiting.append(place)
            size += len(cut[place])
        if waiting:
            rows[waiting] = network([cut[each] for each in waiting])
        return rows

    @property
    def _loaded(self) -> tuple[Pieces, Network]:
        with self._loading:
            return self._model

    @cached_property
    def _model(self) -> tuple[Pieces, Network]:
        from threadpoolctl import threadpool_limits

        from commonplace.meaning.use.network import Network

        # Its products are small: beside other work, threads that share one wait for each other and compute little.
        threadpool_limits(1, user_api="blas")
        pieces = weights.PIECES.checked(self._resources)
        return Pieces(pieces.read_bytes()), Network(weights.WEIGHTS.checked(self._resources))

    @cached_property
    def _reduction(self) -> tuple[Floats, Floats]:
        """The mean of what people say to assistants, and the 256 directions in which it differs most."""
        stored = np.load(_REDUCTION, allow_pickle=False).astype(np.float32)
        return stored[0], stored[1:].T
