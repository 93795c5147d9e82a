"""What projects are called: the better source wins, and an id that is known stays."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from commonplace.archive.core import Archive
from commonplace.archive.projects import names, registry
from commonplace.archive.schema import project_refs
from commonplace.model import Project

GARDEN = "g-p-6707a308aaaa"


@pytest.mark.parametrize(
    ("held", "arriving", "is_taken"),
    [
        ("id", "inferred", True),
        ("inferred", "sidebar", True),
        ("sidebar", "inferred", False),
        ("sidebar", "sidebar", True),
        ("person", "sidebar", False),
        ("person", "inferred", False),
        ("person", "person", True),
    ],
)
def test_a_better_name_is_never_overwritten_by_a_lesser_one(
    sqlite_archive: Archive, held: registry.NameSource, arriving: registry.NameSource, is_taken: bool
) -> None:
    names.apply(sqlite_archive, [Project(id=GARDEN, name="Before")], held)
    applied = names.apply(sqlite_archive, [Project(id=GARDEN, name="After", description="new")], arriving)
    (project,) = registry.load(sqlite_archive)
    assert project.name == ("After" if is_taken else "Before")
    assert project.description == ("new" if is_taken else None)
    assert bool(applied.renamed) == is_taken


def test_an_exported_list_keeps_its_ids_in_another_archive(archive: Archive) -> None:
    wanted = Project(id="p-0123456789", name="Garden", refs=[GARDEN])
    applied = names.apply(archive, [wanted], "person")
    assert applied.created == ["p-0123456789"]
    assert registry.register(archive, [GARDEN]) == []
    with archive.read() as connection:
        refs = set(connection.execute(select(project_refs.c.ref)).scalars())
    assert refs == {GARDEN}
