"""What a merge of two categories changed, kept so that the last one of a set can be taken back."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select, update

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.archive.rows import to_json
from commonplace.archive.schema import corrections, verdicts
from commonplace.archive.verdicts.current import refresh


class Judged(msgspec.Struct, frozen=True, array_like=True):
    """A verdict that named the category, as it was."""

    conversation_id: str
    judge: str
    judged_at: int
    category: str
    runner_up: str | None


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The set as it was, and who named the category that went."""

    source: str
    target: str
    at: int
    definition: str
    """Of the set before."""
    was_own: bool
    """False: the one that ships."""
    hashes: tuple[str, str]
    """Of the set before and after."""
    judged: list[Judged]
    said: list[tuple[str, int]]
    """Corrections, by conversation and moment."""


def uses(archive: Archive, taxonomy: str, category: str) -> tuple[list[Judged], list[tuple[str, int]]]:
    """The verdicts and the corrections that name a category."""
    table, word = verdicts.c, corrections.c
    judged = select(*(table[name] for name in Judged.__struct_fields__)).where(
        table.owner == archive.owner,
        table.taxonomy == taxonomy,
        (table.category == category) | (table.runner_up == category),
    )
    said = select(word.conversation_id, word.corrected_at).where(
        word.owner == archive.owner,
        word.field == "category",
        word.taxonomy.in_(["", taxonomy]),
        word.value == to_json(category),
    )
    with archive.read() as connection:
        return [Judged(*row) for row in connection.execute(judged)], [(id, at) for id, at in connection.execute(said)]


def remember_merged(archive: Archive, taxonomy: str, merged: Merged | None) -> None:
    """In place of the one before; None where it was taken back."""
    remember(archive, _name(archive, taxonomy), msgspec.json.encode(merged).decode())


def last_merged(archive: Archive, taxonomy: str) -> Merged | None:
    return msgspec.json.decode(recall(archive, _name(archive, taxonomy)) or "null", type=Merged | None)


def take_back(archive: Archive, taxonomy: str, merged: Merged) -> int:
    """Every verdict and correction says again what it said, but for those that were made anew since; how many
    conversations that concerns."""
    with archive.write() as connection:
        ids = {one.conversation_id for one in merged.judged if _judged(connection, archive.owner, taxonomy, one)}
        ids |= {id for id, at in merged.said if _said(connection, archive.owner, id, at, merged)}
        table, (before, after) = verdicts.c, merged.hashes
        ours = (table.owner == archive.owner) & (table.taxonomy == taxonomy) & (table.judged_at <= merged.at)
        connection.execute(update(verdicts).where(ours, table.taxonomy_hash == after).values(taxonomy_hash=before))
        refresh(connection, archive.owner, sorted(ids))
    return len(ids)


def _judged(connection: Connection, owner: str, taxonomy: str, one: Judged) -> bool:
    table = verdicts.c
    same = (
        (table.owner == owner)
        & (table.taxonomy == taxonomy)
        & (table.conversation_id == one.conversation_id)
        & (table.judge == one.judge)
        & (table.judged_at == one.judged_at)
    )
    restored = update(verdicts).where(same).values(category=one.category, runner_up=one.runner_up)
    return connection.execute(restored).rowcount > 0


def _said(connection: Connection, owner: str, id: str, at: int, merged: Merged) -> bool:
    word = corrections.c
    same = (
        (word.owner == owner)
        & (word.conversation_id == id)
        & (word.field == "category")
        & (word.corrected_at == at)
        & (word.value == to_json(merged.target))
    )
    return connection.execute(update(corrections).where(same).values(value=to_json(merged.source))).rowcount > 0


def _name(archive: Archive, taxonomy: str) -> str:
    return f"merged:{archive.owner}:{taxonomy}"
