"""A mailbox in which the mails about exports are noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.blocks.abstract import CredentialsBlock
from pydantic import Field, SecretStr

from blocks.archive import DOCUMENTATION

if TYPE_CHECKING:
    from commonplace.mailbox import Mailbox


class MailCredentials(CredentialsBlock):
    """A mailbox in which the mails about exports are noticed, read-only.

    Example:
        Ask a saved block for its mailbox:
        ```python
        from blocks.mail import MailCredentials
        from commonplace.mailbox import opened

        block = MailCredentials.load("BLOCK_NAME")
        with opened(block.get_client()) as folder:
            print(folder.validity)
        ```
    """

    _block_type_name = "Commonplace mail"
    _block_type_slug = "commonplace-mail"
    _description = "A mailbox in which the mails about exports are noticed, read-only."
    _documentation_url = DOCUMENTATION  # type: ignore[assignment]

    host: str = Field(description="The IMAP server. Empty: none is read.")
    port: int = Field(default=993, description="Its port.")
    user: str = Field(description="Who opens the mailbox.")
    password: SecretStr = Field(description="The password, best one that the provider makes for a program.")
    folder: str = Field(default="INBOX", description="The one folder that is looked at.")

    def get_client(self) -> Mailbox:
        """The mailbox, to be opened."""
        from commonplace.mailbox import ASKED_FOR_TLS, Mailbox

        password = self.password.get_secret_value()
        return Mailbox(
            host=self.host,
            port=self.port,
            user=self.user,
            password=password,
            folder=self.folder,
            is_asked_for_tls=self.port == ASKED_FOR_TLS,
        )
