"""What conversations mean, as vectors from OpenAI or a server like it: evidence beside their words, where there is any.

A vector is kept as 32-bit floats of length one, smallest byte first, so that it is the same on every machine and in
every database. No vector (nothing to embed, not computed yet) is a row of zeros.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonplace.errors import Halt, Retryable
from commonplace.openai.client import Client
from commonplace.openai.errors import About
from commonplace.openai.tokens import estimate_tokens

Floats = NDArray[np.float32]

VERSION = "v1"
LONGEST = 2000
"""Characters: the title and how it began. More says little more, and servers at home often take no more."""
MOST_INPUTS = 2048
MOST_TOKENS = 300_000
"""What one request may hold. A byte is a token at most, so bytes are counted."""
DIMENSIONS = 256
"""Asked for where a model can shorten its vectors: a fourth of the space for about the same precision."""
_SHORTENS = "text-embedding-3-"


def kind(model: str) -> str:
    """Names what is stored; another model or another way of asking is another kind."""
    return f"embedding/{VERSION}:{model}"


def passage(title: str | None, passages: Sequence[str]) -> str:
    """What is embedded of a conversation; empty where nothing was said."""
    return "\n".join(part for part in (title or "", *passages) if part.strip())[:LONGEST].strip()


def requests(texts: Sequence[str]) -> Iterator[list[int]]:
    """The places of texts in groups that each fit into one request."""
    group: list[int] = []
    size = 0
    for place, text in enumerate(texts):
        length = len(text.encode("utf-8", "replace"))
        if group and (len(group) == MOST_INPUTS or size + length > MOST_TOKENS):
            yield group
            group, size = [], 0
        group.append(place)
        size += length
    if group:
        yield group


def encode(vector: Sequence[float]) -> bytes:
    """Of length one; empty where there is no direction."""
    values = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(values)) if np.isfinite(values).all() else 0.0
    return (values / length).astype("<f4").tobytes() if length else b""


def decode(stored: Sequence[bytes | None]) -> Floats | None:
    """Rows, or None where nobody has a vector. Of several lengths (a server that changed) the commonest counts."""
    lengths = Counter(len(vector) for vector in stored if vector)
    if not lengths:
        return None
    length = lengths.most_common(1)[0][0]
    rows = np.zeros((len(stored), length // 4), dtype=np.float32)
    for row, vector in enumerate(stored):
        if vector and len(vector) == length:
            rows[row] = np.frombuffer(vector, "<f4")
    return rows


def can_shorten(model: str) -> bool:
    """Whether a model makes vectors of any length that is asked for."""
    return model.startswith(_SHORTENS)


def ask(
    client: Client, about: About, texts: Sequence[str], *, dimensions: int | None = None
) -> tuple[NDArray[np.float32], int]:
    """The vectors of one request's texts, none of them empty, in their order, and the tokens that it took."""
    shape: dict[str, Any] = {"dimensions": dimensions} if dimensions and can_shorten(about.model) else {}
    answer = client.patiently(
        about,
        lambda sdk: sdk.embeddings.create(
            model=about.model,
            input=list(texts),
            # As numbers: the SDK would ask for base64, which some servers do not know.
            encoding_format="float",
            **shape,
        ),
        tokens=sum(map(estimate_tokens, texts)),
        used=lambda answer: answer.usage.prompt_tokens if answer.usage else None,
    )
    rows = sorted(answer.data, key=lambda row: row.index)
    if [row.index for row in rows] != list(range(len(texts))):
        raise Retryable("The service left some embeddings out of its answer.")
    if len({len(row.embedding) for row in rows}) > 1 or not (rows and rows[0].embedding):
        raise Retryable("The service answered with embeddings of different lengths.")
    vectors = np.array([row.embedding for row in rows], dtype=np.float32)
    if dimensions and vectors.shape[1] != dimensions:
        raise Halt(
            f"{about.model} made embeddings of {vectors.shape[1]} numbers, and {dimensions} were expected.",
            hint=f"Another model answers than before, or one that cannot shorten: check {about.setting}.",
        )
    if not np.isfinite(vectors).all():
        raise Retryable("The service answered with embeddings that hold no numbers.")
    return vectors, answer.usage.prompt_tokens if answer.usage else 0


class Embedder:
    """Asks a server for vectors."""

    def __init__(self, client: Client, model: str) -> None:
        self._client = client
        self.model = model
        self._about = About(model=model, setting="[projects] embeddings", what="embeddings")

    def embed(self, texts: Sequence[str]) -> tuple[list[bytes], int]:
        """The vectors of one request's texts, none of them empty, and the tokens that it took."""
        shape: dict[str, Any] = {"dimensions": DIMENSIONS} if self.model.startswith(_SHORTENS) else {}
        answer = self._client.patiently(
            self._about,
            lambda sdk: sdk.embeddings.create(
                model=self.model,
                input=list(texts),
                # As numbers: the SDK would ask for base64, which some servers do not know.
                encoding_format="float",
                **shape,
            ),
            tokens=sum(map(estimate_tokens, texts)),
            used=lambda answer: answer.usage.prompt_tokens if answer.usage else None,
        )
        rows = sorted(answer.data, key=lambda row: row.index)
        if len(rows) != len(texts):
            raise Retryable("The service left some embeddings out of its answer.")
        return [encode(row.embedding) for row in rows], answer.usage.prompt_tokens if answer.usage else 0

    def close(self) -> None:
        self._client.close()
