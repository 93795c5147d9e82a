"""The fake OpenAI server's files and batches: limits checked, fates scripted, every line charged for once."""

from __future__ import annotations

import email.parser
import email.policy
import json
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.openai_http import Fault

if TYPE_CHECKING:
    from tests.fakes.openai import FakeOpenAI

MOST_REQUESTS = 50_000
MOST_BYTES = 200 * 1024 * 1024
TERMINAL = {"completed", "expired", "cancelled", "failed"}


class Batches:
    """`fates` decides what becomes of the next batches created, else they complete:

    - `complete`, `complete:3` (only the first three lines succeed, the others are in the error file)
    - `expire:3`, `cancel:3`: three lines were finished before
    - `fail:token_limit_exceeded`: the batch fails as a whole with that code
    - `pending`: it never gets anywhere until `fates_of[batch id]` is changed
    """

    def __init__(self, fake: FakeOpenAI) -> None:
        self._fake = fake
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.fates: deque[str] = deque()
        self.fates_of: dict[str, str] = {}
        self.enqueued_limit: int | None = None
        self.created = 0
        self.spoilt: dict[str, str] = {}
        """Text that a conversation mentions -> the fault its line's answer has."""

    def handle(
        self, method: str, path: str, whole_path: str, body: dict[str, Any], data: bytes, headers: dict[str, str]
    ) -> tuple[int, Any]:
        parts = path.removeprefix("/v1/").split("/")
        match method, parts:
            case "POST", ["files"]:
                return self._upload(data, headers)
            case "GET", ["files", identity, "content"] if identity in self.files:
                return 200, self.files[identity]
            case "DELETE", ["files", identity] if identity in self.files:
                del self.files[identity]
                return 200, {"id": identity, "object": "file", "deleted": True}
            case "POST", ["batches"]:
                return self._create(body)
            case "GET", ["batches"]:
                return self._list(whole_path)
            case "GET", ["batches", identity] if identity in self.batches:
                self._advance(self.batches[identity])
                return 200, self.batches[identity]
            case _:
                return _error(404, "not_found", None)

    def _upload(self, data: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + data)
        fields = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        if fields["purpose"].get_content().strip() != "batch":
            return _error(400, "invalid_purpose", "purpose")
        content = bytes(fields["file"].get_payload(decode=True))
        if len(content) > MOST_BYTES:
            return _error(413, "file_too_large", "file")
        identity = self._fake.next_id("file")
        self.files[identity] = content
        return 200, {
            "id": identity, "object": "file", "bytes": len(content), "created_at": 1, "filename": "batch.jsonl",
            "purpose": "batch", "status": "processed",
        }  # fmt: skip

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body.get("completion_window") != "24h" or body.get("endpoint") != "/v1/responses":
            return _error(400, "invalid_value", "endpoint")
        if body.get("input_file_id") not in self.files:
            return _error(400, "invalid_value", "input_file_id")
        metadata = body.get("metadata") or {}
        if len(metadata) > 16 or any(len(k) > 64 or len(str(v)) > 512 for k, v in metadata.items()):
            return _error(400, "invalid_value", "metadata")
        identity = self._fake.next_id("batch")
        self.created += 1
        self.fates_of[identity] = self.fates.popleft() if self.fates else "complete"
        self.batches[identity] = {
            "id": identity, "object": "batch", "endpoint": body["endpoint"], "completion_window": "24h",
            "input_file_id": body["input_file_id"], "status": "validating", "created_at": 1_700_000_000 + self.created,
            "metadata": metadata, "output_file_id": None, "error_file_id": None, "errors": None,
        }  # fmt: skip
        return 200, self.batches[identity]

    def _list(self, whole_path: str) -> tuple[int, Any]:
        query = parse_qs(urlsplit(whole_path).query)
        rows = list(reversed(self.batches.values()))
        after = query.get("after", [""])[0]
        if after:
            rows = rows[[row["id"] for row in rows].index(after) + 1 :]
        size = int(query.get("limit", ["20"])[0])
        page = rows[:size]
        return 200, {
            "object": "list", "data": page, "has_more": len(rows) > size,
            "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None,
        }  # fmt: skip

    def _advance(self, batch: dict[str, Any]) -> None:
        fate, _, detail = self.fates_of[batch["id"]].partition(":")
        if batch["status"] in TERMINAL or fate == "pending":
            return
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines() if line.strip()]
        code = detail if fate == "fail" else self._objection(lines)
        if code:
            batch["status"] = "failed"
            batch["errors"] = {"object": "list", "data": [{"code": code, "message": "Scripted.", "line": None}]}
            return
        finished = int(detail) if detail else len(lines)
        batch["status"] = {"expire": "expired", "cancel": "cancelled"}.get(fate, "completed")
        done = [self._answer(line) for line in reversed(lines[:finished])]
        left = [_unanswered(line["custom_id"], batch["status"]) for line in lines[finished:]]
        for name, rows in (("output_file_id", done), ("error_file_id", left)):
            if rows:
                batch[name] = self._fake.next_id("file")
                self.files[batch[name]] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        batch["error_file_id"] = batch["error_file_id"] or ""

    def _objection(self, lines: list[dict[str, Any]]) -> str | None:
        """Why the service fails a whole file."""
        if len(lines) > MOST_REQUESTS:
            return "too_many_tasks"
        if len({line["custom_id"] for line in lines}) < len(lines):
            return "duplicate_custom_id"
        if len({line["body"]["model"] for line in lines}) != 1:
            return "mismatched_model"
        if lines[0]["body"]["model"] not in self._fake.models:
            return "model_not_found"
        if any(line["method"] != "POST" or line["url"] != "/v1/responses" for line in lines):
            return "invalid_url"
        if self.enqueued_limit is not None and sum(len(json.dumps(line)) // 4 for line in lines) > self.enqueued_limit:
            return "token_limit_exceeded"
        return None

    def _answer(self, line: dict[str, Any]) -> dict[str, Any]:
        row = {"id": self._fake.next_id("batch_req"), "custom_id": line["custom_id"], "error": None}
        problem = self._fake.problem_with(line["url"], line["body"])
        if problem:
            return {**row, "response": {"status_code": 400, "request_id": "r", "body": _error(400, *problem[::-1])[1]}}
        whole = json.dumps(line["body"], ensure_ascii=False)
        kinds = [kind for mention, kind in self.spoilt.items() if mention in whole]
        fault = Fault(kinds[0]) if kinds else None  # type: ignore[arg-type]
        answer = self._fake.respond(line["url"], line["body"], fault, is_batch=True)
        return {**row, "response": {"status_code": 200, "request_id": "r", "body": answer}}


def _unanswered(custom_id: str, status: str) -> dict[str, Any]:
    """A line of the error file: out of time, or the model failed on it."""
    if status == "completed":
        body = _error(500, "server_error", None)[1]
        return {"id": "b", "custom_id": custom_id, "response": {"status_code": 500, "body": body}, "error": None}
    error = {"code": f"batch_{status}", "message": "Scripted."}
    return {"id": "b", "custom_id": custom_id, "response": None, "error": error}


def _error(status: int, code: str, param: str | None) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": f"Scripted: {code}.", "type": code, "code": code, "param": param}}
