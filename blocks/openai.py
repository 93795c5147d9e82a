"""A key for OpenAI, or for a server that speaks its language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.blocks.abstract import CredentialsBlock
from pydantic import Field, SecretStr

from blocks.archive import DOCUMENTATION

if TYPE_CHECKING:
    from commonplace.openai.client import SDK


class OpenAICredentials(CredentialsBlock):
    """A key for OpenAI, or for a server that speaks its language.

    Example:
        Ask a saved block for a client:
        ```python
        from blocks.openai import OpenAICredentials

        block = OpenAICredentials.load("BLOCK_NAME")
        client = block.get_client()
        ```
    """

    _block_type_name = "Commonplace OpenAI"
    _block_type_slug = "commonplace-openai"
    _description = "A key for OpenAI, or for a server that speaks its language."
    _documentation_url = DOCUMENTATION  # type: ignore[assignment]

    api_key: SecretStr = Field(description="The API key. A local server may accept any text.")
    base_url: str = Field(default="", description="Another server's address. Empty: OpenAI itself.")

    def get_client(self) -> SDK:
        """A client of the OpenAI SDK, which repeats nothing by itself."""
        from commonplace.openai.client import Account, Client

        return Client(Account(api_key=self.api_key.get_secret_value(), base_url=self.base_url)).sdk()
