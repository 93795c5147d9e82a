"""What a connection may write to, as Notion lists it: for a person to choose from instead of looking up an id."""

from __future__ import annotations

from typing import Any

from commonplace.destinations.kind import Choice
from commonplace.destinations.notion.client import NotionClient, NotThere
from commonplace.destinations.notion.settings import id_in
from commonplace.errors import Permanent

Json = dict[str, Any]

MOST = 50
"""Of each kind, the newest; whoever means another one gives its address."""
LONGEST_TITLE = 120
KINDS = {"data_source": "database", "page": "page"}


def workspace_of(client: NotionClient) -> str:
    """The name of the workspace that the token is good for."""
    me = client.send("GET", "users/me")
    return str((me.get("bot") or {}).get("workspace_name") or me.get("name") or "")


def offered(client: NotionClient) -> list[Choice]:
    """The databases and pages that are shared with the connection; rows of databases are none."""
    return [choice for kind in KINDS for choice in _search(client, kind)]


def _search(client: NotionClient, kind: str) -> list[Choice]:
    newest = {"timestamp": "last_edited_time", "direction": "descending"}
    body = {"filter": {"property": "object", "value": kind}, "sort": newest, "page_size": 100}
    found = [one for one in client.send("POST", "search", body).get("results") or [] if not _is_row(one)]
    return [Choice(id=str(one["id"]), title=title_of(one), about=KINDS[kind]) for one in found[:MOST]]


def _is_row(found: Json) -> bool:
    return found.get("object") == "page" and (found.get("parent") or {}).get("type") in (
        "data_source_id",
        "database_id",
    )


def title_of(found: Json) -> str:
    """The title of a page or a data source, on one line."""
    titles = [one["title"] for one in (found.get("properties") or {}).values() if one.get("type") == "title"]
    parts = found.get("title") or (titles[0] if titles and isinstance(titles[0], list) else [])
    plain = (part.get("plain_text") or (part.get("text") or {}).get("content") or "" for part in parts)
    text = " ".join("".join(map(str, plain)).split())
    return text[:LONGEST_TITLE] or "Untitled"


def setting_of(client: NotionClient, answer: str) -> dict[str, str]:
    """The setting that an address or id is meant for: people paste those of databases, data sources and pages."""
    id = id_in(answer)
    for setting, path in (("database_id", "databases"), ("data_source_id", "data_sources")):
        try:
            client.send("GET", f"{path}/{id}")
        except (NotThere, Permanent):
            continue
        return {setting: id}
    return {"parent_page_id": id}
