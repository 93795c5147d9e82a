"""Notion: the archive as a database, at the API's speed limit, never a duplicate, and edits come back."""

from commonplace.destinations.notion.destination import NotionDestination, open_notion
from commonplace.destinations.notion.kind import KIND
from commonplace.destinations.notion.schema import Connected, connect
from commonplace.destinations.notion.settings import NotionSettings

__all__ = ["KIND", "Connected", "NotionDestination", "NotionSettings", "connect", "open_notion"]
