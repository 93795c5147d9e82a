"""Categories that people typed somewhere and the taxonomy does not have: kept to be offered to them as new ones."""

from __future__ import annotations

from commonplace.archive.core import Archive
from commonplace.archive.memory import change, recall_as

Proposed = dict[str, list[str]]
"""Categories, and the conversations that were given them."""


def propose(archive: Archive, taxonomy: str, category: str, conversation_id: str) -> None:
    """Somebody gave a conversation this category; what they gave it before is not meant any more."""

    def more(known: Proposed) -> Proposed:
        left = _without(known, conversation_id)
        return left | {category: [*left.get(category, []), conversation_id]}

    change(archive, _name(archive, taxonomy), Proposed, more)


def give_up(archive: Archive, taxonomy: str, conversation_id: str) -> None:
    """Nothing is offered for a conversation any more: it has a category that there is."""
    if any(conversation_id in ids for ids in proposals(archive, taxonomy).values()):
        change(archive, _name(archive, taxonomy), Proposed, lambda known: _without(known, conversation_id))


def proposals(archive: Archive, taxonomy: str) -> Proposed:
    """What was typed, with the conversations, the most frequent first."""
    known = recall_as(archive, _name(archive, taxonomy), Proposed) or {}
    return dict(sorted(known.items(), key=lambda item: -len(item[1])))


def settle(archive: Archive, taxonomy: str, category: str) -> list[str]:
    """It is not offered any more; the conversations that were given it."""
    ids = list[str]()

    def others(known: Proposed) -> Proposed:
        named = [name for name in known if name.casefold() == category.casefold()]
        ids.extend(id for name in named for id in known.pop(name))
        return known

    change(archive, _name(archive, taxonomy), Proposed, others)
    return ids


def _without(known: Proposed, conversation_id: str) -> Proposed:
    left = {name: [id for id in ids if id != conversation_id] for name, ids in known.items()}
    return {name: ids for name, ids in left.items() if ids}


def _name(archive: Archive, taxonomy: str) -> str:
    return f"proposed:{archive.owner}:{taxonomy}"
