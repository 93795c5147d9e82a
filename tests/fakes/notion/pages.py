"""The fake Notion's pages: making them, changing their properties and bodies, reading what they hold."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from tests.fakes.notion import uploads
from tests.fakes.notion.answers import Answer
from tests.fakes.notion.markdown import Block, read, write
from tests.fakes.notion.rules import Invalid, check_blocks, check_properties, check_rich_text, only
from tests.fakes.notion.state import TITLE, Page, Workspace, find_page, find_source

Json = dict[str, Any]

TRUNCATED_AT = 20_000


def create(workspace: Workspace, body: Json) -> Json:
    only(body, "parent", "properties", "markdown", "markdown_version", "children", "icon", "cover")
    parent, schema = _parent(workspace, body["parent"])
    values = check_properties(body.get("properties", {}), schema)
    if "markdown" in body and "children" in body:
        raise Invalid("markdown and children exclude each other.")
    if "markdown_version" in body and "markdown" not in body:
        raise Invalid("markdown_version needs markdown.")
    below = body.get("children", [])
    _check(workspace, below)
    blocks = _read(workspace, body["markdown"], body) if "markdown" in body else _tree(workspace, below)
    _check_records(workspace, blocks)
    page = workspace.new_page(parent, None)
    page.icon = body.get("icon")
    workspace.apply(page, values)
    if workspace.keep_bodies:
        page.blocks = blocks
    workspace.show(page)
    return to_json(page)


def update(workspace: Workspace, page: Page, body: Json) -> Json:
    only(body, "properties", "icon", "cover", "in_trash", "erase_content", "is_locked")
    if body.get("in_trash") is False and page.in_trash:
        page.in_trash = False
        workspace.show(page)
    _writable(workspace, page)
    workspace.apply(page, check_properties(body.get("properties", {}), workspace.properties_of(page)))
    if body.get("erase_content"):
        workspace.erase(page)
    page.icon = body.get("icon", page.icon)
    if body.get("in_trash"):
        workspace.trash(page.id)
    page.edited = workspace.now()
    return to_json(page)


def to_json(page: Page, wanted: set[str] | None = None) -> Json:
    return {
        "object": "page",
        "id": page.id,
        "parent": page.parent,
        "created_time": minute(page.created),
        "last_edited_time": minute(page.edited),
        "in_trash": page.in_trash,
        "icon": page.icon,
        "url": f"https://app.notion.com/p/{_slug(page)}{page.id.replace('-', '')}",
        "properties": {n: v for n, v in page.properties.items() if not wanted or v["id"] in wanted},
    }


def minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:00.000Z")


def markdown_json(page: Page, query: dict[str, list[str]]) -> Json:
    if query.get("markdown_version") != ["v2"]:
        raise Invalid("markdown_version: this fake speaks v2 only.")
    truncated = page.records > TRUNCATED_AT
    return {"object": "page_markdown", "id": page.id, "markdown": write(page.blocks), "truncated": truncated,
            "unknown_block_ids": ["more"] if truncated else []}  # fmt: skip


def update_markdown(workspace: Workspace, page: Page, body: Json) -> Json:
    _writable(workspace, page)
    type_ = body["type"]
    only(body, "type", type_, "markdown_version")
    command = body[type_]
    if type_ == "replace_content":
        _replace(workspace, page, command, body)
    elif type_ == "insert_content":
        only(command, "content", "position")
        _insert(workspace, page, _read(workspace, command["content"], body), command["position"])
    else:
        raise Invalid(f"type should be a known command, instead was `{type_}`.")
    page.edited = workspace.now()
    return markdown_json(page, {"markdown_version": ["v2"]})


def append(workspace: Workspace, page: Page, body: Json) -> Json:
    only(body, "children", "position")
    _writable(workspace, page)
    _check(workspace, body["children"])
    _insert(workspace, page, _tree(workspace, body["children"]), body.get("position", {"type": "end"}))
    page.edited = workspace.now()
    return {"object": "list", "id": page.id, "results": [{"id": str(uuid.uuid4())} for _ in body["children"]]}


def children(workspace: Workspace, block_id: str, query: dict[str, list[str]]) -> Json:
    """The blocks on a page or within a block, those within others left out; a page within is a block with its title."""
    blocks = find_blocks(workspace, block_id)
    size, start = int(query.get("page_size", ["100"])[0]), int(query.get("start_cursor", ["0"])[0])
    if not 1 <= size <= 100:
        raise Invalid(f"page_size should be ≤ `100`, instead was `{size}`.")
    more = start + size < len(blocks)
    return {
        "object": "list",
        "results": [_block_json(block) for block in blocks[start : start + size]],
        "has_more": more,
        "next_cursor": str(start + size) if more else None,
    }


def find_blocks(workspace: Workspace, block_id: str) -> list[Block]:
    for page in workspace.pages.values():
        for block in (block for top in page.blocks for block in top.walk()):
            if block.id == block_id and block.type != "child_page":
                return block.children
    return find_page(workspace, block_id).blocks


def remove(workspace: Workspace, block_id: str) -> Json:
    """A block, with what is within it, into the trash."""
    for page in workspace.pages.values():
        for block in page.blocks:
            if block.id == block_id:
                _writable(workspace, page)
                page.blocks = [other for other in page.blocks if other is not block]
                page.edited = workspace.now()
                return _block_json(block) | {"in_trash": True}
    raise Answer(404, "object_not_found", f"Could not find block with ID: {block_id}.")


def _insert(workspace: Workspace, page: Page, blocks: list[Block], position: Json) -> None:
    if position not in ({"type": "end"}, {"type": "start"}):
        raise Invalid("position: this fake inserts at the start and at the end only.")
    found = [*page.blocks, *blocks] if position["type"] == "end" else [*blocks, *page.blocks]
    _check_records(workspace, found)
    page.blocks = found


def _replace(workspace: Workspace, page: Page, command: Json, body: Json) -> None:
    only(command, "new_str", "allow_deleting_content")
    blocks = _read(workspace, command["new_str"], body)
    if any(block.type == "child_page" for block in page.blocks) and not command.get("allow_deleting_content"):
        raise Invalid("This would delete a child page; set allow_deleting_content to confirm.")
    _check_records(workspace, blocks)
    workspace.erase(page)
    page.blocks = blocks


def _parent(workspace: Workspace, parent: Json) -> tuple[Json, Json]:
    """Where a new page goes, and which properties it may have."""
    if "page_id" in parent:
        page = _writable(workspace, find_page(workspace, parent["page_id"]))
        return {"type": "page_id", "page_id": page.id}, TITLE
    source = find_source(workspace, parent["data_source_id"])
    return {"type": "data_source_id", "data_source_id": source.id}, source.properties


def _writable(workspace: Workspace, page: Page) -> Page:
    if workspace.is_in_trash(page):
        raise Invalid("Can't edit block that is archived. You must unarchive the block before editing.")
    return page


def _check_records(workspace: Workspace, blocks: list[Block]) -> None:
    if sum(1 for block in blocks for _ in block.walk()) > workspace.records_per_page:
        extra = {"limit_kind": "page_record_count"}
        raise Answer(400, "validation_error", "The page has too many blocks.", extra=extra)


def _read(workspace: Workspace, markdown: str, body: Json) -> list[Block]:
    if body.get("markdown_version") != "v2":
        raise Invalid("markdown_version: this fake speaks v2 only.")
    if not workspace.keep_bodies:
        return []
    reading = read(markdown)
    workspace.warnings += reading.warnings
    return reading.blocks


def _slug(page: Page) -> str:
    """Notion puts a page's title into its address."""
    words = "".join(c if c.isalnum() else " " for c in page.title).split() if page.properties else []
    return "".join(f"{word}-" for word in words)


def _block_json(block: Block) -> Json:
    """With an id that stays; code, pictures and rows of tables have their text where Notion has it."""
    block.id = block.id or str(uuid.uuid4())
    text = [{"type": "text", "text": {"content": block.text}, "plain_text": block.text}] if block.text else []
    match block.type:
        case "child_page" | "child_database":
            held: Json = {"title": block.text}
        case "table_row":
            held = {"cells": [[{"type": "text", "plain_text": cell}] for cell in block.text.split("\n")]}
        case "equation":
            held = {"expression": block.text}
        case "image" | "file" | "pdf" | "audio" | "video":
            file = {"type": "file", "file": {"url": f"https://files.notion.example/{block.file}?expires=1"}}
            outside = {"type": "external", "external": {"url": "https://example.org/picture.png"}}
            held = {"caption": text} | (file if block.file else outside)
        case "table" | "divider":
            held = {}
        case "bookmark" | "embed" | "link_preview" | "breadcrumb":
            held = {"caption": text}
        case _:
            held = {"rich_text": text}
    return {"object": "block", "id": block.id, "type": block.type, block.type: held,
            "has_children": bool(block.children)}  # fmt: skip


def _check(workspace: Workspace, blocks: Any) -> None:
    check_blocks(blocks)
    for block in blocks:
        uploads.check(workspace.uploads, block, workspace.now())


def _tree(workspace: Workspace, blocks: list[Json]) -> list[Block]:
    return [_block(workspace, block) for block in blocks]


def _block(workspace: Workspace, block: Json) -> Block:
    content = block[block["type"]]
    text = content.get("expression") or check_rich_text("", content.get("rich_text", content.get("caption", [])))
    if block["type"] == "table_row":
        text = "\n".join(check_rich_text("", cell) for cell in content["cells"])
    below = _tree(workspace, content.get("children", []))
    return Block(block["type"], text, below, content.get("language", ""), file=uploads.shown(workspace.uploads, block))
