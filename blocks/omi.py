"""A key of OMI's developer API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.blocks.abstract import CredentialsBlock
from pydantic import Field, SecretStr

from blocks.archive import DOCUMENTATION

if TYPE_CHECKING:
    from commonplace.omi_api import OmiApi


class OmiCredentials(CredentialsBlock):
    """A key of OMI's developer API, by which conversations are read that its webhooks did not bring.

    Example:
        Ask a saved block for a client:
        ```python
        from blocks.omi import OmiCredentials

        block = OmiCredentials.load("BLOCK_NAME")
        with block.get_client() as api:
            api.check()
        ```
    """

    _block_type_name = "Commonplace OMI"
    _block_type_slug = "commonplace-omi"
    _description = "A key of OMI's developer API, by which conversations are read that its webhooks did not bring."
    _documentation_url = DOCUMENTATION  # type: ignore[assignment]

    api_key: SecretStr = Field(description="The key, from OMI's app under Developer: omi_dev_...")
    base_url: str = Field(default="", description="Another server's address. Empty: OMI's own.")
    recovery_key: SecretStr = Field(
        default=SecretStr(""), description="What opens your data where it is encrypted at OMI's. Empty: it is not."
    )

    def get_client(self) -> OmiApi:
        """A client of the developer API."""
        from commonplace.omi_api import URL, Account, OmiApi

        recovery_key = self.recovery_key.get_secret_value()
        key, address = self.api_key.get_secret_value(), self.base_url or URL
        return OmiApi(Account(key=key, base_url=address, recovery_key=recovery_key))
