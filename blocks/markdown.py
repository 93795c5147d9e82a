"""A folder of Markdown files as a destination."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field

from blocks.archive import DOCUMENTATION


class MarkdownFolder(Block):
    """A folder that conversations are written to as Markdown files, such as an Obsidian vault.

    Example:
        See where a saved block points:
        ```python
        from blocks.markdown import MarkdownFolder

        block = MarkdownFolder.load("BLOCK_NAME")
        print(block.path())
        ```
    """

    _block_type_name = "Commonplace Markdown Folder"
    _block_type_slug = "commonplace-markdown-folder"
    _description = "A folder that conversations are written to as Markdown files, such as an Obsidian vault."
    _documentation_url = DOCUMENTATION  # type: ignore[assignment]

    folder: str = Field(description="The folder; it is made when it is not there.")

    def path(self) -> Path:
        """The folder as a path of this machine."""
        return Path(self.folder).expanduser().absolute()
