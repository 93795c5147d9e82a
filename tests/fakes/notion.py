"""A Notion that refuses what Notion refuses: a real HTTP server on loopback, with limits, budgets and scripted faults.

    with FakeNotion() as notion:
        settings = NotionSettings(token=notion.token, base_url=notion.base_url, data_source_id=notion.add_database())
        notion.fail_next("timeout", on="POST pages", committed=True)
        ...
        assert [page.title for page in notion.rows()] == [...]

Requests are counted in fixed windows per token, whose beginning nobody is told; parallel writes to one page conflict;
times are rounded to the minute; queries end after 10,000 rows. `notion.edit`, `trash` and `delete` are what a person
does in the browser.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.notion_markdown import Block, Unreadable, plain, read
from tests.fakes.notion_rules import PAYLOAD_BYTES, Invalid, check_blocks, check_properties, check_rich_text

Json = dict[str, Any]

VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
OUR_PROPERTIES = {
    "Name": "title", "Conversation ID": "rich_text", "Date": "date", "Updated": "date", "Category": "select",
    "Tags": "multi_select", "Project": "select", "Content": "rich_text", "Analysis": "rich_text", "Source": "select",
    "Model": "select", "Messages": "number", "Link": "url", "Hash": "rich_text",
}  # fmt: skip


@dataclass
class Request:
    """One request as it came in, and what was answered."""

    method: str
    path: str
    body: Json
    moment: float
    status: int = 0


@dataclass
class Page:
    """A page or a row."""

    id: str
    parent: Json
    properties: dict[str, Json]
    created: datetime
    edited: datetime
    blocks: list[Block] = field(default_factory=list)
    markdown: str = ""
    icon: Json | None = None
    in_trash: bool = False
    order: int = 0

    @property
    def text(self) -> str:
        """What a reader sees on the page."""
        return plain(self.blocks)

    @property
    def title(self) -> str:
        return str(self.value(next(name for name, value in self.properties.items() if value["type"] == "title")))

    def value(self, name: str) -> Any:
        """A property as people see it."""
        value = self.properties.get(name)
        if value is None:
            return None
        content = value[value["type"]]
        if value["type"] in ("title", "rich_text"):
            return "".join(item["text"]["content"] for item in content)
        if value["type"] == "select":
            return content["name"] if content else None
        if value["type"] == "multi_select":
            return [option["name"] for option in content]
        if value["type"] == "relation":
            return [page["id"] for page in content]
        return content


@dataclass
class Source:
    """A data source: the schema of a database's rows."""

    id: str
    database_id: str
    properties: dict[str, Json]


@dataclass
class Fault:
    """What shall go wrong, once."""

    kind: str
    on: str = ""
    skip: int = 0
    committed: bool = False
    retry_after: float | None = None
    reason: str | None = None
    call: Callable[[], None] | None = None


class Answer(Exception):
    """Any answer but success."""

    def __init__(self, status: int, code: str, message: str, *, extra: Json | None = None,
                 headers: dict[str, str] | None = None, html: bool = False) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.extra, self.headers, self.html = extra, headers or {}, html


class Silence(Exception):
    """No answer at all."""


class FakeNotion:
    """The server. Everything public may be used by tests while it runs."""

    def __init__(self, *, latency: float = 0.0, window_seconds: float = 60.0, per_window: int = 180,
                 workspace_per_window: int | None = None, query_cap: int = 10_000,
                 keep_bodies: bool = True, port: int = 0) -> None:  # fmt: skip
        self.latency, self.window_seconds, self.per_window = latency, window_seconds, per_window
        self.workspace_per_window, self.query_cap, self.keep_bodies = workspace_per_window, query_cap, keep_bodies
        self.token = f"ntn_{uuid.uuid4().hex}"
        self.parent_page_id = str(uuid.uuid4())
        self.pages: dict[str, Page] = {}
        self.sources: dict[str, Source] = {}
        self.databases: dict[str, list[str]] = {}
        self.requests: list[Request] = []
        self.warnings: list[str] = []
        self.hang = threading.Event()
        self.hang_seconds = 20.0
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._writing: Counter[str] = Counter()
        self._windows: Counter[int] = Counter()
        self._offset = timedelta()
        self._began = time.monotonic() - window_seconds * 0.37
        now = self._now()
        self.pages[self.parent_page_id] = Page(self.parent_page_id, {"type": "workspace"}, {}, now, now)
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeNotion:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.hang.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # What a test arranges and asks.

    def add_database(self, properties: dict[str, str] | None = None, *, sources: int = 1) -> str:
        """A database with a fitting schema (or this one); its only data source's id."""
        database_id = str(uuid.uuid4())
        self.databases[database_id] = []
        for _ in range(sources):
            source = Source(str(uuid.uuid4()), database_id, {})
            self._define(source, {name: {type_: {}} for name, type_ in (properties or OUR_PROPERTIES).items()})
            self.sources[source.id] = source
            self.databases[database_id].append(source.id)
        return self.databases[database_id][0]

    def database_of(self, data_source_id: str) -> str:
        return self.sources[data_source_id].database_id

    def rows(self, data_source_id: str | None = None) -> list[Page]:
        """The rows that are not in the trash, oldest first."""
        with self._lock:
            return [
                page
                for page in sorted(self.pages.values(), key=lambda page: page.order)
                if page.parent.get("data_source_id") in ({data_source_id} if data_source_id else set(self.sources))
                and not page.in_trash
            ]

    def row(self, conversation_id: str) -> Page:
        (page,) = [page for page in self.rows() if page.value("Conversation ID") == conversation_id]
        return page

    def add_row(self, data_source_id: str, values: dict[str, Any], *, created: datetime | None = None) -> Page:
        """A row that another tool or a person made."""
        with self._lock:
            page = self._new_page({"type": "data_source_id", "data_source_id": data_source_id}, created)
            self._apply(page, {name: self._json(data_source_id, name, value) for name, value in values.items()})
            return page

    def edit(self, page_id: str, **values: Any) -> None:
        """A person changes properties."""
        with self._lock:
            page = self.pages[page_id]
            source = page.parent["data_source_id"]
            self._apply(page, {name: self._json(source, name, value) for name, value in values.items()})
            page.edited = self._now()

    def trash(self, page_id: str) -> None:
        self.pages[page_id].in_trash = True

    def delete(self, page_id: str) -> None:
        del self.pages[page_id]

    def pass_time(self, minutes: float) -> None:
        """Later by Notion's clock, for created and edited times."""
        self._offset += timedelta(minutes=minutes)

    def fail_next(self, kind: str, *, on: str = "", skip: int = 0, times: int = 1, committed: bool = False,
                  retry_after: float | None = None, reason: str | None = None,
                  call: Callable[[], None] | None = None) -> None:  # fmt: skip
        """The next matching request (after `skip` others) goes wrong: timeout, drop, call, committed_503, or a status.

        `on` is the beginning of "METHOD path". `committed` says whether the request is done nevertheless; `call` is
        called instead of answering.
        """
        with self._lock:
            for _ in range(times):
                self._faults.append(Fault(kind, on, skip, committed, retry_after, reason, call))

    def count(self, on: str = "") -> int:
        """Requests whose "METHOD path" begins so."""
        return sum(f"{request.method} {request.path}".startswith(on) for request in self.requests)

    def statuses(self) -> Counter[int]:
        return Counter(request.status for request in self.requests)

    # What happens to a request.

    def handle(self, method: str, target: str, headers: Any, raw: bytes) -> Json:
        url = urlsplit(target)
        path = url.path.removeprefix("/v1/")
        request = Request(method, path, {}, time.monotonic())
        with self._lock:
            self.requests.append(request)
            fault = self._fault_for(f"{method} {path}")
        try:
            self._check_headers(headers)
            self._check_budget()
            if len(raw) > PAYLOAD_BYTES:
                raise Answer(413, "validation_error", "Request body too large.")
            request.body = body = _json_of(raw)
            if fault is not None and not fault.committed:
                self._break(fault, None)
            with self._alone(method, path):
                if self.latency:
                    time.sleep(self.latency)
                answer = self._route(method, path.split("/"), parse_qs(url.query), body)
            if fault is not None and fault.committed:
                self._break(fault, answer)
        except (Invalid, Unreadable) as exc:
            request.status = 400
            raise Answer(400, "validation_error", str(exc)) from exc
        except Answer as exc:
            request.status = exc.status
            raise
        finally:
            if not self.keep_bodies:
                request.body = {}
        request.status = 200
        return answer

    def _fault_for(self, what: str) -> Fault | None:
        for fault in self._faults:
            if what.startswith(fault.on):
                if fault.skip:
                    fault.skip -= 1
                    return None
                self._faults.remove(fault)
                return fault
        return None

    def _break(self, fault: Fault, answer: Json | None) -> None:
        if fault.call is not None:
            fault.call()
        match fault.kind:
            case "timeout":
                self.hang.wait(self.hang_seconds)
                raise Silence
            case "drop" | "call":
                raise Silence
            case "502":
                raise Answer(502, "", "<html><body>Bad gateway</body></html>", html=True)
            case "429" | "529":
                headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
                extra: Json = {"rate_limit_reason": fault.reason or "public_api_request_rate_limit"}
                code = "rate_limited" if fault.kind == "429" else "service_overload"
                raise Answer(int(fault.kind), code, "Slow down.", extra=extra, headers=headers)
            case "committed_503":
                children = [] if answer is None else [child["id"] for child in answer.get("results", [])]
                extra = {"committed_resource_id": (answer or {}).get("id"), "committed_child_ids": children,
                         "retry_guidance": "Do not repeat the write"}  # fmt: skip
                raise Answer(503, "service_unavailable", "Notion is unavailable.", extra=extra)
            case "block_limit":
                raise Answer(403, "restricted_resource", "Block limit.", extra={"block_limit": "block_creation"})
        code, message = _CODES[fault.kind]
        raise Answer(int(fault.kind), code, fault.reason or message)

    def _check_headers(self, headers: Any) -> None:
        if headers.get("Authorization") != f"Bearer {self.token}":
            raise Answer(401, "unauthorized", "API token is invalid.")
        version = headers.get("Notion-Version")
        if not version:
            raise Answer(400, "missing_version", "Notion-Version header is required.")
        if version != VERSIONS[-1]:
            raise Answer(400, "validation_error", f"This fake speaks {VERSIONS[-1]} only.")

    def _check_budget(self) -> None:
        with self._lock:
            elapsed = time.monotonic() - self._began
            window = int(elapsed // self.window_seconds)
            self._windows[window] += 1
            left = (window + 1) * self.window_seconds - elapsed
            shared = self.workspace_per_window is not None and self._windows[window] > self.workspace_per_window
            if self._windows[window] <= self.per_window and not shared:
                return
        reason = "public_api_space_request_rate_limit" if shared else "public_api_request_rate_limit"
        seconds = math.ceil(left) if self.window_seconds >= 60 else round(left + 0.001, 3)
        raise Answer(429, "rate_limited", "You have been rate limited.",
                     extra={"rate_limit_reason": reason, "retry_after": str(seconds)},
                     headers={"Retry-After": str(seconds)})  # fmt: skip

    @contextmanager
    def _alone(self, method: str, path: str) -> Iterator[None]:
        """Parallel writes to one page are a conflict."""
        parts = path.split("/")
        key = parts[1] if method == "PATCH" and parts[0] in ("pages", "blocks") and len(parts) > 1 else ""
        if key:
            with self._lock:
                if self._writing[key]:
                    raise Answer(409, "conflict_error", "Conflict occurred while saving.")
                self._writing[key] += 1
        try:
            yield
        finally:
            if key:
                with self._lock:
                    self._writing[key] -= 1

    def _route(self, method: str, parts: list[str], query: dict[str, list[str]], body: Json) -> Json:
        with self._lock:
            match (method, *parts):
                case ("GET", "users", "me"):
                    return {"object": "user", "id": "bot", "type": "bot"}
                case ("POST", "pages"):
                    return self._create_page(body)
                case ("GET", "pages", page_id):
                    return self._page_json(self._page(page_id))
                case ("PATCH", "pages", page_id):
                    return self._update_page(self._page(page_id), body)
                case ("GET", "pages", page_id, "markdown"):
                    return self._markdown_json(self._page(page_id))
                case ("PATCH", "pages", page_id, "markdown"):
                    return self._update_markdown(self._page(page_id), body)
                case ("PATCH", "blocks", page_id, "children"):
                    return self._append(self._page(page_id), body)
                case ("POST", "databases"):
                    return self._create_database(body)
                case ("GET", "databases", database_id):
                    return self._database_json(database_id)
                case ("GET", "data_sources", source_id):
                    return self._source_json(self._source(source_id))
                case ("PATCH", "data_sources", source_id):
                    return self._update_source(self._source(source_id), body)
                case ("POST", "data_sources", source_id, "query"):
                    return self._query(self._source(source_id), query, body)
        raise Answer(400, "invalid_request_url", "Invalid request URL.")

    # Pages.

    def _page(self, page_id: str) -> Page:
        try:
            return self.pages[str(uuid.UUID(page_id))]
        except (KeyError, ValueError):
            raise Answer(404, "object_not_found", f"Could not find page with ID: {page_id}.") from None

    def _writable(self, page: Page) -> Page:
        if page.in_trash:
            raise Invalid("Can't edit block that is archived. You must unarchive the block before editing.")
        return page

    def _create_page(self, body: Json) -> Json:
        _only(body, "parent", "properties", "markdown", "markdown_version", "children", "icon", "cover")
        source = self._source(body["parent"]["data_source_id"])
        values = check_properties(body.get("properties", {}), source.properties)
        if "markdown" in body and "children" in body:
            raise Invalid("markdown and children exclude each other.")
        if "markdown_version" in body and "markdown" not in body:
            raise Invalid("markdown_version needs markdown.")
        check_blocks(body.get("children", []))
        blocks = self._read(body["markdown"], body) if "markdown" in body else _tree(body.get("children", []))
        page = self._new_page({"type": "data_source_id", "data_source_id": source.id}, None)
        page.icon = body.get("icon")
        self._apply(page, values)
        if self.keep_bodies:
            page.blocks, page.markdown = blocks, body.get("markdown", "")
        return self._page_json(page)

    def _update_page(self, page: Page, body: Json) -> Json:
        _only(body, "properties", "icon", "cover", "in_trash", "erase_content", "is_locked")
        if body.get("in_trash") is False:
            page.in_trash = False
        self._writable(page)
        source = self._source(page.parent["data_source_id"])
        self._apply(page, check_properties(body.get("properties", {}), source.properties))
        if body.get("erase_content"):
            page.blocks, page.markdown = [], ""
        page.icon = body.get("icon", page.icon)
        page.in_trash = body.get("in_trash", page.in_trash)
        page.edited = self._now()
        return self._page_json(page)

    def _new_page(self, parent: Json, created: datetime | None) -> Page:
        now = created or self._now()
        page = Page(str(uuid.uuid4()), parent, {}, now, now, order=len(self.pages))
        while page.order in {0}:
            page.order += 1
        self.pages[page.id] = page
        for name, definition in self.sources[parent["data_source_id"]].properties.items():
            page.properties[name] = _empty(definition)
        return page

    def _apply(self, page: Page, values: dict[str, Json]) -> None:
        source = self.sources[page.parent["data_source_id"]]
        for name, value in values.items():
            type_ = value["type"]
            chosen = value[type_] if type_ == "multi_select" else [value[type_]] if type_ == "select" else []
            for option in filter(None, chosen):
                options = source.properties[name][type_].setdefault("options", [])
                if option["name"] not in {known["name"] for known in options}:
                    options.append({"id": uuid.uuid4().hex[:4], "name": option["name"], "color": "default"})
            page.properties[name] = value

    def _json(self, source_id: str, name: str, value: Any) -> Json:
        definition = self.sources[source_id].properties[name]
        type_ = definition["type"]
        shapes: dict[str, Callable[[Any], Any]] = {
            "title": lambda text: [{"type": "text", "text": {"content": text}, "plain_text": text}],
            "rich_text": lambda text: [{"type": "text", "text": {"content": text}, "plain_text": text}],
            "select": lambda label: {"name": label} if label else None,
            "multi_select": lambda labels: [{"name": label} for label in labels],
            "relation": lambda ids: [{"id": page_id} for page_id in ids],
        }
        return {"id": definition["id"], "type": type_, type_: shapes.get(type_, lambda same: same)(value)}

    def _page_json(self, page: Page, wanted: set[str] | None = None) -> Json:
        return {
            "object": "page",
            "id": page.id,
            "parent": page.parent,
            "created_time": _minute(page.created),
            "last_edited_time": _minute(page.edited),
            "in_trash": page.in_trash,
            "icon": page.icon,
            "url": f"https://app.notion.com/p/{page.id.replace('-', '')}",
            "properties": {n: v for n, v in page.properties.items() if not wanted or v["id"] in wanted},
        }

    # Bodies.

    def _read(self, markdown: str, body: Json) -> list[Block]:
        if body.get("markdown_version") != "v2":
            raise Invalid("markdown_version: this fake speaks v2 only.")
        if not self.keep_bodies:
            return []
        reading = read(markdown)
        self.warnings += reading.warnings
        return reading.blocks

    def _markdown_json(self, page: Page) -> Json:
        count = sum(1 for block in page.blocks for _ in block.walk())
        truncated = count > 20_000
        return {"object": "page_markdown", "id": page.id, "markdown": page.markdown, "truncated": truncated,
                "unknown_block_ids": ["more"] if truncated else []}  # fmt: skip

    def _update_markdown(self, page: Page, body: Json) -> Json:
        self._writable(page)
        type_ = body["type"]
        _only(body, "type", type_, "markdown_version")
        command = body[type_]
        if type_ == "replace_content":
            _only(command, "new_str", "allow_deleting_content")
            blocks = self._read(command["new_str"], body)
            if any(block.type == "child_page" for block in page.blocks) and not command.get("allow_deleting_content"):
                raise Invalid("This would delete a child page; set allow_deleting_content to confirm.")
            page.blocks, page.markdown = blocks, command["new_str"]
        elif type_ == "insert_content":
            _only(command, "content", "position")
            if command.get("position") != {"type": "end"}:
                raise Invalid("position: this fake inserts at the end only.")
            page.blocks += self._read(command["content"], body)
            page.markdown = "\n\n".join(filter(None, [page.markdown, command["content"]]))
        else:
            raise Invalid(f"type should be a known command, instead was `{type_}`.")
        page.edited = self._now()
        return self._markdown_json(page)

    def _append(self, page: Page, body: Json) -> Json:
        _only(body, "children", "position")
        if body.get("position", {"type": "end"}) != {"type": "end"}:
            raise Invalid("position: this fake appends at the end only.")
        self._writable(page)
        check_blocks(body["children"])
        page.blocks += _tree(body["children"])
        page.edited = self._now()
        return {"object": "list", "id": page.id, "results": [{"id": str(uuid.uuid4())} for _ in body["children"]]}

    # Databases.

    def _source(self, source_id: str) -> Source:
        try:
            return self.sources[str(uuid.UUID(source_id))]
        except (KeyError, ValueError):
            raise Answer(404, "object_not_found", f"Could not find data source with ID: {source_id}.") from None

    def _create_database(self, body: Json) -> Json:
        _only(body, "parent", "title", "initial_data_source", "icon", "description")
        self._page(body["parent"]["page_id"])
        check_rich_text("body.title", body["title"])
        database_id = str(uuid.uuid4())
        source = Source(str(uuid.uuid4()), database_id, {})
        self._define(source, body["initial_data_source"]["properties"])
        if sum(d["type"] == "title" for d in source.properties.values()) != 1:
            raise Invalid("A database needs exactly one title property.")
        self.sources[source.id] = source
        self.databases[database_id] = [source.id]
        return self._database_json(database_id)

    def _define(self, source: Source, properties: Json) -> None:
        for name, definition in properties.items():
            type_ = definition.get("type") or next(iter(definition))
            if type_ == "relation":
                self._source(definition["relation"].get("data_source_id", "")) if definition["relation"] else None
            options = definition[type_].get("options", []) if isinstance(definition[type_], dict) else []
            if len(options) > 100:
                raise Invalid(f"body.properties.{name}.options.length should be ≤ `100`.")
            known = source.properties.get(name, {}).get(type_, {}).get("options", [])
            before = {option["name"]: option.get("color", "default") for option in known}
            for option in options:
                if option["name"] in before and option.get("color", before[option["name"]]) != before[option["name"]]:
                    raise Invalid(f"Cannot update color of select with name: {option['name']}.")
            merged = [{"id": uuid.uuid4().hex[:4], "color": "default"} | option for option in options]
            content = dict(definition[type_])
            if type_ in ("select", "multi_select"):
                content["options"] = merged
            property_id = "title" if type_ == "title" else uuid.uuid4().hex[:4]
            source.properties[name] = {"id": property_id, "name": name, "type": type_, type_: content}
        for page in self.pages.values():
            if page.parent.get("data_source_id") == source.id:
                for name, definition in source.properties.items():
                    page.properties.setdefault(name, _empty(definition))

    def _update_source(self, source: Source, body: Json) -> Json:
        _only(body, "properties", "title")
        self._define(source, body["properties"])
        return self._source_json(source)

    def _database_json(self, database_id: str) -> Json:
        try:
            sources = self.databases[str(uuid.UUID(database_id))]
        except (KeyError, ValueError):
            raise Answer(404, "object_not_found", f"Could not find database with ID: {database_id}.") from None
        return {
            "object": "database",
            "id": database_id,
            "url": f"https://app.notion.com/p/{database_id.replace('-', '')}",
            "in_trash": False,
            "data_sources": [{"id": source_id, "name": f"Source {n}"} for n, source_id in enumerate(sources)],
        }

    def _source_json(self, source: Source) -> Json:
        return {
            "object": "data_source",
            "id": source.id,
            "parent": {"type": "database_id", "database_id": source.database_id},
            "url": f"https://app.notion.com/p/{source.id.replace('-', '')}",
            "properties": source.properties,
        }

    def _query(self, source: Source, query: dict[str, list[str]], body: Json) -> Json:
        _only(body, "filter", "sorts", "page_size", "start_cursor", "in_trash")
        size = body.get("page_size", 100)
        if not 1 <= size <= 100:
            raise Invalid(f"body.page_size should be ≤ `100`, instead was `{size}`.")
        wanted = set(query.get("filter_properties", []) + query.get("filter_properties[]", []))
        if unknown := wanted - {definition["id"] for definition in source.properties.values()}:
            raise Invalid(f"filter_properties: unknown {sorted(unknown)}.")
        rows = [page for page in self.rows(source.id) if _matches(page, body.get("filter"))]
        for sort in reversed(body.get("sorts", [])):
            name = {"created_time": "created", "last_edited_time": "edited"}[sort["timestamp"]]
            rows.sort(key=lambda page: _minute(getattr(page, name)), reverse=sort["direction"] == "descending")
        is_cut = len(rows) > self.query_cap
        rows = rows[: self.query_cap]
        start = int(body.get("start_cursor", 0))
        more = start + size < len(rows)
        answer: Json = {
            "object": "list",
            "results": [self._page_json(page, wanted) for page in rows[start : start + size]],
            "has_more": more,
            "next_cursor": str(start + size) if more else None,
        }
        if is_cut and not more:
            answer["request_status"] = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
        return answer

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._offset


_CODES = {
    "400": ("validation_error", "body failed validation: body.properties.Tags should be an array."),
    "401": ("unauthorized", "API token is invalid."),
    "403": ("restricted_resource", "Insufficient permissions for this endpoint."),
    "404": ("object_not_found", "Could not find it."),
    "409": ("conflict_error", "Conflict occurred while saving. Please try again."),
    "500": ("internal_server_error", "Unexpected error occurred."),
    "503": ("service_unavailable", "Notion is unavailable, please try again later."),
    "504": ("gateway_timeout", "Gateway timeout."),
}


def _only(body: Json, *allowed: str) -> None:
    if unknown := set(body) - set(allowed):
        raise Invalid(f"body failed validation: {sorted(unknown)} should be not present.")


def _json_of(raw: bytes) -> Json:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        raise Answer(400, "invalid_json", "Error parsing JSON body.") from None
    return body if isinstance(body, dict) else {}


def _empty(definition: Json) -> Json:
    type_ = definition["type"]
    is_list = type_ in ("title", "rich_text", "multi_select", "relation")
    return {"id": definition["id"], "type": type_, type_: [] if is_list else None}


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:00.000Z")


def _matches(page: Page, wanted: Json | None) -> bool:
    if not wanted:
        return True
    if "and" in wanted:
        return all(_matches(page, part) for part in wanted["and"])
    if "or" in wanted:
        return any(_matches(page, part) for part in wanted["or"])
    if "timestamp" in wanted:
        moment = page.created if wanted["timestamp"] == "created_time" else page.edited
        bound = datetime.fromisoformat(wanted[wanted["timestamp"]]["on_or_after"].replace("Z", "+00:00"))
        return moment.replace(second=0, microsecond=0) >= bound.replace(second=0, microsecond=0)
    if wanted["property"] not in page.properties:
        raise Invalid(f"Could not find property with name or id: {wanted['property']}")
    value = page.value(wanted["property"]) or ""
    condition = wanted["rich_text"]
    return bool(value) if condition.get("is_not_empty") else bool(value == condition["equals"])


def _tree(blocks: list[Json]) -> list[Block]:
    return [_block(block) for block in blocks]


def _block(block: Json) -> Block:
    content = block[block["type"]]
    text = content.get("expression") or check_rich_text("", content.get("rich_text", []))
    if block["type"] == "table_row":
        text = "\n".join(check_rich_text("", cell) for cell in content["cells"])
    return Block(block["type"], text, _tree(content.get("children", [])), content.get("language", ""))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are part of the tests."""


def _handler(notion: FakeNotion) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def _handle(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                self._send(200, json.dumps(notion.handle(self.command, self.path, self.headers, raw)), {})
            except Answer as exc:
                body: Json = {"object": "error", "status": exc.status, "code": exc.code, "message": exc.message}
                if exc.extra:
                    body["additional_data"] = exc.extra
                self._send(exc.status, exc.message if exc.html else json.dumps(body), exc.headers)
            except Silence:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PATCH = do_DELETE = _handle

        def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
            content = text.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
