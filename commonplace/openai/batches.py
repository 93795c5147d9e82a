"""The Batch API: files of requests, answered within a day at half the price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

import msgspec

from commonplace.openai.client import Client, whole
from commonplace.openai.errors import About

if TYPE_CHECKING:
    from openai import OpenAI as SDK
    from openai.types import Batch, FileObject

TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as the service has it."""

    id: str
    status: str
    input_file_id: str | None
    answer_file_ids: list[str]
    """Answers first, then what was not answered. A batch that expired or was cancelled may have both."""
    codes: list[str]
    """Why it failed as a whole."""

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL


class Batches:
    """One account's batches. Creating one is the only request that is never repeated."""

    def __init__(self, client: Client, about: About) -> None:
        self._client, self._about = client, about

    def upload(self, handle: IO[bytes]) -> str:
        """Send an input file; its id."""

        def send(sdk: SDK) -> FileObject:
            handle.seek(0)
            return sdk.files.create(file=("batch.jsonl", handle), purpose="batch")

        return self._client.patiently(self._about, send).id

    def create(self, file_id: str, metadata: Mapping[str, str]) -> Remote:
        """Start a batch of /v1/responses. `Retryable`: it may be there or not; `find` knows."""
        made = self._client.once(
            self._about,
            lambda sdk: sdk.batches.create(
                completion_window="24h",
                endpoint="/v1/responses",
                input_file_id=file_id,
                metadata=dict(metadata),
            ),
        )
        return self._as_it_is(made)

    def get(self, identity: str) -> Remote:
        return self._as_it_is(self._client.patiently(self._about, lambda sdk: sdk.batches.retrieve(identity)))

    def find(self, key: str, value: str, *, since: int) -> Remote | None:
        """The batch with this in its metadata, among those created since then (seconds)."""

        def look(sdk: SDK) -> list[str]:
            for batch in whole(sdk.batches.list(limit=100)):
                if (batch.metadata or {}).get(key) == value:
                    return [batch.id]
                if batch.created_at < since:
                    break
            return []

        found = self._client.patiently(self._about, look)
        return self.get(found[0]) if found else None

    def content(self, file_id: str) -> bytes:
        return self._client.patiently(self._about, lambda sdk: sdk.files.content(file_id).content)

    def delete_file(self, file_id: str) -> None:
        self._client.patiently(self._about, lambda sdk: sdk.files.delete(file_id))

    def _as_it_is(self, batch: Batch) -> Remote:
        errors = (batch.errors.data if batch.errors else None) or []
        codes = {self._client.named(error.code or "") for error in errors}
        return Remote(
            id=batch.id,
            status=batch.status,
            input_file_id=batch.input_file_id,
            answer_file_ids=[name for name in (batch.output_file_id, batch.error_file_id) if name],
            codes=sorted(codes - {""}),
        )
