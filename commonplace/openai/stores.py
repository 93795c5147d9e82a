"""Vector stores: files that a model searches by itself while it answers. They and their files can be listed.

So whatever became of a request that was never answered can be looked up: a store by its metadata, a file by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from commonplace.openai.client import Client, whole
from commonplace.openai.errors import About, Missing

if TYPE_CHECKING:
    from openai import OpenAI as SDK
    from openai.types import VectorStore

PURPOSE: Literal["assistants"] = "assistants"
MOST_TAKEN_IN = 500
"""Files of one request; the service allows 2,000."""
_STORE = About(model="", what="a vector store", is_one=True)
_NEW = About(model="", what="a vector store")
_FILE = About(model="", what="a file")
_ONE_FILE = About(model="", what="a file", is_one=True)


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A vector store as the service has it."""

    id: str
    is_expired: bool
    bytes: int
    """What it takes there, which is what is paid for."""
    files: int
    expires_at: int | None
    """Seconds since 1970."""


class Stores:
    """One account's vector stores. To make a store, to upload and to take in are sent once; the rest is repeated."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def create(self, name: str, metadata: Mapping[str, str], *, days: int) -> str:
        """It expires when nobody searched in it for so many days."""
        return self.client.once(
            _NEW,
            lambda sdk: sdk.vector_stores.create(
                name=name, metadata=dict(metadata), expires_after={"anchor": "last_active_at", "days": days}
            ),
        ).id

    def find(self, metadata: Mapping[str, str]) -> str | None:
        """The store with this in its metadata."""

        def look(sdk: SDK) -> list[str]:
            pages = whole(sdk.vector_stores.list(limit=100))
            return [one.id for one in pages if metadata.items() <= (one.metadata or {}).items()][:1]

        return next(iter(self.client.patiently(_NEW, look)), None)

    def get(self, store_id: str) -> Remote:
        return _remote(self.client.patiently(_STORE, lambda sdk: sdk.vector_stores.retrieve(store_id)))

    def delete(self, store_id: str) -> None:
        """Its files stay. Nothing happens where it is gone."""
        try:
            self.client.patiently(_STORE, lambda sdk: sdk.vector_stores.delete(store_id))
        except Missing:
            return

    def is_there(self, store_id: str) -> bool:
        try:
            self.get(store_id)
        except Missing:
            return False
        return True

    def upload(self, name: str, data: bytes) -> str:
        return self.client.once(
            _FILE, lambda sdk: sdk.files.create(file=(name, data, "text/markdown"), purpose=PURPOSE)
        ).id

    def uploaded(self) -> dict[str, str]:
        """Every file that is there, by its name; of several the newest."""

        def look(sdk: SDK) -> dict[str, str]:
            files = whole(sdk.files.list(purpose=PURPOSE, order="asc", limit=10_000))
            return {file.filename: file.id for file in files}

        return self.client.patiently(_FILE, look)

    def delete_file(self, file_id: str) -> None:
        """From the account, and so from every store. Nothing happens where it is gone."""
        try:
            self.client.patiently(_ONE_FILE, lambda sdk: sdk.files.delete(file_id))
        except Missing:
            return

    def take_in(self, store_id: str, files: Mapping[str, Mapping[str, str]]) -> None:
        """Files, by id, with their attributes, are to be searched in this store."""
        wanted: Any = [{"file_id": id, "attributes": dict(attributes)} for id, attributes in files.items()]
        self.client.once(_STORE, lambda sdk: sdk.vector_stores.file_batches.create(store_id, files=wanted))

    def held(self, store_id: str) -> dict[str, str]:
        """What became of every file of a store, by its id: in_progress, completed, failed or cancelled."""

        def look(sdk: SDK) -> dict[str, str]:
            files = whole(sdk.vector_stores.files.list(store_id, limit=100, order="asc"))
            return {file.id: file.status for file in files}

        return self.client.patiently(_STORE, look)


def _remote(store: VectorStore) -> Remote:
    return Remote(
        id=store.id,
        is_expired=store.status == "expired",
        bytes=store.usage_bytes,
        files=store.file_counts.total,
        expires_at=store.expires_at,
    )
