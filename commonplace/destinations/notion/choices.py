"""What can be chosen in a row, made before the first row chooses it: categories in their colours, projects as pages."""

from __future__ import annotations

from collections.abc import Sequence

from commonplace.destinations.contract import Document
from commonplace.destinations.notion import schema
from commonplace.destinations.notion.client import NotionClient, Unanswered
from commonplace.destinations.notion.columns import Columns
from commonplace.destinations.notion.properties import CATEGORY, nearest_colour, option_name, text_json
from commonplace.destinations.notion.schema import DataSource


class Choices:
    """Of one data source."""

    def __init__(self, client: NotionClient, source: DataSource, columns: Columns) -> None:
        self._client = client
        self._source = source
        self._columns = columns
        self._projects: dict[str, str] | None = None

    def offer(self, documents: Sequence[Document]) -> None:
        """All that these documents will choose."""
        self._offer_categories(documents)
        if self._client.settings.project_as == "relation":
            self._make_projects({option_name(document.project_name) for document in documents})

    def pages_of(self, project: str | None) -> list[str]:
        """The page of a project, as a relation has it."""
        page = (self._projects or {}).get(project or "")
        return [page] if page else []

    def _offer_categories(self, documents: Sequence[Document]) -> None:
        if not self._columns.has(CATEGORY):
            return
        known = self._columns.option_names(CATEGORY)
        wanted = {
            label: nearest_colour(document.category_colour)
            for document in documents
            if document.category_colour and (label := option_name(document.category)) and label not in known
        }
        if wanted:
            schema.add_options(self._client, self._source, self._columns.ids[CATEGORY], wanted)

    def _make_projects(self, names: set[str | None]) -> None:
        """A page for every project. Looked up again before it is made, so that a lost answer is found."""
        data_source_id = self._client.settings.projects_data_source_id or ""
        if self._projects is None:
            self._projects = schema.project_pages(self._client, data_source_id)
        for name in sorted(filter(None, names - set(self._projects))):
            body = {
                "parent": {"type": "data_source_id", "data_source_id": data_source_id},
                "properties": {"title": {"title": text_json(name)}},
            }
            try:
                self._projects[name] = self._client.send("POST", "pages", body, repeatable=False)["id"]
            except Unanswered:
                self._client.rest(self._client.settings.lookup_interval_seconds)
                self._projects = schema.project_pages(self._client, data_source_id)
                if name not in self._projects:
                    raise
