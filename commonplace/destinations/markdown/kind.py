"""What the Markdown folder says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from commonplace.destinations.kind import Connection, Given, Kind, LedgerOf, Person, Surroundings
from commonplace.destinations.markdown.settings import MarkdownSettings
from commonplace.destinations.markdown.write import MarkdownDestination, obstacle, open_markdown
from commonplace.errors import Refused


def _open(settings: MarkdownSettings, around: Surroundings) -> MarkdownDestination:
    return open_markdown(settings, around.files)


def _defaults(around: Surroundings) -> dict[str, Any]:
    """A folder beside the archive, and the person's time zone."""
    beside = {"folder": str(around.home / "markdown")} if around.home else {}
    return beside | ({"timezone": around.timezone} if around.timezone else {})


def _location(settings: MarkdownSettings) -> str:
    return str(Path(settings.folder).expanduser().absolute())


def _connect(settings: MarkdownSettings, _person: Person, _ledger_of: LedgerOf) -> Connection:
    folder = _location(settings)
    if problem := obstacle(Path(folder)):
        raise Refused(problem)
    return Connection(told={"folder": folder}, settings={"folder": folder})


KIND = Kind(
    title="Markdown Folder",
    about="A folder that conversations are written to as Markdown files, such as an Obsidian vault.",
    block="MarkdownFolder",
    settings=MarkdownSettings,
    open=_open,
    given=(
        Given(
            setting="folder",
            variables=("COMMONPLACE_MARKDOWN_FOLDER",),
            about="The folder; it is made when it is not there.",
            is_asked=True,
        ),
    ),
    defaults=_defaults,
    location=_location,
    connect=_connect,
)
