"""A person's projects, page by page."""

from __future__ import annotations

from typing import Any

from commonplace.archive.core import Archive
from commonplace.archive.projects import registry
from commonplace.secret_keys import SecretKeys
from commonplace.web.api import shapes
from commonplace.web.api.paging import Pages

MOST = 1000


def projects_of(keys: SecretKeys, archive: Archive, sent: str | None) -> dict[str, Any]:
    """Each with how many conversations it has, from where a cursor goes on."""
    pages = Pages(keys, archive, ["projects"])
    start = pages.place_of(sent)
    found = registry.list_projects(archive, samples=0)[start:]
    return pages.told("projects", [shapes.project(one) for one in found], start, MOST)
