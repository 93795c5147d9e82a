"""What conversations mean, where the settings name a model for it: vectors bought once and kept in the archive.

They are evidence beside the words (projects/evidence.py) and may be missing: without a server, beyond the budget, for a
conversation that is new. What has none is placed by its words alone. There is no cache besides the archive, which a
backup carries: a vector belongs to a conversation's content and a model, and is not asked for again while both are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.projects import vectors as features
from commonplace.archive.schema import conversations
from commonplace.config import Environment, ProjectSettings, Settings
from commonplace.errors import CommonplaceError
from commonplace.openai import embeddings
from commonplace.openai.client import Client, account_of
from commonplace.openai.embeddings import Embedder
from commonplace.openai.pricing import FREE, Counted, Price, price_to_reckon_with, unknown_price
from commonplace.openai.tokens import estimate_tokens
from commonplace.projects.meanings import ENOUGH
from commonplace.projects.similarity import Floats
from commonplace.stages.work import Bought

AT_ONCE = 500


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """A server that computes vectors, and what it may cost."""

    embedder: Embedder
    price: Price | None
    max_cost: float


class Embedded(Bought, frozen=True, kw_only=True):
    """What embedding some conversations brought, and why it was not all of them."""

    vectors: int = 0
    problem: str | None = None


@contextmanager
def open_meaning(
    settings: Settings, environment: Environment, *, check: Callable[[], None] = lambda: None
) -> Iterator[Meaning | None]:
    """The model of the settings; None where there is none. A key is missed by its first question, not before."""
    wanted = settings.projects
    if not (wanted.embeddings and wanted.similarity):
        yield None
        return
    with Client(account_of(settings, environment), check=check) as client:
        price = price_to_reckon_with(wanted.embeddings, settings, is_own=bool(client.account.base_url))
        yield Meaning(embedder=Embedder(client, wanted.embeddings), price=price, max_cost=wanted.max_cost)


def within_budget(archive: Archive, meaning: Meaning, chunks: Sequence[Sequence[str]]) -> tuple[list[list[str]], str]:
    """The chunks that may be embedded, by an estimate rather too high, and why it is not all of them."""
    if chunks and meaning.price is None:
        return [], unknown_price(meaning.embedder.model, "[projects]")
    price, spent = meaning.price or FREE, 0.0
    for place, ids in enumerate(chunks):
        spent += price.of(Counted(input=_tokens(archive, ids) if price.input else 0))
        if spent > meaning.max_cost:
            left = sum(map(len, chunks[place:]))
            reason = f"Embeddings of {left} conversations would pass the limit of ${meaning.max_cost:.2f}"
            return [list(chunk) for chunk in chunks[:place]], f"{reason} ([projects] max_cost)."
    return [list(chunk) for chunk in chunks], ""


def _tokens(archive: Archive, ids: Sequence[str]) -> int:
    return sum(
        estimate_tokens(embeddings.passage(text.title, text.passages))
        for text in features.texts(archive, ids, longest=embeddings.LONGEST)
    )


def embed(archive: Archive, meaning: Meaning, ids: Sequence[str]) -> Embedded:
    """Compute and keep the vectors that these conversations have not; each request's as soon as they are there.

    An error before anything was bought is raised; one after that ends it and is told with what was spent.
    """
    done = Embedded()
    try:
        for vectors, tokens in _requests(archive, meaning, ids):
            usage = done.usage + Counted(input=tokens).usage(meaning.price)
            done = Embedded(vectors=done.vectors + vectors, usage=usage)
    except CommonplaceError as error:
        if not done.vectors:
            raise
        return msgspec.structs.replace(done, problem=str(error))
    return done


def _requests(archive: Archive, meaning: Meaning, ids: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Request by request, how many vectors it brought and how many tokens it took."""
    kind = embeddings.kind(meaning.embedder.model)
    for start in range(0, len(ids), AT_ONCE):
        wanted = features.missing(archive, kind, ids[start : start + AT_ONCE])
        found = list(features.texts(archive, wanted, longest=embeddings.LONGEST))
        passages = [embeddings.passage(text.title, text.passages) for text in found]
        # Nothing said: an empty vector, so that nobody looks again.
        silent = [text for text, said in zip(found, passages, strict=True) if not said]
        features.store(archive, kind, ((text.conversation_id, text.content_hash, b"") for text in silent))
        speaking = [(text, said) for text, said in zip(found, passages, strict=True) if said]
        for group in embeddings.requests([said for _, said in speaking]):
            chosen = [speaking[place] for place in group]
            vectors, tokens = meaning.embedder.embed([said for _, said in chosen])
            pairs = zip(chosen, vectors, strict=True)
            rows = ((text.conversation_id, text.content_hash, vector) for (text, _), vector in pairs)
            yield features.store(archive, kind, rows), tokens


def kept(archive: Archive, settings: ProjectSettings, ids: Sequence[str]) -> Floats | None:
    """A row for each of these conversations, zeros without a vector; None where none has one or none is wanted."""
    if not settings.embeddings:
        return None
    found = features.current(archive, embeddings.kind(settings.embeddings), ids)
    return embeddings.decode([found.get(id) for id in ids])


def generation(archive: Archive, settings: ProjectSettings) -> str:
    """Changes when there is another model, about twice as many vectors as before, or for the first time enough."""
    if not settings.embeddings:
        return ""
    kind = embeddings.kind(settings.embeddings)
    there = features.count(archive, kind)
    with archive.read() as connection:
        query = select(func.count()).where(conversations.c.owner == archive.owner)
        is_enough = there >= ENOUGH * connection.execute(query).scalar_one()
    return f":{kind}:{there.bit_length()}:{'enough' if is_enough else 'few'}"
