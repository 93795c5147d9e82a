"""Who we are to the outside: credentials and endpoints as Prefect blocks.

`prefect block register -m blocks` makes their types known to a server; `commonplace connect` saves them.
"""

from blocks.archive import ArchiveBlock
from blocks.markdown import MarkdownFolder
from blocks.notion import NotionCredentials
from blocks.openai import OpenAICredentials

__all__ = ["ArchiveBlock", "MarkdownFolder", "NotionCredentials", "OpenAICredentials"]
