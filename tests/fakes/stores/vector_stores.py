"""What the fake OpenAI knows of files and vector stores: as strict as the service, and as slow to take a file in.

Files outlive their stores, and a file that is deleted leaves every store. A store that expired answers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

Json = dict[str, Any]
Answer = tuple[int, Json]
PURPOSES = {"assistants", "batch", "fine-tune", "vision", "user_data", "evals"}


class VectorStores:
    """`unreadable` files are those whose text holds this; they fail when they are taken in."""

    def __init__(self, next_id: Callable[[str], str]) -> None:
        self.files: dict[str, Json] = {}
        self.texts: dict[str, str] = {}
        self.stores: dict[str, Json] = {}
        self.held: dict[str, dict[str, Json]] = {}
        """By store, its files."""
        self.unreadable = "\0"
        self.uploads: list[str] = []
        """The name of every file that was ever taken."""
        self._next_id = next_id

    def expire(self, store_id: str) -> None:
        self.stores[store_id]["status"] = "expired"

    def named(self, name: str) -> list[str]:
        return [id for id, file in self.files.items() if file["filename"] == name]

    def handle(self, method: str, path: list[str], query: Json, body: Json | bytes, kind: str) -> Answer:
        if path[0] == "files":
            return self._files(method, path, query, body, kind)
        assert not isinstance(body, bytes)
        if len(path) == 1:
            return self._make(body) if method == "POST" else self._page(list(self.stores.values()), query, most=100)
        if (store := self.stores.get(path[1])) is None:
            return 404, {}
        if len(path) == 2:
            return self._store(method, store)
        held = self.held[store["id"]]
        if path[2:] == ["file_batches"] and method == "POST":
            return self._take_in(store, held, body)
        if path[2:] == ["files"] and method == "GET":
            answer = self._page([dict(file) for file in held.values()], query, most=100)
            for id, file in held.items():  # by the next time they were taken in
                file["status"] = "failed" if self.unreadable in self.texts[id] else "completed"
            return answer
        return 404, {}

    def search(self, tool: Json) -> tuple[int, list[Json]]:
        """The results of a search for whatever was asked, which finds everything."""
        if not 1 <= tool.get("max_num_results", 10) <= 50:
            return 400, []
        found: list[Json] = []
        for id in tool["vector_store_ids"]:
            if id not in self.stores:
                return 404, []
            if self.stores[id]["status"] == "expired":
                return 400, []
            found += [
                {"file_id": file, "filename": self.files[file]["filename"], "score": 0.5,
                 "attributes": held["attributes"], "text": self.texts[file]}
                for file, held in self.held[id].items() if held["status"] == "completed"
            ]  # fmt: skip
        return 200, found[: tool.get("max_num_results", 10)]

    def _files(self, method: str, path: list[str], query: Json, body: Json | bytes, kind: str) -> Answer:
        if len(path) == 1:
            if method == "POST":
                return self._upload(body if isinstance(body, bytes) else b"", kind)
            wanted = [one for one in self.files.values() if query.get("purpose") in (None, one["purpose"])]
            return self._page(wanted, query, most=10_000)
        if path[1] not in self.files:
            return 404, {}
        if method != "DELETE":
            return 200, self.files[path[1]]
        del self.files[path[1]]
        for held in self.held.values():
            held.pop(path[1], None)
        return 200, {"id": path[1], "object": "file", "deleted": True}

    def _upload(self, body: bytes, kind: str) -> Answer:
        message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        if not {"file", "purpose"} <= parts.keys() or parts["purpose"].get_content().strip() not in PURPOSES:
            return 400, {}
        data, name = parts["file"].get_payload(decode=True), parts["file"].get_filename()
        if not data or not re.search(r"\.(md|txt|json|pdf)$", str(name)):
            return 400, {}
        id = self._next_id("file")
        self.texts[id] = bytes(data).decode("utf-8")
        self.uploads.append(str(name))
        self.files[id] = {
            "id": id, "object": "file", "bytes": len(data), "created_at": len(self.uploads), "filename": name,
            "purpose": parts["purpose"].get_content().strip(), "status": "processed",
        }  # fmt: skip
        return 200, self.files[id]

    def _make(self, body: Json) -> Answer:
        expiry = body.get("expires_after")
        if not are_attributes(body.get("metadata") or {}) or (expiry and not 1 <= expiry["days"] <= 365):
            return 400, {}
        id = self._next_id("vs")
        self.held[id] = {}
        self.stores[id] = {
            "id": id, "object": "vector_store", "created_at": 1, "name": body.get("name") or "", "status": "completed",
            "metadata": body.get("metadata") or {}, "expires_after": expiry, "usage_bytes": 0,
            "expires_at": 1_800_000_000 if expiry else None,
        }  # fmt: skip
        return self._store("GET", self.stores[id])

    def _store(self, method: str, store: Json) -> Answer:
        if method == "DELETE":
            del self.stores[store["id"]], self.held[store["id"]]
            return 200, {"id": store["id"], "object": "vector_store.deleted", "deleted": True}
        held = self.held[store["id"]].values()
        counts = {status: sum(file["status"] == status for file in held)
                  for status in ("cancelled", "completed", "failed", "in_progress")}  # fmt: skip
        size = 3 * sum(len(self.texts[file["id"]].encode()) for file in held)
        return 200, {**store, "usage_bytes": size, "file_counts": counts | {"total": len(held)}}

    def _take_in(self, store: Json, held: dict[str, Json], body: Json) -> Answer:
        files = body.get("files") or [{"file_id": id} for id in body.get("file_ids") or ()]
        if store["status"] == "expired" or not 1 <= len(files) <= 2000:
            return 400, {}
        if not all(are_attributes(file.get("attributes") or {}) for file in files):
            return 400, {}
        if not all(file["file_id"] in self.files for file in files):
            return 404, {}
        for file in files:
            held[file["file_id"]] = {
                "id": file["file_id"], "object": "vector_store.file", "created_at": 1, "usage_bytes": 0,
                "status": "in_progress", "vector_store_id": store["id"], "attributes": file.get("attributes") or {},
            }  # fmt: skip
        counts = {"cancelled": 0, "completed": 0, "failed": 0, "in_progress": len(files), "total": len(files)}
        return 200, {"id": self._next_id("vsfb"), "object": "vector_store.files_batch", "created_at": 1,
                     "vector_store_id": store["id"], "status": "in_progress", "file_counts": counts}  # fmt: skip

    def _page(self, rows: list[Json], query: Json, *, most: int) -> Answer:
        """Newest first unless asked otherwise."""
        ordered = rows if query.get("order") == "asc" else rows[::-1]
        if after := query.get("after"):
            ids = [row["id"] for row in ordered]
            if after not in ids:
                return 404, {}
            ordered = ordered[ids.index(after) + 1 :]
        limit = int(query.get("limit", min(most, 20) if most == 100 else most))
        if not 1 <= limit <= most:
            return 400, {}
        page = ordered[:limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else ("", "")
        page = [self._store("GET", row)[1] if row["object"] == "vector_store" else row for row in page]
        more = {"has_more": len(ordered) > limit, "first_id": first, "last_id": last}
        return 200, {"object": "list", "data": page, **more}


def are_attributes(values: Json) -> bool:
    """As all that can be attached to anything."""
    return len(values) <= 16 and all(len(key) <= 64 and len(str(value)) <= 512 for key, value in values.items())
