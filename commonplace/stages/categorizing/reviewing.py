"""A person's word on a conversation: confirmed, corrected or taken back, from wherever they said it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from commonplace.archive.conversations.reading import find_conversation, has_conversation, load_filed
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.current import FIELDS, words_of
from commonplace.archive.verdicts.proposals import give_up, propose, settle
from commonplace.archive.verdicts.verdicts import correct, withdraw
from commonplace.categorize.contract import Category
from commonplace.errors import Refused
from commonplace.stages.categorizing.taxonomies import keep, taxonomy_named


def correct_conversation(
    archive: Archive,
    conversation: str,
    *,
    taxonomy: str,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    title: str | None = None,
    confirm: bool = False,
    origin: str,
) -> dict[str, Any]:
    """Keep what a person says of a conversation; what was kept.

    Refused for a category that is none; it is remembered, to be offered as a new one (proposals.py).
    """
    identity = find_conversation(archive, conversation)
    if confirm and category is None:
        category = next(iter(load_filed(archive, [identity]))).category
        if category is None:
            raise Refused("There is no verdict to confirm.", hint="`commonplace categorize` makes one.")
    if category is not None:
        try:
            category = own_name(archive, taxonomy, category)
        except Refused:
            propose(archive, taxonomy, " ".join(category.split()), identity)
            raise
        give_up(archive, taxonomy, identity)
    said = {"category": category, "tags": tags, "title": title}
    kept = {field: value for field, value in said.items() if value is not None}
    if not kept:
        raise Refused("Nothing to change was given.", hint="Use --confirm, --category, --tags or --title.")
    for field, value in kept.items():
        correct(archive, identity, field, value, origin=origin, taxonomy=taxonomy)  # type: ignore[arg-type]
    return {"id": identity, **kept}


def correct_conversations(
    archive: Archive, conversations: Sequence[str], *, taxonomy: str, origin: str, **words: Any
) -> list[dict[str, Any]]:
    """The same of several. Who is meant is settled before anything is kept."""
    if len(conversations) > 1 and words.get("title") is not None:
        raise Refused("A title is for one conversation.", hint="Name one.")
    ids = list(dict.fromkeys(find_conversation(archive, each) for each in conversations))
    return [correct_conversation(archive, id, taxonomy=taxonomy, origin=origin, **words) for id in ids]


def withdraw_corrections(
    archive: Archive, conversation: str, *, only: Sequence[str] = (), review_below: float
) -> dict[str, Any]:
    """Take back what a person said of a conversation, or some of it; what that was. The judges' word holds again."""
    identity = find_conversation(archive, conversation)
    strange = [field for field in only if field not in FIELDS]
    if strange:
        raise Refused(f"{strange[0]!r} cannot be corrected.", hint=f"One of {', '.join(FIELDS)} can.")
    fields = [field for field in FIELDS if field in only] or list(FIELDS)
    withdrawn = withdraw(archive, identity, fields, review_below=review_below)
    if not withdrawn:
        raise Refused("There is no correction to take back.", hint=f"`commonplace show {identity}` shows what holds.")
    return {"id": identity, "withdrawn": withdrawn}


def take_back(
    archive: Archive, conversations: Sequence[str], category: str, *, until: int, review_below: float
) -> list[str]:
    """Take back that these belong there, as it was said by that moment; of which somebody has said something since,
    which stays."""
    words = words_of(archive, conversations, "category")
    ours = [id for id, word in words.items() if word.value == category and word.corrected_at <= until]
    for id in ours:
        withdraw(archive, id, ["category"], review_below=review_below)
    return [id for id in words if id not in ours]


def add_category(archive: Archive, taxonomy: str, name: str, *, origin: str) -> dict[str, Any]:
    """Take a new category into a taxonomy, and give it to the conversations that people gave it before."""
    known = taxonomy_named(archive, taxonomy)
    there, name = known.get(name), " ".join(name.split())
    if there is None:
        keep(archive, msgspec.structs.replace(known, categories=(*known.categories, Category(name=name))))
    name = there.name if there is not None else name
    ids = [id for id in settle(archive, taxonomy, name) if has_conversation(archive, id)]
    for id in ids:
        correct(archive, id, "category", name, origin=origin, taxonomy=taxonomy)
    return {"category": name, "given_to": len(ids)}


def own_name(archive: Archive, taxonomy: str, category: str) -> str:
    """A category as its taxonomy spells it, however it was typed."""
    known = taxonomy_named(archive, taxonomy)
    found = known.get(category)
    if found is None:
        adds = f'`commonplace review --new-category "{category}"` adds it.'
        raise Refused(f"{taxonomy} has no category {category!r}.", hint=f"It has: {', '.join(known.names)}. {adds}")
    return found.name
