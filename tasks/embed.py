"""Embedding: never cached a second time, because vectors are kept in the archive by content and model."""

from __future__ import annotations

from commonplace.stages import embedding as stage
from commonplace.stages.passages import Embedded
from tasks.policy import Steps, recording
from tasks.session import session


@recording(name="embed", run_name="embed-{chunk}")
def embed_chunk(chunk: str, ids: list[str], lease: str) -> Embedded:
    """Vectors for a chunk of conversations, from the model of the settings."""
    with session(lease) as opened, stage.open_embedding(opened) as using:
        return stage.embed_chunk(using, ids=ids)


@recording(name="make vectors searchable")
def renew(lease: str) -> bool:
    """Bring what searches look through in step with what was stored; False where it is near enough."""
    with session(lease) as opened, stage.open_embedding(opened) as using:
        return stage.renew(using)


STEPS: Steps = {stage.embed_chunk: embed_chunk, stage.renew: renew}
