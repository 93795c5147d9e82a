"""What the fake Notion keeps, and what people do to it in the browser."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.notion.answers import Answer
from tests.fakes.notion.markdown import Block, plain
from tests.fakes.notion.rules import Invalid
from tests.fakes.notion.uploads import Upload

Json = dict[str, Any]

OUR_PROPERTIES = {
    "Name": "title", "Conversation ID": "rich_text", "Date": "date", "Updated": "date", "Category": "select",
    "Tags": "multi_select", "Project": "select", "Content": "rich_text", "Analysis": "rich_text", "Source": "select",
    "Model": "select", "Messages": "number", "Link": "url", "Hash": "rich_text",
}  # fmt: skip
TITLE = {"Title": {"id": "title", "name": "Title", "type": "title", "title": {}}}
"""The properties of a page that is no row."""


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

    @property
    def records(self) -> int:
        """How many blocks the page holds, those within others included."""
        return sum(1 for block in self.blocks for _ in block.walk())

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
    title: str = ""
    in_trash: bool = False


class Workspace:
    """Pages, databases, and Notion's clock. Everything public may be used by tests while the server runs."""

    def __init__(self, *, query_cap: int, records_per_page: int, keep_bodies: bool) -> None:
        self.query_cap, self.records_per_page, self.keep_bodies = query_cap, records_per_page, keep_bodies
        self.name = "A workspace"
        self.parent_page_id = str(uuid.uuid4())
        self.pages: dict[str, Page] = {}
        self.sources: dict[str, Source] = {}
        self.databases: dict[str, list[str]] = {}
        self.uploads: dict[str, Upload] = {}
        self.warnings: list[str] = []
        self.spelling: Callable[[str], str] = str
        """How an option is called that was asked for by this name."""
        self.lock = threading.RLock()
        self._offset = timedelta()
        now = self.now()
        self.pages[self.parent_page_id] = Page(self.parent_page_id, {"type": "workspace"}, {}, now, now)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def pass_time(self, minutes: float) -> None:
        """Later by Notion's clock, for created and edited times."""
        self._offset += timedelta(minutes=minutes)

    # What a test arranges and asks.

    def add_database(self, properties: dict[str, str] | None = None, *, sources: int = 1, title: str = "") -> str:
        """A database with a fitting schema (or this one); its only data source's id."""
        database_id = str(uuid.uuid4())
        self.databases[database_id] = []
        for _ in range(sources):
            source = Source(str(uuid.uuid4()), database_id, {}, title)
            self.define(source, {name: {type_: {}} for name, type_ in (properties or OUR_PROPERTIES).items()})
            self.sources[source.id] = source
            self.databases[database_id].append(source.id)
        return self.databases[database_id][0]

    def database_of(self, data_source_id: str) -> str:
        return self.sources[data_source_id].database_id

    def rows(self, data_source_id: str | None = None) -> list[Page]:
        """The rows that are not in the trash, oldest first."""
        with self.lock:
            return [
                page
                for page in sorted(self.pages.values(), key=lambda page: page.order)
                if page.parent.get("data_source_id") in ({data_source_id} if data_source_id else set(self.sources))
                and not page.in_trash
            ]

    def row(self, conversation_id: str) -> Page:
        (page,) = [page for page in self.rows() if page.value("Conversation ID") == conversation_id]
        return page

    def inside(self, page_id: str) -> list[Page]:
        """The pages within a page that are not in the trash, in the order in which a reader sees them."""
        with self.lock:
            held = [block.id for block in self.pages[page_id].blocks if block.type == "child_page"]
            return [self.pages[id] for id in held if id in self.pages]

    def add_row(self, data_source_id: str, values: dict[str, Any], *, created: datetime | None = None) -> Page:
        """A row that another tool or a person made."""
        with self.lock:
            page = self.new_page({"type": "data_source_id", "data_source_id": data_source_id}, created)
            self.apply(page, {name: self._json(data_source_id, name, value) for name, value in values.items()})
            return page

    def add_page(self, parent_id: str, title: str) -> Page:
        """A page that a person put inside another one."""
        with self.lock:
            page = self.new_page({"type": "page_id", "page_id": parent_id}, None)
            page.properties["Title"] = _typed(TITLE["Title"], _text(title))
            self.show(page)
            return page

    def edit(self, page_id: str, **values: Any) -> None:
        """A person changes properties."""
        with self.lock:
            page = self.pages[page_id]
            source = page.parent["data_source_id"]
            self.apply(page, {name: self._json(source, name, value) for name, value in values.items()})
            page.edited = self.now()

    def rename_property(self, source_id: str, old: str, new: str) -> None:
        """A person gives a column another name; its id stays."""
        with self.lock:
            source = self.sources[source_id]
            source.properties = {new if name == old else name: d for name, d in source.properties.items()}
            source.properties[new]["name"] = new
            for page in self.rows(source_id):
                page.properties = {new if name == old else name: value for name, value in page.properties.items()}

    def remove_property(self, source_id: str, name: str) -> None:
        """A person removes a column with all that is in it."""
        with self.lock:
            for properties in (self.sources[source_id].properties, *(p.properties for p in self.rows(source_id))):
                properties.pop(name, None)

    def rename_option(self, source_id: str, name: str, old: str, new: str) -> None:
        """A person gives an option another name: every row shows it at once, and no row was edited."""
        with self.lock:
            definition = self.sources[source_id].properties[name]
            for option in definition[definition["type"]]["options"]:
                if option["name"] == old:
                    option["name"] = new
            for page in self.rows(source_id):
                content = page.properties[name][definition["type"]] or []
                for option in content if isinstance(content, list) else [content]:
                    if option["name"] == old:
                        option["name"] = new

    def write_on(self, page_id: str, *blocks: Block, at: int | None = None) -> None:
        """A person writes on a page: at its end, or before one of its blocks."""
        with self.lock:
            page = self.pages[page_id]
            where = len(page.blocks) if at is None else at
            page.blocks[where:where] = blocks
            page.edited = self.now()

    def copy_row(self, page_id: str) -> Page:
        """A person duplicates a row, with all its properties."""
        with self.lock:
            row = self.pages[page_id]
            copied = self.new_page(row.parent, None)
            copied.properties = {name: dict(value) for name, value in row.properties.items()}
            copied.blocks = list(row.blocks)
            return copied

    def trash(self, page_id: str) -> None:
        self.pages[page_id].in_trash = True
        self.hide(self.pages[page_id])

    def move(self, page_id: str, parent: Json) -> None:
        """A person moves a page out of its database, or into another one: only its title goes with it."""
        with self.lock:
            page = self.pages[page_id]
            title = next(value for value in page.properties.values() if value["type"] == "title")
            page.parent = parent
            schema = self.properties_of(page)
            page.properties = {n: title if d["type"] == "title" else empty(d) for n, d in schema.items()}
            page.edited = self.now()

    def delete(self, page_id: str) -> None:
        self.hide(self.pages.pop(page_id))

    # What happens to pages in every case.

    def new_page(self, parent: Json, created: datetime | None) -> Page:
        now = created or self.now()
        page = Page(str(uuid.uuid4()), parent, {}, now, now, order=len(self.pages))
        self.pages[page.id] = page
        for name, definition in self.properties_of(page).items():
            page.properties[name] = empty(definition)
        return page

    def properties_of(self, page: Page) -> dict[str, Json]:
        source = self.sources.get(page.parent.get("data_source_id", ""))
        return source.properties if source else TITLE

    def show(self, page: Page) -> None:
        """A page within another is a block at its end."""
        if parent := self.pages.get(page.parent.get("page_id", "")):
            parent.blocks.append(Block("child_page", page.title, id=page.id))

    def hide(self, page: Page) -> None:
        if parent := self.pages.get(page.parent.get("page_id", "")):
            parent.blocks = [block for block in parent.blocks if block.id != page.id]

    def erase(self, page: Page) -> None:
        """Nothing is left on the page; the pages within go into the trash."""
        for held in self.inside(page.id):
            held.in_trash = True
        page.blocks = []

    def is_in_trash(self, page: Page) -> bool:
        """In the trash itself, or within a page that is."""
        parent = self.pages.get(page.parent.get("page_id", ""))
        return page.in_trash or (parent is not None and self.is_in_trash(parent))

    def _spelled(self, option: Json) -> Json:
        return option | {"name": self.spelling(option["name"])} if "name" in option else option

    def apply(self, page: Page, values: dict[str, Json]) -> None:
        """Set properties; options that were not there yet are made, and a row shows them with their ids."""
        properties = self.properties_of(page)
        for name, value in values.items():
            type_ = value["type"]
            if type_ in ("select", "multi_select"):
                options = properties[name][type_].setdefault("options", [])
                chosen = value[type_] if type_ == "multi_select" else [value[type_]]
                shown = [_chosen(options, self._spelled(option)) if option else None for option in chosen]
                value = value | {type_: shown if type_ == "multi_select" else shown[0]}
            page.properties[name] = value

    def define(self, source: Source, properties: Json) -> None:
        """Add these properties to a schema, or change those of that name or id; the rows that are there get them."""
        named = {definition["id"]: name for name, definition in source.properties.items()}
        for key, definition in properties.items():
            name = named.get(key, key)
            there = source.properties.get(name, {})
            type_ = definition.get("type") or next(iter(definition))
            if type_ == "relation" and definition["relation"]:
                find_source(self, definition["relation"].get("data_source_id", ""))
            content = dict(definition[type_])
            if type_ in ("select", "multi_select"):
                content["options"] = _options(name, content.get("options", []), there)
            property_id = "title" if type_ == "title" else there.get("id") or uuid.uuid4().hex[:12]
            source.properties[name] = {"id": property_id, "name": name, "type": type_, type_: content}
        for page in self.pages.values():
            if page.parent.get("data_source_id") == source.id:
                for name, definition in source.properties.items():
                    page.properties.setdefault(name, empty(definition))

    def _json(self, source_id: str, name: str, value: Any) -> Json:
        definition = self.sources[source_id].properties[name]
        shapes: dict[str, Callable[[Any], Any]] = {
            "title": _text,
            "rich_text": _text,
            "select": lambda label: {"name": label} if label else None,
            "multi_select": lambda labels: [{"name": label} for label in labels],
            "relation": lambda ids: [{"id": page_id} for page_id in ids],
        }
        return _typed(definition, shapes.get(definition["type"], lambda same: same)(value))


def find_page(workspace: Workspace, page_id: str) -> Page:
    try:
        return workspace.pages[str(uuid.UUID(page_id))]
    except (KeyError, ValueError):
        raise Answer(404, "object_not_found", f"Could not find page with ID: {page_id}.") from None


def find_source(workspace: Workspace, source_id: str) -> Source:
    try:
        return workspace.sources[str(uuid.UUID(source_id))]
    except (KeyError, ValueError):
        raise Answer(404, "object_not_found", f"Could not find data source with ID: {source_id}.") from None


def _chosen(options: list[Json], wanted: Json) -> Json:
    """An option of the schema by its id or name; made if it is not there."""
    for option in options:
        if wanted.get("id", option["id"]) == option["id"] and wanted.get("name", option["name"]) == option["name"]:
            return dict(option)
    options.append({"id": uuid.uuid4().hex[:12], "name": wanted["name"], "color": "default"})
    return dict(options[-1])


def _options(name: str, options: list[Json], there: Json) -> list[Json]:
    """The options of a select; a colour that is there cannot be changed."""
    if len(options) > 100:
        raise Invalid(f"body.properties.{name}.options.length should be ≤ `100`.")
    known = there.get(there.get("type", ""), {}).get("options", [])
    before = {option["name"]: option for option in known} | {option["id"]: option for option in known}
    listed = []
    for option in options:
        there = before.get(option.get("id", ""), before.get(option["name"], {}))
        if there and option.get("color", there["color"]) != there["color"]:
            raise Invalid(f"Cannot update color of select with name: {option['name']}.")
        listed.append({"id": uuid.uuid4().hex[:12], "color": "default"} | there | option)
    return listed


def empty(definition: Json) -> Json:
    is_list = definition["type"] in ("title", "rich_text", "multi_select", "relation")
    return _typed(definition, [] if is_list else None)


def _typed(definition: Json, content: Any) -> Json:
    return {"id": definition["id"], "type": definition["type"], definition["type"]: content}


def _text(text: str) -> list[Json]:
    return [{"type": "text", "text": {"content": text}, "plain_text": text}]
