"""What a person can set about the Notion destination, with a word on each."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from commonplace.bounds import AtLeastOne, Seconds, SecondsOrNone

_IDS = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])")

RENDERER_VERSION = "n4"
"""Raised whenever the same conversation would be written differently; every page is then brought up to date."""


class NotionSettings(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    """An internal connection's secret or a personal access token. Never shown."""
    base_url: str = "https://api.notion.com"
    """Where Notion's API is."""
    database_id: str | None = None
    """The database to write to; ids from before data sources existed work."""
    data_source_id: str | None = None
    """The data source to write to, if the database has several."""
    parent_page_id: str | None = None
    """The page under which `connect` creates a database."""
    projects_data_source_id: str | None = None
    """Where projects are pages of their own, when `project_as` is "relation"."""
    property_names: dict[str, str] = msgspec.field(default_factory=dict)
    """Our property name -> yours; an empty name leaves the property out."""
    project_as: Literal["select", "relation"] = "select"
    """How a conversation shows its project."""
    body: Literal["markdown", "blocks"] = "markdown"
    """How page bodies are sent: one request each, or block by block where Markdown is not available."""
    blocks_per_page: AtLeastOne = 5_000
    """How much a page holds before the conversation goes on on a page inside it; Notion ends at about 20,000."""
    on_deleted: Literal["recreate", "skip"] = "recreate"
    """What happens when a person put one of our pages into the trash."""
    branches: bool = False
    """Whether answers that were regenerated or edited away are shown too."""
    asides: bool = True
    """Whether thoughts and tool output are shown, collapsed."""
    upload_megabytes: Annotated[int, Meta(ge=0, le=20)] = 20
    """Images and files of up to so many MB are uploaded, two requests each; 0: none, a page shows their names."""
    timezone: str = "UTC"
    """Whose times the page shows beside who speaks; the settings' own is taken if it is not set here."""
    requests_per_minute: AtLeastOne = 180
    """Notion's budget for a connection: 180, or 600 on Business and Enterprise plans."""
    processes: AtLeastOne = 1
    """How many processes share that budget; with Dask as many as there are workers."""
    window_seconds: Seconds = 60.0
    """The length of the window that the budget is for."""
    timeout_seconds: Seconds = 75.0
    """How long to wait for an answer; Notion itself gives up after about 60 s."""
    max_wait_seconds: SecondsOrNone = 900.0
    """The longest pause that Notion may ask for before the run is put off instead."""
    lookup_interval_seconds: SecondsOrNone = 30.0
    """The time between two look-ups of a page whose creation was never answered."""

    def __post_init__(self) -> None:
        for name in ("database_id", "data_source_id", "parent_page_id", "projects_data_source_id"):
            if value := getattr(self, name):
                msgspec.structs.force_setattr(self, name, id_in(value))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name != "token")
        return f"NotionSettings(token='…', {', '.join(shown)})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        shown = [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "token"]
        return [("token", "…"), *shown]

    @property
    def written_hash(self) -> str:
        """Changes when what is written would change; not with the token, the rates or the waits."""
        written = (
            sorted(self.property_names.items()),
            self.project_as,
            self.projects_data_source_id,
            self.body,
            self.branches,
            self.asides,
            self.timezone,
            self.upload_megabytes,
        )
        return digest(RENDERER_VERSION, repr(written))


def id_in(text: str) -> str:
    """The id in the address of a page or database, as a browser shows it; anything else as it is."""
    found = _IDS.findall(text.partition("?")[0].partition("#")[0]) if "/" in text else []
    return found[-1] if found else text.strip()


def digest(*parts: str) -> str:
    """16 hexadecimal digits that stand for these texts, in this order."""
    state = blake2b(digest_size=8)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "little"))
        state.update(encoded)
    return state.hexdigest()
