"""Where the archive is, for runs that happen somewhere else than on the machine that set it up."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive, sqlite_file

DOCUMENTATION = "https://docs.prefect.io/v3/concepts/blocks"


class ArchiveBlock(Block):
    """The archive of conversations: a database, and a files location for exports and attachments.

    Example:
        Open the archive that a saved block describes:
        ```python
        from blocks.archive import ArchiveBlock

        block = ArchiveBlock.load("BLOCK_NAME")
        with block.open() as archive:
            print(archive.owner)
        ```
    """

    _block_type_name = "Commonplace Archive"
    _block_type_slug = "commonplace-archive"
    _description = "The archive of conversations: a database, and a files location for exports and attachments."
    _documentation_url = DOCUMENTATION  # type: ignore[assignment]

    url: SecretStr = Field(
        description="The database: sqlite:///path/archive.db or postgresql://user:password@host/name."
    )
    files: str = Field(
        default="", description="A folder or an s3:// address for exports and attachments. Empty: beside the database."
    )
    owner: str = Field(default="me", description="Whose conversations these are.")

    @property
    def location_of_files(self) -> str:
        """Where the files are; empty where only `open_archive` can say."""
        if self.files:
            return self.files if "://" in self.files else str(Path(self.files).expanduser())
        database = sqlite_file(self.url.get_secret_value())
        return str(database.parent / "files") if database else ""

    def open(self) -> Archive:
        """The archive, open; close it, or use it as a context manager."""
        return open_archive(self.url.get_secret_value(), files=self.location_of_files or None, owner=self.owner)
