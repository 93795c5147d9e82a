"""Files that hold one conversation each, as they were when they were merged: a history of thousands of them is looked
at by names, sizes and times, and only what changed since is opened."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from commonplace.archive.core import Archive
from commonplace.archive.rows import batched, put
from commonplace.archive.schema import seen_files


class SeenFile(msgspec.Struct, frozen=True):
    """`state` is whatever changes when the file does."""

    state: str
    title: str
    digest: bytes


def below(archive: Archive, folder: str) -> dict[str, SeenFile]:
    """What was noted of files below a folder, by their paths in it."""
    table = seen_files.c
    prefix = f"{folder}/"
    query = select(table.path, table.state, table.title, table.digest).where(
        table.owner == archive.owner, table.path.startswith(prefix, autoescape=True)
    )
    with archive.read() as connection:
        found = connection.execute(query).all()
    return {
        row.path.removeprefix(prefix): SeenFile(row.state, row.title, bytes(row.digest))
        for row in found
        if row.path.startswith(prefix)  # the question is blind to case
    }


def note(archive: Archive, folder: str, files: Mapping[str, SeenFile]) -> None:
    """These files below the folder were merged as they are."""
    rows = [
        {"owner": archive.owner, "path": f"{folder}/{name}", **msgspec.structs.asdict(file)}
        for name, file in files.items()
    ]
    for some in batched(rows):
        with archive.write() as connection:
            put(connection, seen_files, some)
