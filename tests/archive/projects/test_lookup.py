"""Which project a person means."""

from __future__ import annotations

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.projects import lookup, names, registry
from commonplace.errors import Refused
from commonplace.model import Project

GARDEN, KITCHEN = "g-p-6707a308aaaa", "g-p-99990000bbbb"


def test_a_project_is_found_as_people_type_it(archive: Archive) -> None:
    garden, kitchen = registry.register(archive, [GARDEN, KITCHEN])
    names.apply(archive, [Project(id=GARDEN, name="My Garden")], "person")
    for typed in (garden, "my garden", GARDEN, "g-p-6707", garden[:6]):
        assert lookup.find_project(archive, typed).id == garden
    assert lookup.find_project(archive, KITCHEN).id == kitchen
    with pytest.raises(Refused, match="several"):
        lookup.find_project(archive, "g-p-")
    with pytest.raises(Refused, match="no project"):
        lookup.find_project(archive, "cellar")


def test_a_project_is_known_by_everything_that_leads_to_it_and_to_its_owner_alone(sqlite_archive: Archive) -> None:
    (garden,) = registry.register(sqlite_archive, [GARDEN])
    names.apply(sqlite_archive, [Project(id=GARDEN, name="My Garden")], "person")
    assert all(lookup.is_known(sqlite_archive, typed) for typed in (garden, GARDEN, "My Garden"))
    assert not lookup.is_known(sqlite_archive.of("someone else"), GARDEN)
