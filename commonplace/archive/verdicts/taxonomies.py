"""A person's taxonomies as rows, and what becomes of verdicts when a category is renamed.

The archive keeps definitions as text; what they mean is the business of `categorize`.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import case, delete, select, update

from commonplace.archive.core import Archive
from commonplace.archive.rows import put, to_json
from commonplace.archive.schema import corrections, taxonomies, verdicts
from commonplace.archive.verdicts.current import refresh
from commonplace.moments import now


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    name: str
    hash: str
    definition: str
    updated_at: int


def save_definition(archive: Archive, name: str, hash: str, definition: str) -> None:
    """Keep a taxonomy, in place of the one of that name."""
    row = {"owner": archive.owner, "name": name, "hash": hash, "definition": definition, "updated_at": now()}
    with archive.write() as connection:
        put(connection, taxonomies, [row])


def definitions(archive: Archive) -> dict[str, Definition]:
    """Every taxonomy of the owner, by name."""
    query = select(taxonomies).where(taxonomies.c.owner == archive.owner).order_by(taxonomies.c.name)
    names = Definition.__struct_fields__
    with archive.read() as connection:
        found = [Definition(**{name: row._mapping[name] for name in names}) for row in connection.execute(query)]
    return {definition.name: definition for definition in found}


def remove_definition(archive: Archive, name: str) -> bool:
    """Forget a taxonomy; its verdicts stay. False when there is none."""
    ours = (taxonomies.c.owner == archive.owner) & (taxonomies.c.name == name)
    with archive.write() as connection:
        return connection.execute(delete(taxonomies).where(ours)).rowcount > 0


def rename_in_verdicts(archive: Archive, taxonomy: str, old: str, new: str, *, hashes: tuple[str, str]) -> int:
    """Give a category another name wherever it was decided or corrected. How many conversations it concerns.

    Verdicts made with the taxonomy as it was (`hashes[0]`) count as made with it as it is, so none is made again.
    """
    before, after = hashes
    table = verdicts.c
    ours = (table.owner == archive.owner) & (table.taxonomy == taxonomy)
    word = corrections.c
    said = (
        (word.owner == archive.owner)
        & (word.field == "category")
        & word.taxonomy.in_(["", taxonomy])
        & (word.value == to_json(old))
    )
    concerned = (table.category == old) | (table.runner_up == old)
    with archive.write() as connection:
        ids = set(connection.execute(select(table.conversation_id).where(ours, concerned)).scalars())
        ids |= set(connection.execute(select(word.conversation_id).where(said)).scalars())
        for column in (table.category, table.runner_up):
            connection.execute(update(verdicts).where(ours, column == old).values({column: new}))
        connection.execute(update(verdicts).where(ours, table.runner_up == table.category).values(runner_up=None))
        current = case((table.taxonomy_hash == before, after), else_=table.taxonomy_hash)
        connection.execute(update(verdicts).where(ours).values(taxonomy_hash=current))
        connection.execute(update(corrections).where(said).values(value=to_json(new)))
        refresh(connection, archive.owner, sorted(ids))
    return len(ids)
