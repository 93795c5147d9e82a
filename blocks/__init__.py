"""Who we are to the outside: credentials and endpoints as Prefect blocks.

`prefect block register -m blocks` makes their types known to a server; `commonplace connect` saves them. Every kind of
destination has one, under the name that the kind gives it (`NotionCredentials`, `MarkdownFolder`).
"""

from typing import TYPE_CHECKING, Any

from prefect.blocks.core import Block

from blocks.archive import ArchiveBlock
from blocks.destinations import DESTINATIONS
from blocks.mail import MailCredentials
from blocks.omi import OmiCredentials
from blocks.openai import OpenAICredentials

globals().update({block.__name__: block for block in DESTINATIONS.values()})

ALL: dict[str, type[Block]] = {
    "archive": ArchiveBlock,
    "openai": OpenAICredentials,
    "omi": OmiCredentials,
    "mail": MailCredentials,
    **DESTINATIONS,
}
"""Every block by what `commonplace connect` calls it."""

__all__ = ["ALL", "ArchiveBlock", "MailCredentials", "OmiCredentials", "OpenAICredentials"]

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
