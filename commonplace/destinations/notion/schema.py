"""The database on Notion's side: finding it, seeing whether it fits, making it, adding what is missing.

Nothing is written before what is missing has been listed and agreed to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from commonplace.destinations.notion.client import InTrash, NotionClient, NotThere
from commonplace.destinations.notion.offered import title_of
from commonplace.destinations.notion.page.pages import inside
from commonplace.destinations.notion.properties import (
    PROJECT,
    TITLE,
    from_notion,
    names_of,
    types_of,
)
from commonplace.destinations.notion.settings import NotionSettings
from commonplace.errors import Halt, Permanent

Json = dict[str, Any]

DATABASE_TITLE, PROJECTS_TITLE = "Commonplace", "Projects"
MOST_OPTIONS = 100


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """What `connect` found or made."""

    database_id: str
    data_source_id: str
    url: str
    created: bool
    added: list[str]
    """Names of the properties that were added to a database of yours."""
    title: str
    columns: list[str]
    """Names of the properties that will be written to."""
    projects_data_source_id: str | None = None

    @property
    def changes(self) -> list[str]:
        """What was written, in words."""
        if self.created:
            return ["created the database"]
        return [f"added {name}" for name in self.added]


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """A column, as last read."""

    id: str
    name: str
    type: str
    options: list[Json] = []


class DataSource(msgspec.Struct, kw_only=True):
    """A data source's properties by id, as last read."""

    id: str
    database_id: str
    url: str
    title: str
    properties: dict[str, Property]

    def named(self, name: str) -> Property | None:
        return next((found for found in self.properties.values() if found.name == name), None)


def resolve(client: NotionClient, settings: NotionSettings) -> str:
    """The data source that the settings mean; a database's id is enough when it has one data source."""
    if settings.data_source_id:
        return settings.data_source_id
    if not settings.database_id:
        raise Halt(
            "No Notion database is set.",
            hint="Run `commonplace connect notion`, or set NOTION_DATABASE_ID: --direct and --dry-run read no blocks.",
        )
    try:
        database = client.send("GET", f"databases/{settings.database_id}")
    except (NotThere, Permanent):
        return _read_or_halt(client, settings.database_id).id  # people paste a data source's id too
    sources = database.get("data_sources") or []
    if database.get("in_trash"):
        raise _trashed()
    if len(sources) != 1:
        names = ", ".join(f"{source.get('name') or 'untitled'} ({source['id']})" for source in sources) or "none"
        raise Halt(f"The Notion database has several data sources: {names}.", hint="Set data_source_id to one of them.")
    return str(sources[0]["id"])


def _trashed() -> Halt:
    return Halt("The Notion database is in the trash.", hint="Restore it or connect another one.")


def read(client: NotionClient, data_source_id: str) -> DataSource:
    answer = client.send("GET", f"data_sources/{data_source_id}")
    if answer.get("in_trash"):
        raise _trashed()
    properties = [
        Property(
            id=str(found.get("id", name)),
            name=name,
            type=found["type"],
            options=found[found["type"]].get("options", []),
        )
        for name, found in answer.get("properties", {}).items()
    ]
    return DataSource(
        id=str(answer["id"]),
        database_id=str((answer.get("parent") or {}).get("database_id", "")),
        url=str(answer.get("url") or ""),
        title=title_of(answer),
        properties={found.id: found for found in properties},
    )


Known = Callable[[DataSource], Mapping[str, str]]
"""The ids of the properties that hold our fields, whatever they are called by now."""

_remembered: dict[tuple[str, str], DataSource] = {}


def remembered(client: NotionClient, data_source_id: str) -> DataSource:
    """As read once by this process: chunks of one run need not ask again. `forget` it when Notion disagrees."""
    key = client.settings.base_url, data_source_id
    if key not in _remembered:
        _remembered[key] = _read_or_halt(client, data_source_id)
    return _remembered[key]


def database_of(client: NotionClient, data_source_id: str) -> str | None:
    """The id of the database, if this process has read it."""
    source = _remembered.get((client.settings.base_url, data_source_id))
    return source.database_id or None if source else None


def forget(client: NotionClient, data_source_id: str) -> None:
    _remembered.pop((client.settings.base_url, data_source_id), None)


_resolved: dict[tuple[str, str], str] = {}


def resolve_remembered(client: NotionClient, settings: NotionSettings) -> str:
    """`resolve`, asked once per process."""
    key = settings.base_url, settings.data_source_id or settings.database_id or ""
    if key not in _resolved:
        _resolved[key] = resolve(client, settings)
    return _resolved[key]


def misfits(
    source: DataSource, settings: NotionSettings, ids: Mapping[str, str] | None = None
) -> tuple[list[str], list[str]]:
    """Fields that are missing, and sentences about those that cannot be used as they are. `ids`: those found before."""
    missing, wrong = [], []
    types = types_of(settings)
    for field, name in names_of(settings).items():
        if field == TITLE:
            continue
        there = source.named(name) if ids is None else source.properties.get(ids.get(field, ""))
        if there is None:
            missing.append(field)
        elif there.type != types[field]:
            wrong.append(f"The property {there.name!r} is of type {there.type}; {field} needs {types[field]}.")
    return missing, wrong


def problems(source: DataSource, settings: NotionSettings, ids: Mapping[str, str]) -> list[str]:
    """What stands in the way of writing, each with what to do."""
    missing, wrong = misfits(source, settings, ids)
    names, types = names_of(settings), types_of(settings)
    found = [f"The property {names[field]!r} ({types[field]}) is missing." for field in missing] + wrong
    if settings.project_as == "relation" and not settings.projects_data_source_id:
        found.append("Projects are to be a relation, but projects_data_source_id is not set.")
    hint = "Run `commonplace connect notion`, or map the name in property_names."
    return [f"{problem} {hint}" for problem in found]


def connect(settings: NotionSettings, *, confirm: Callable[[str], bool], known: Known | None = None) -> Connected:
    """Make the database, or see that an existing one fits and add what it lacks; asks before it writes."""
    client = NotionClient(settings)
    try:
        if settings.data_source_id or settings.database_id:
            return _extend(client, settings, confirm, known)
        return _create(client, settings, confirm, known)
    finally:
        client.close()


def add_options(client: NotionClient, source: DataSource, property_id: str, wanted: dict[str, str]) -> None:
    """Categories in our colours, before the first page shows them; existing options stay as they are.

    Notion removes options that such a request does not list, so they are read anew just before it.
    """
    with client.governor.alone(f"options:{source.id}"):
        source.properties = read(client, source.id).properties
        known = source.properties[property_id].options if property_id in source.properties else []
        present = {option["name"] for option in known}
        fresh = [{"name": label, "color": colour} for label, colour in wanted.items() if label not in present]
        kept = [{"name": option["name"]} | ({"id": option["id"]} if "id" in option else {}) for option in known]
        if fresh and len(kept) + len(fresh) <= MOST_OPTIONS:
            body = {"properties": {property_id: {"select": {"options": kept + fresh}}}}
            client.send("PATCH", f"data_sources/{source.id}", body)


def project_pages(client: NotionClient, data_source_id: str) -> dict[str, str]:
    """The Projects database: name -> page id, oldest page first where a name is there twice."""
    pages: dict[str, str] = {}
    cursor: str | None = None
    while True:
        body: Json = {"page_size": 100, "sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
        answer = client.send("POST", f"data_sources/{data_source_id}/query", body | _after(cursor))
        for page in answer["results"]:
            title = next((p for p in page["properties"].values() if p.get("type") == "title"), None)
            if title is not None:
                pages.setdefault(from_notion(title), page["id"])
        cursor = answer.get("next_cursor")
        if not answer.get("has_more"):
            return pages


def _after(cursor: str | None) -> Json:
    return {"start_cursor": cursor} if cursor else {}


def _create(
    client: NotionClient, settings: NotionSettings, confirm: Callable[[str], bool], known: Known | None
) -> Connected:
    parent_page_id = settings.parent_page_id
    if not parent_page_id:
        raise Halt(
            "Notion needs a page to put the database under.",
            hint="Set parent_page_id in [destinations.notion] of commonplace.toml, or NOTION_DATABASE_ID.",
        )
    client.send("GET", f"pages/{parent_page_id}")  # shared with us? Nothing is written before that is known
    if database_id := _child_database(client, parent_page_id, DATABASE_TITLE):  # made by an earlier `connect`
        return _extend(client, msgspec.structs.replace(settings, database_id=database_id), confirm, known)
    what = f"the database {DATABASE_TITLE!r}" + (
        f" and the database {PROJECTS_TITLE!r}" if _needs_projects(settings) else ""
    )
    if not confirm(f"Create {what} under the Notion page {parent_page_id}?"):
        raise Halt("Nothing was created in Notion.", hint="Run `commonplace connect notion` again when you are ready.")
    settings = _with_projects(client, settings, parent_page_id)
    properties = {
        TITLE if field == TITLE else name: _definition(settings, field) for field, name in names_of(settings).items()
    }
    answer = _new_database(client, parent_page_id, DATABASE_TITLE, properties)
    return Connected(
        database_id=answer["id"],
        data_source_id=_first_source(client, answer),
        url=str(answer.get("url") or ""),
        created=True,
        added=[],
        title=DATABASE_TITLE,
        columns=[*names_of(settings).values()],
        projects_data_source_id=settings.projects_data_source_id,
    )


def _extend(
    client: NotionClient, settings: NotionSettings, confirm: Callable[[str], bool], known: Known | None
) -> Connected:
    source = _read_or_halt(client, resolve(client, settings))
    missing, wrong = misfits(source, settings, known(source) if known else None)
    if wrong:
        raise Halt(" ".join(wrong), hint="Change the types in Notion, or map other names in property_names.")
    names = names_of(settings)
    added = [names[field] for field in missing]
    needs_projects = _needs_projects(settings)
    if added or needs_projects:
        what = ", ".join(f"{names[field]} ({types_of(settings)[field]})" for field in missing)
        more = f" and a database {PROJECTS_TITLE!r} beside it" if needs_projects else ""
        if not confirm(f"Add to your Notion database: {what}{more}?"):
            raise Halt(f"The Notion database lacks: {what}.", hint="Add them yourself or let `connect` do it.")
        settings = _with_projects(client, settings, settings.parent_page_id)
        properties = {names[field]: _definition(settings, field) for field in missing}
        client.send("PATCH", f"data_sources/{source.id}", {"properties": properties})
    return Connected(
        database_id=source.database_id,
        data_source_id=source.id,
        url=source.url,
        created=False,
        added=added,
        title=source.title,
        columns=[*names.values()],
        projects_data_source_id=settings.projects_data_source_id,
    )


def _read_or_halt(client: NotionClient, data_source_id: str) -> DataSource:
    try:
        return read(client, data_source_id)
    except (NotThere, InTrash, Permanent) as exc:
        raise Halt(
            f"Notion shows no database {data_source_id} to this connection.",
            hint="Share it with the connection (••• > Connections), or connect another one.",
        ) from exc


def _needs_projects(settings: NotionSettings) -> bool:
    return settings.project_as == "relation" and not settings.projects_data_source_id


def _with_projects(client: NotionClient, settings: NotionSettings, parent_page_id: str | None) -> NotionSettings:
    """The settings with a Projects database, made if it is wanted and not there."""
    if not _needs_projects(settings):
        return settings
    if not parent_page_id:
        raise Halt("The Projects database needs a page to live under.", hint="Give parent_page_id as well.")
    if database_id := _child_database(client, parent_page_id, PROJECTS_TITLE):
        answer = client.send("GET", f"databases/{database_id}")
    else:
        answer = _new_database(client, parent_page_id, PROJECTS_TITLE, {"Name": {"title": {}}})
    return msgspec.structs.replace(settings, projects_data_source_id=_first_source(client, answer))


def _child_database(client: NotionClient, page_id: str, title: str) -> str | None:
    """The database of that title on a page, the first if there are several."""
    return next((held.id for held in inside(client, page_id) if not held.is_page and held.title == title), None)


def _new_database(client: NotionClient, parent_page_id: str, title: str, properties: Json) -> Json:
    body: Json = {
        "parent": {"type": "page_id", "page_id": parent_page_id},
        "title": [{"type": "text", "text": {"content": title}}],
        "initial_data_source": {"properties": properties},
    }
    return client.send("POST", "databases", body, repeatable=False)


def _first_source(client: NotionClient, database: Json) -> str:
    sources = database.get("data_sources") or client.send("GET", f"databases/{database['id']}")["data_sources"]
    return str(sources[0]["id"])


def _definition(settings: NotionSettings, field: str) -> Json:
    type_ = types_of(settings)[field]
    if field == PROJECT and type_ == "relation":
        return {"relation": {"data_source_id": settings.projects_data_source_id, "single_property": {}}}
    if type_ == "number":
        return {"number": {"format": "number"}}
    return {type_: {}}
