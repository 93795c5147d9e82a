"""A Notion connection and the database that conversations are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.blocks.abstract import CredentialsBlock
from pydantic import Field, SecretStr

from blocks.archive import DOCUMENTATION

if TYPE_CHECKING:
    from notion_client import Client


class NotionCredentials(CredentialsBlock):
    """A Notion connection and the database that conversations are written to.

    Example:
        Ask a saved block for a client:
        ```python
        from blocks.notion import NotionCredentials

        block = NotionCredentials.load("BLOCK_NAME")
        client = block.get_client()
        ```
    """

    _block_type_name = "Commonplace Notion"
    _block_type_slug = "commonplace-notion"
    _description = "A Notion connection and the database that conversations are written to."
    _documentation_url = DOCUMENTATION  # type: ignore[assignment]

    token: SecretStr = Field(description="The token of an internal connection, or a personal access token.")
    database_id: str = Field(default="", description="The database, as `commonplace connect notion` prepared it.")
    base_url: str = Field(default="https://api.notion.com", description="Notion's address.")

    def get_client(self) -> Client:
        """A client of the Notion SDK, pinned to the API version we speak."""
        from notion_client import Client

        return Client(auth=self.token.get_secret_value(), base_url=self.base_url, notion_version="2026-03-11")
