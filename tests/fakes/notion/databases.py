"""The fake Notion's databases: their schemas and the rows that a query finds."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from tests.fakes.notion.answers import Answer
from tests.fakes.notion.markdown import Block
from tests.fakes.notion.pages import minute, to_json
from tests.fakes.notion.rules import Invalid, check_rich_text, only
from tests.fakes.notion.state import Page, Source, Workspace, find_page

Json = dict[str, Any]


def create(workspace: Workspace, body: Json) -> Json:
    only(body, "parent", "title", "initial_data_source", "icon", "description")
    parent = find_page(workspace, body["parent"]["page_id"])
    title = check_rich_text("body.title", body["title"])
    database_id = str(uuid.uuid4())
    source = Source(str(uuid.uuid4()), database_id, {}, title)
    workspace.define(source, body["initial_data_source"]["properties"])
    if sum(d["type"] == "title" for d in source.properties.values()) != 1:
        raise Invalid("A database needs exactly one title property.")
    workspace.sources[source.id] = source
    workspace.databases[database_id] = [source.id]
    parent.blocks.append(Block("child_database", title, id=database_id))
    return to_database(workspace, database_id)


def update_source(workspace: Workspace, source: Source, body: Json) -> Json:
    only(body, "properties", "title")
    workspace.define(source, body["properties"])
    return source_json(source)


def to_database(workspace: Workspace, database_id: str) -> Json:
    try:
        sources = workspace.databases[str(uuid.UUID(database_id))]
    except (KeyError, ValueError):
        raise Answer(404, "object_not_found", f"Could not find database with ID: {database_id}.") from None
    return {
        "object": "database",
        "id": database_id,
        "url": f"https://app.notion.com/p/{database_id.replace('-', '')}",
        "in_trash": False,
        "data_sources": [{"id": source_id, "name": f"Source {n}"} for n, source_id in enumerate(sources)],
    }


def source_json(source: Source) -> Json:
    return {
        "object": "data_source",
        "id": source.id,
        "parent": {"type": "database_id", "database_id": source.database_id},
        "in_trash": source.in_trash,
        "url": f"https://app.notion.com/p/{source.id.replace('-', '')}",
        "title": [{"type": "text", "plain_text": source.title}] if source.title else [],
        "properties": source.properties,
    }


def search(workspace: Workspace, body: Json) -> Json:
    """What is shared with the connection: pages, or data sources, the last edited ones first."""
    only(body, "query", "filter", "sort", "page_size", "start_cursor")
    if body["filter"] == {"property": "object", "value": "data_source"}:
        found = [source_json(source) for source in workspace.sources.values()]
    else:
        found = [to_json(page, set()) for page in workspace.pages.values() if not page.in_trash]
    size = body.get("page_size", 100)
    return {"object": "list", "results": found[:size], "has_more": len(found) > size, "next_cursor": None}


def query(workspace: Workspace, source: Source, parameters: dict[str, list[str]], body: Json) -> Json:
    only(body, "filter", "sorts", "page_size", "start_cursor", "in_trash")
    size = body.get("page_size", 100)
    if not 1 <= size <= 100:
        raise Invalid(f"body.page_size should be ≤ `100`, instead was `{size}`.")
    wanted = set(parameters.get("filter_properties", []) + parameters.get("filter_properties[]", []))
    if unknown := wanted - {definition["id"] for definition in source.properties.values()}:
        raise Invalid(f"filter_properties: unknown {sorted(unknown)}.")
    rows = [page for page in workspace.rows(source.id) if _matches(page, body.get("filter"))]
    for sort in reversed(body.get("sorts", [])):
        name = {"created_time": "created", "last_edited_time": "edited"}[sort["timestamp"]]
        rows.sort(key=lambda page: minute(getattr(page, name)), reverse=sort["direction"] == "descending")
    is_cut = len(rows) > workspace.query_cap
    rows = rows[: workspace.query_cap]
    start = int(body.get("start_cursor", 0))
    more = start + size < len(rows)
    answer: Json = {
        "object": "list",
        "results": [to_json(page, wanted) for page in rows[start : start + size]],
        "has_more": more,
        "next_cursor": str(start + size) if more else None,
    }
    if is_cut and not more:
        answer["request_status"] = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    return answer


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
    name = next((n for n, value in page.properties.items() if wanted["property"] in (n, value["id"])), None)
    if name is None:
        raise Invalid(f"Could not find property with name or id: {wanted['property']}")
    value = page.value(name) or ""
    condition = wanted["rich_text"]
    return bool(value) if condition.get("is_not_empty") else bool(value == condition["equals"])
