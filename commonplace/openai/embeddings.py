"""Vectors from OpenAI or a server like it: how many texts fit into a request, and what has to be true of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonplace.errors import Halt, Retryable
from commonplace.openai.client import Client
from commonplace.openai.errors import About
from commonplace.openai.tokens import estimate_tokens

MOST_INPUTS = 2048
MOST_TOKENS = 300_000
"""What one request may hold. A byte is a token at most, so bytes are counted."""
_SHORTENS = "text-embedding-3-"


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
