"""What Notion says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec

from commonplace.destinations.kind import Connection, Given, Kind, LedgerOf, Person, Surroundings
from commonplace.destinations.notion.client import NOTION_VERSION, NotionClient
from commonplace.destinations.notion.columns import MEMORY, Columns
from commonplace.destinations.notion.destination import NotionDestination, instance_of, open_notion
from commonplace.destinations.notion.job import url_of
from commonplace.destinations.notion.offered import offered, setting_of, workspace_of
from commonplace.destinations.notion.schema import DataSource, connect
from commonplace.destinations.notion.settings import NotionSettings

if TYPE_CHECKING:
    import notion_client


WHERE = "The database to write to, or the page on which one shall be made, by its address or id"


def _open(settings: NotionSettings, around: Surroundings) -> NotionDestination:
    return open_notion(settings, around.files)


def _defaults(around: Surroundings) -> dict[str, Any]:
    return {"processes": around.processes} | ({"timezone": around.timezone} if around.timezone else {})


def _location(settings: NotionSettings) -> str | None:
    return url_of(settings.database_id) if settings.database_id else None


def _connect(settings: NotionSettings, person: Person, ledger_of: LedgerOf) -> Connection:
    with closing(NotionClient(settings)) as client:
        workspace = workspace_of(client)
        if not (settings.database_id or settings.data_source_id or settings.parent_page_id):
            answer = person.answer(WHERE, choices=lambda: offered(client))
            settings = msgspec.structs.replace(settings, **setting_of(client, answer) if answer else {})

    def known(source: DataSource) -> Mapping[str, str]:
        return Columns(source, settings, ledger_of(instance_of(source.id)).recall(MEMORY)).ids

    connected = connect(settings, confirm=person.agrees, known=known)
    told = {
        "workspace": workspace,
        "database": connected.database_id,
        "title": connected.title,
        "url": connected.url,
        "columns": ", ".join(connected.columns),
        "added": "the database" if connected.created else ", ".join(connected.added) or "nothing",
    }
    if connected.added:
        told["next"] = "rows that are there get what was added with `commonplace sync notion --force`"
    kept = {
        "database_id": connected.database_id,
        "data_source_id": connected.data_source_id,
        "projects_data_source_id": connected.projects_data_source_id,
    }
    return Connection(told=told, settings={key: value for key, value in kept.items() if value})


def _client(settings: NotionSettings) -> notion_client.Client:
    """The SDK's client, pinned to the API version we speak."""
    import notion_client

    return notion_client.Client(auth=settings.token, base_url=settings.base_url, notion_version=NOTION_VERSION)


KIND = Kind(
    title="Notion",
    about="A Notion connection and the database that conversations are written to.",
    block="NotionCredentials",
    settings=NotionSettings,
    open=_open,
    given=(
        Given(
            setting="token",
            variables=("NOTION_TOKEN", "NOTION_API_KEY"),
            about="The token of an internal connection, or a personal access token.",
            is_secret=True,
        ),
        Given(
            setting="database_id",
            variables=("NOTION_DATABASE_ID",),
            about="The database, as `commonplace connect notion` prepared it.",
        ),
        Given(setting="base_url", variables=("NOTION_BASE_URL",), about="Notion's address, if it is not its own."),
    ),
    defaults=_defaults,
    location=_location,
    connect=_connect,
    client=_client,
)
