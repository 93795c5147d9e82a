"""Whatever has an id is there for its owner alone: every route that takes one, on each dialect."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import Route

from commonplace.archive.access import clients, grants, keys, sessions, users
from commonplace.archive.access.clients import Client
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.files.files import ATTACHMENT, put_file
from commonplace.archive.metadata import metadata
from commonplace.archive.projects import history, registry
from commonplace.model import Attachment
from commonplace.moments import now
from commonplace.stages import several
from commonplace.stages.mapping import projects
from commonplace.web.api.tus import CONTENT
from commonplace.web.app import OFTEN, ROUTERS
from tests.archive.builders import chat, message
from tests.fakes.prefect_api import FakePrefectApi
from tests.web.conftest import Browser, Forms, Live

TUS = {"tus-resumable": "1.0.0", "upload-offset": "0", "x-http-method-override": "DELETE"}
RUN = "0d0d0d0d-0000-4000-8000-000000000000"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
OF_NOBODY = {
    "/omi/{kind}",
    "/omi/{secret}/{kind}",
    "/static/{name}",
    "/welcome/{token}",
    "/destinations/set-up/{name}",
    "/.well-known/oauth-protected-resource/{name}",
    "/insights/{by}.csv",
    "/insights/{by}.png",
    "/insights/{by}.svg",
}
"""What stands in braces here is no id of anything that somebody has."""
FOR_THE_SERVERS_OWNER = ("/settings/",)
"""What nobody else may ask for at all."""
FORM = {
    "name": "taken",
    "project": "Garden",
    "category": "coding",
    "id": "chatgpt:mine",
    "format": "markdown",
    "destination": "markdown",
}
"""Enough of every form to come as far as the question whose that is."""
FORMS: dict[str, dict[str, str]] = {
    "/correct": {"title": "taken"},
    "/withdraw": {"field": "project"},
    "/suggestion": {"answer": "no"},
    "/review": {},
    "/review/undo": {"undo": "chatgpt:mine"},
    "/projects/merge": {"source": "PROJECT", "target": "Garden"},
    "/projects/suggestions": {"answer": "no"},
    "/projects/undo": {"event": "EVENT"},
    "/several": {},
}
"""Forms that name what they are about."""


@pytest.fixture
def web_archive(archive: Archive) -> Archive:
    """On each dialect."""
    return archive


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePrefectApi]:
    fake = FakePrefectApi()
    monkeypatch.setenv("PREFECT_API_URL", fake.url)
    with fake:
        yield fake


@pytest.fixture
def ids(live: Live, prefect: FakePrefectApi) -> dict[str, str]:
    """By where they stand in an address: what belongs to the server's owner."""
    prefect.add_run(RUN, state="failed", message="private words")
    prefect.log("private words")
    mine = live.archive.of("me")
    picture = put_file(mine, io.BytesIO(PNG), kind=ATTACHMENT, name="p")
    shown = Attachment(id="p", kind="image", name="private words.png", sha256=picture)
    said = [message("1", "private words ![p](attachment:p)", attachments=[shown])]
    merge(mine, None, [chat("mine", said, title="Private", updated=5)])
    projects.assign(mine, "Garden", ["chatgpt:mine"], new=True)
    projects.rename(mine, "Garden", "Allotment")
    upload = live.server.uploads.create("me", "export.zip", 10)
    keys.add_key(mine, "mine", ["read:archive"], days=1)
    live.logged_in()
    return {
        "/api/conversations/": "chatgpt:mine",
        "/conversations/": "chatgpt:mine",
        "/projects/": next(iter(registry.names(mine))),
        "/uploads/": upload.id,
        "/import/uploads/": upload.id,
        "/files/": picture,
        "/account/sessions/": sessions.list_sessions(live.archive, "me", idle_hours=1)[0].id,
        "/account/programs/": _program(mine),
        "/connect/keys/": keys.list_keys(mine)[0].id,
        "/several/": several.choose(live.server.settings.home, "me", ["chatgpt:mine"]).name,
        "/runs/": RUN,
        "/settings/backups/": "backup.zip",
    }


def _program(archive: Archive) -> str:
    uri = "https://p.example/cb"
    about = {"redirect_uris": (uri,), "scopes": "read:archive", "resources": "/api", "created_at": now()}
    client = Client(id="p-1", name="P", kind="added", **about)  # type: ignore[arg-type]
    clients.add_client(archive, client)
    grants.give(archive, client, client.scopes, "/api", redirect_uri=uri, challenge="c" * 43, is_remembered=True)
    return grants.list_grants(archive)[0].grant.id


def routes() -> Iterator[tuple[str, str]]:
    for route in (*OFTEN, *(route for router in ROUTERS for route in router.routes)):
        if isinstance(route, Route) and "{" in route.path and route.path not in OF_NOBODY:
            yield from ((method, route.path) for method in (route.methods or set()) - {"OPTIONS"})


def _of(live: Live) -> dict[str, list[str]]:
    """Everything in the archive that is the owner's."""
    with live.archive.read() as connection:
        return {
            table.name: sorted(repr(row) for row in connection.execute(select(table).where(table.c.owner == "me")))
            for table in metadata.sorted_tables
            if "owner" in table.c
        }


@pytest.fixture
def eve(live: Live) -> Browser:
    users.add_user(live.archive, "eve", None, owner="eve")
    return live.logged_in("eve")


def test_what_has_an_id_is_not_there_for_others_and_stays_as_it_is(
    live: Live, ids: dict[str, str], eve: Browser
) -> None:
    page = eve.get("/account").text
    guard = next(form["fields"]["csrf"] for form in Forms.of(page) if "csrf" in form["fields"])
    secret = keys.add_key(live.archive.of("eve"), "hers", ["read:archive"], days=1)[0]
    headers = {"origin": live.url, "authorization": f"Bearer {secret}", **TUS}
    visitor = live.client(headers=TUS)
    before, answered = _of(live), dict[str, int]()
    for method, path in routes():
        start, _, rest = path.partition("{")
        address = start + ids[start] + rest.partition("}")[2]
        sent: dict[str, Any] = {"data": FORM | {"csrf": guard}} if method != "GET" else {"params": {"message": "1"}}
        if start == "/uploads/":
            sent = {"content": b"hers"}
        kind = {"content-type": CONTENT} if method == "PATCH" else {}
        reply = eve.client.request(method, address, headers=headers | kind, **sent)
        answered[f"{method} {path}"] = reply.status_code
        assert visitor.request(method, address).status_code in {303, 401, 403}
        assert "private words" not in reply.text
    assert {route: status for route, status in answered.items() if status not in {403, 404}} == {}
    assert {route for route, status in answered.items() if status == 403} == {
        route for route in answered if any(part in route for part in FOR_THE_SERVERS_OWNER)
    }
    event = history.history(live.archive.of("me"))[0].id
    for path, form in FORMS.items():
        told = {key: value.replace("PROJECT", ids["/projects/"]).replace("EVENT", event) for key, value in form.items()}
        reply = eve.client.post(path, data=FORM | told | {"csrf": guard}, headers=headers)
        assert reply.status_code < 500
        assert "private words" not in eve.client.get(reply.headers.get("location", "/")).text
    assert _of(live) == before
