"""What an embedder is: texts in, directions out. Two texts that mean much the same point much the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from commonplace.model import Usage

Floats = NDArray[np.float32]


class Embedder(Protocol):
    """A model, ready to be asked. It loads when it is first needed, and several threads may ask it.

    `embed` gives a row for each text, in their order: of length one, or of zeros where the text says nothing in a
    language that the model knows; such a text is left to words. Whatever the text is, it is cleaned and cut first.
    Where it costs money, `cost` says beforehand how much at most, and refuses where nobody knows the price.
    """

    @property
    def key(self) -> str:
        """Names the model, its weights, how it wants texts cut and how vectors are reduced: what differs in any of
        these is another kind of vector and never compared with this one."""

    @property
    def longest(self) -> int:
        """Characters of a passage, about."""

    @property
    def dimensions(self) -> int | None:
        """None: whatever the service answers with, the same every time."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Those it knows, as BCP 47 names them; empty where nobody says."""

    @property
    def usage(self) -> Usage:
        """What it has consumed so far."""

    def cost(self, texts: Sequence[str]) -> float: ...

    def embed(self, texts: Sequence[str]) -> Floats: ...

    def close(self) -> None: ...


def unit(rows: Floats) -> Floats:
    """The same directions with length one; zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    units: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)
    return units


def whole(rows: Floats) -> Floats:
    """The direction of a conversation: between those of its passages."""
    return unit(rows.sum(axis=0))
