"""Categories that people typed somewhere and the taxonomy does not have: kept to be offered to them as new ones."""

from __future__ import annotations

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember


def propose(archive: Archive, taxonomy: str, category: str, conversation_id: str) -> None:
    """Somebody gave a conversation this category; what they gave it before is not meant any more."""
    give_up(archive, taxonomy, conversation_id)
    known = proposals(archive, taxonomy)
    known.setdefault(category, []).append(conversation_id)
    _keep(archive, taxonomy, known)


def give_up(archive: Archive, taxonomy: str, conversation_id: str) -> None:
    """Nothing is offered for a conversation any more: it has a category that there is."""
    known = proposals(archive, taxonomy)
    if any(conversation_id in ids for ids in known.values()):
        _keep(archive, taxonomy, {name: [id for id in ids if id != conversation_id] for name, ids in known.items()})


def proposals(archive: Archive, taxonomy: str) -> dict[str, list[str]]:
    """What was typed, with the conversations, the most frequent first."""
    found = recall(archive, _name(archive, taxonomy))
    known = msgspec.json.decode(found, type=dict[str, list[str]]) if found else {}
    return dict(sorted(known.items(), key=lambda item: -len(item[1])))


def settle(archive: Archive, taxonomy: str, category: str) -> list[str]:
    """It is not offered any more; the conversations that were given it."""
    known = proposals(archive, taxonomy)
    named = [name for name in known if name.casefold() == category.casefold()]
    ids = [id for name in named for id in known.pop(name)]
    _keep(archive, taxonomy, known)
    return ids


def _keep(archive: Archive, taxonomy: str, known: dict[str, list[str]]) -> None:
    wanted = {name: ids for name, ids in known.items() if ids}
    remember(archive, _name(archive, taxonomy), msgspec.json.encode(wanted).decode())


def _name(archive: Archive, taxonomy: str) -> str:
    return f"proposed:{archive.owner}:{taxonomy}"
