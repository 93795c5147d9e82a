"""MCP over HTTP, as the SDK's own client and as plain requests see it: both generations, known programs alone."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from commonplace.archive.access import grants, keys
from commonplace.archive.access.scopes import SCOPES
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.web import errors
from commonplace.web.mcp.tools import open_mcp
from tests.archive.builders import simple_chat
from tests.web.conftest import Live, Start
from tests.web.oauth.conftest import added, furnish, logged_in, told
from tests.web.oauth.test_documents import URL, Documents, document

Mode = Literal["legacy", "auto", "2026-07-28"]
REDIRECT = "http://localhost:3000/callback"


@pytest.fixture
def live(start: Start) -> Live:
    return furnish(start())


def key(live: Live, *scopes: str, owner: str = "me") -> str:
    return keys.add_key(live.archive.of(owner), "test", scopes or SCOPES, days=1)[0]


@asynccontextmanager
async def connected(live: Live, secret: str, mode: Mode = "auto") -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {secret}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=300) as http,
        Client(streamable_http_client(f"{live.url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


def talk(live: Live, secret: str, say: Callable[[Client], Awaitable[Any]], mode: Mode = "auto") -> Any:
    async def whole() -> Any:
        async with connected(live, secret, mode) as client:
            return await say(client)

    return asyncio.run(whole())


def data(result: Any) -> dict[str, Any]:
    """What a tool returned: one text item of JSON, and the same as an object."""
    assert not result.is_error, result.content
    (item,) = result.content
    assert json.loads(item.text) == result.structured_content
    return dict(result.structured_content)


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
def test_what_is_found_is_opened_in_chatgpts_form_in_both_generations(live: Live, mode: Mode) -> None:
    async def say(client: Client) -> None:
        (hit,) = data(await client.call_tool("search", {"query": "bread"}))["results"]
        assert hit.keys() == {"id", "title", "url"}
        assert hit["url"]
        read = data(await client.call_tool("fetch", {"id": hit["id"]}))
        assert {"id", "title", "text", "url"} <= read.keys()
        assert "with patience" in read["text"]
        assert read["url"]
        resource = await client.read_resource(f"commonplace://conversation/{hit['id']}")
        assert "with patience" in resource.contents[0].text  # type: ignore[union-attr]

    talk(live, key(live), say, mode)


def test_every_tool_says_what_it_does_returns_and_changes(start: Start) -> None:
    live = furnish(start("[server]\nallow_notes = true\n"))

    async def say(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        reading = {"search", "fetch", "list_projects", "recent", "stats", "ask", "similar"}
        assert tools.keys() == reading | {"save_note"}
        for name, tool in tools.items():
            assert tool.title
            assert tool.description
            assert tool.output_schema
            assert tool.annotations
            assert tool.annotations.read_only_hint is (name in reading)
        for name in ("recent", "list_projects", "stats"):
            data(await client.call_tool(name, {}))
        answered = data(await client.call_tool("ask", {"question": "how do I bake bread?"}))
        assert answered["sources"][0]["id"] == "chatgpt:c-1"
        similar = await client.call_tool("similar", {"id": "chatgpt:c-1"})
        assert "embed" in similar.content[0].text  # type: ignore[union-attr]
        saved = data(await client.call_tool("save_note", {"title": "Oven", "text": "It runs hot."}))
        assert saved["id"].startswith("note:")
        (found,) = data(await client.call_tool("search", {"query": "runs hot"}))["results"]
        assert found["id"] == saved["id"]

    talk(live, key(live), say)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_who_asks_for_a_prompt_is_told_that_there_is_none(live: Live, mode: Mode) -> None:
    async def say(client: Client) -> None:
        with pytest.raises(MCPError, match="no prompts here") as caught:
            await client.get_prompt("anything", {"a": "b"})
        assert caught.value.error.code == INVALID_PARAMS

    talk(live, key(live), say, mode)


def test_notes_are_off_by_default(live: Live) -> None:
    async def say(client: Client) -> None:
        assert "save_note" not in {tool.name for tool in (await client.list_tools()).tools}
        assert (await client.call_tool("save_note", {"title": "x", "text": "y"})).is_error

    talk(live, key(live), say)


def test_a_tool_wants_its_scope(live: Live) -> None:
    async def say(client: Client) -> None:
        for name, arguments in (("search", {"query": "x"}), ("ask", {"question": "x"}), ("stats", {})):
            refused = await client.call_tool(name, arguments)
            assert refused.is_error
            assert "needs the scope" in refused.content[0].text  # type: ignore[union-attr]
        assert data(await client.call_tool("recent", {}))["conversations"]

    talk(live, key(live, "read:memories"), say)


def test_an_answer_that_takes_too_long_is_told_in_a_sentence(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "ASKING_SECONDS", 0)

    async def say(client: Client) -> None:
        refused = await client.call_tool("ask", {"question": "how do I bake bread?"})
        assert refused.is_error
        told = refused.content[0].text  # type: ignore[union-attr]
        assert told.endswith("tool ask: The answer took too long. Ask for less, or of one project.")

    talk(live, key(live), say)


def test_long_texts_and_lists_go_on_by_cursor(live: Live) -> None:
    merge(live.archive, None, [simple_chat("long", *(f"{n} " + '"\n' * 2000 for n in range(40)), updated=9)])

    async def say(client: Client) -> None:
        parts, asked = list[str](), dict[str, Any](id="chatgpt:long")
        while True:
            result = await client.call_tool("fetch", asked)
            assert len(result.content[0].text) < 100_000  # type: ignore[union-attr]
            read = data(result)
            parts.append(read["text"])
            if "next_cursor" not in read["metadata"]:
                break
            asked["cursor"] = read["metadata"]["next_cursor"]
        assert len(parts) > 2
        assert "".join(parts).count('"\n') >= 40 * 1999
        first = data(await client.call_tool("recent", {"limit": 1}))
        second = data(await client.call_tool("recent", {"limit": 1, "cursor": first["next_cursor"]}))
        assert first["conversations"] != second["conversations"]
        assert (await client.call_tool("recent", {"cursor": "made up"})).is_error

    talk(live, key(live), say)


class TestAnothers:
    """On each dialect."""

    @pytest.fixture
    def web_archive(self, archive: Archive) -> Archive:
        return archive

    def test_conversations_are_not_there(self, live: Live) -> None:
        merge(live.archive.of("eve"), None, [simple_chat("hers", "her secret bread", "indeed", updated=7)])

        async def say(client: Client) -> None:
            for name in ("fetch", "similar"):
                refused = await client.call_tool(name, {"id": "chatgpt:hers"})
                assert refused.is_error
                assert "no such conversation" in refused.content[0].text  # type: ignore[union-attr]
            with pytest.raises(MCPError):
                await client.read_resource("commonplace://conversation/chatgpt:hers")
            for name, arguments in (
                ("search", {"query": "secret"}),
                ("recent", {}),
                ("ask", {"question": "her secret?"}),
            ):
                assert "hers" not in json.dumps(data(await client.call_tool(name, arguments)))

        talk(live, key(live), say)


LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPTS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def post(live: Live, **headers: str) -> httpx.Response:
    return live.client().post("/mcp", json=LISTING, headers=ACCEPTS | headers)


def test_who_is_not_known_is_told_where_and_for_what_to_ask(live: Live) -> None:
    for headers in ({}, {"authorization": "Bearer cpa_wrong"}, {"authorization": "Basic bWU6bWU="}):
        refused = post(live, **headers)
        assert refused.status_code == 401
        challenge = refused.headers["www-authenticate"]
        assert f'resource_metadata="{live.server.web.base_url}/.well-known/oauth-protected-resource/mcp"' in challenge
        assert 'scope="read:memories read:archive ask"' in challenge
        assert ("invalid_token" in challenge) == bool(headers)


def test_a_token_of_the_api_is_refused_here_and_one_for_here_is_taken(live: Live) -> None:
    program = added(live)
    base = live.server.web.base_url
    api, mcp = (program.tokens(resource=f"{base}/{path}")["access_token"] for path in ("api", "mcp"))
    assert post(live, authorization=f"Bearer {api}").status_code == 401
    assert post(live, authorization=f"Bearer {mcp}").status_code == 200
    (newest, *_) = grants.list_grants(live.archive)
    grants.revoke(live.archive, newest.grant.id)
    assert post(live, authorization=f"Bearer {mcp}").status_code == 401


def test_another_sites_page_and_another_name_get_nothing_and_nobody_is_redirected(live: Live) -> None:
    good = f"Bearer {key(live)}"
    assert post(live, authorization=good, origin="https://evil.example").status_code == 403
    assert post(live, authorization=good, host="evil.example").status_code == 421
    assert post(live, authorization=good, origin=live.url).status_code == 200
    assert live.client().post("/mcp/", json=LISTING, headers=ACCEPTS).status_code == 404
    assert live.client().get("/mcp", headers={"authorization": good}).status_code == 405


class Kept:
    """Where the SDK keeps what it got."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@pytest.mark.parametrize("way", ["document", "registration"])
def test_the_sdk_finds_its_way_in_by_itself(start: Start, way: str) -> None:
    live = furnish(start("[server]\nallow_registration = true\n", fetcher=Documents(document())))
    browser, kept, answer = logged_in(live), Kept(), dict[str, str]()

    def decide(url: str) -> None:
        answer.update(told(browser.submit(browser.get(url), "/oauth/consent", answer="yes")))

    async def redirect(url: str) -> None:
        await asyncio.to_thread(decide, url)

    async def callback() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

    async def whole() -> None:
        provider = OAuthClientProvider(
            f"{live.url}/mcp",
            OAuthClientMetadata(redirect_uris=[REDIRECT], client_name="SDK"),  # type: ignore[list-item]
            kept,
            redirect,
            callback,
            client_metadata_url=URL if way == "document" else None,
        )
        async with (
            httpx2.AsyncClient(auth=provider, timeout=300) as http,
            Client(streamable_http_client(f"{live.url}/mcp", http_client=http)) as client,
        ):
            (hit,) = data(await client.call_tool("search", {"query": "bread"}))["results"]
            assert hit["id"] == "chatgpt:c-1"

    asyncio.run(whole())
    assert kept.client
    assert (kept.client.client_id == URL) == (way == "document")
    assert kept.tokens
    assert kept.tokens.refresh_token


def test_a_note_is_a_conversation(start: Start) -> None:
    live = furnish(start("[server]\nallow_notes = true\n"))

    async def say(client: Client) -> str:
        return str(data(await client.call_tool("save_note", {"title": "Oven", "text": "It runs hot."}))["id"])

    kept = load_conversation(live.archive, talk(live, key(live), say))
    assert kept
    assert (kept.source, kept.title, [said.text for said in kept.messages]) == ("note", "Oven", ["It runs hot."])


def test_nothing_is_painted_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    open_mcp(lambda _: pytest.fail("nobody asked"), takes_notes=False)
    assert root.handlers == []
