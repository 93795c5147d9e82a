"""What each of Notion's answers means, one exchange at a time."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from typing import Any
from uuid import uuid4

import httpx
import pytest
import respx

from commonplace.destinations.notion import NotionSettings
from commonplace.destinations.notion.client import (
    NOTION_VERSION,
    HoldsPages,
    InTrash,
    NotAllowed,
    NotionClient,
    NotThere,
    TooLarge,
    Unanswered,
)
from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable
from tests.destinations.notion.world import NoWaiting

PAGE = "68b610b2-80e9-43c9-8055-a95333ba7605"


@pytest.fixture
def clock() -> NoWaiting:
    return NoWaiting()


@pytest.fixture
def client(clock: NoWaiting) -> Iterator[NotionClient]:
    opened = NotionClient(NotionSettings(token=f"ntn_{uuid4().hex}", base_url="https://notion.test"), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def notion() -> Iterator[respx.Route]:
    with respx.mock(base_url="https://notion.test/v1") as router:
        yield router.patch(path=f"/pages/{PAGE}")


def error(status: int, code: str = "", message: str = "", *, extra: Any = None, **headers: str) -> httpx.Response:
    body = {"object": "error", "status": status, "code": code, "message": message, "additional_data": extra}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


ANSWER = {"object": "page", "id": PAGE}
OK = httpx.Response(200, json=ANSWER)


def send(client: NotionClient, *, repeatable: bool = True) -> Any:
    return client.send("PATCH", f"pages/{PAGE}", {"properties": {}}, repeatable=repeatable)


def test_every_request_names_the_version_and_the_token(client: NotionClient, notion: respx.Route) -> None:
    notion.mock(return_value=OK)
    assert send(client) == ANSWER
    headers = notion.calls.last.request.headers
    assert headers["Notion-Version"] == NOTION_VERSION == "2026-03-11"
    assert headers["Authorization"] == f"Bearer {client.settings.token}"
    assert client.requests == 1


@pytest.mark.parametrize(
    "answer",
    [
        error(429, "rate_limited", retry_after="3"),
        error(529, "service_overload"),
        error(409, "conflict_error"),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
    ],
)
def test_what_was_not_done_is_sent_again_whatever_it_is(client: NotionClient, notion: respx.Route, answer: Any) -> None:
    notion.mock(side_effect=[answer, OK])
    assert send(client, repeatable=False) == ANSWER


UNSURE = [
    error(500, "internal_server_error"),
    error(503, "service_unavailable"),
    error(504, "gateway_timeout"),
    httpx.Response(502, html="<html>Bad gateway</html>"),
    httpx.Response(200, html="<html>not JSON</html>"),
    httpx.Response(200, json={"status": "somebody else's"}),
    httpx.Response(200, json=None),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("gone"),
]


@pytest.mark.parametrize("answer", UNSURE)
def test_what_may_have_been_done_is_sent_again_only_if_it_may_be(
    client: NotionClient, notion: respx.Route, answer: Any
) -> None:
    notion.mock(side_effect=[answer, OK])
    assert send(client) == ANSWER
    notion.mock(side_effect=[answer, OK])
    with pytest.raises(Unanswered):
        send(client, repeatable=False)


def test_a_503_that_names_what_it_wrote_is_an_answer(client: NotionClient, notion: respx.Route) -> None:
    extra = {"committed_resource_id": PAGE, "committed_child_ids": ["a", "b"]}
    notion.mock(side_effect=[error(503, "service_unavailable", extra=extra)])
    assert send(client, repeatable=False) == {"id": PAGE, "results": [{"id": "a"}, {"id": "b"}]}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(400, "validation_error", "title is too long"), Permanent),
        (error(413, "validation_error", "too large"), TooLarge),
        (error(400, "validation_error", "Can't edit block that is archived."), InTrash),
        (error(400, "validation_error", "set allow_deleting_content to confirm"), HoldsPages),
        (error(404, "object_not_found", "Could not find page"), NotThere),
        (error(401, "unauthorized"), Halt),
        (error(403, "restricted_resource"), NotAllowed),
        (error(403, "restricted_resource", extra={"block_limit": "block_creation"}), Halt),
        (error(409, "row_limit_exceeded"), Halt),
        (error(429, "rate_limited", extra={"rate_limit_reason": "public_api_request_blocked"}), Halt),
    ],
)
def test_what_will_not_work_is_not_sent_again(
    client: NotionClient, notion: respx.Route, answer: httpx.Response, kind: type[CommonplaceError]
) -> None:
    notion.mock(side_effect=[answer])
    with pytest.raises(CommonplaceError) as caught:
        send(client)
    assert type(caught.value) is kind
    assert notion.call_count == 1
    assert client.settings.token not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "extra", "seconds"),
    [
        ({"retry_after": "7"}, None, 7.0),
        ({}, {"retry_after": "9"}, 9.0),
        ({"retry_after": formatdate(usegmt=True)}, None, 0.0),
    ],
)
def test_a_pause_is_as_long_as_notion_says(
    client: NotionClient, clock: NoWaiting, notion: respx.Route, headers: dict[str, str], extra: Any, seconds: float
) -> None:
    notion.mock(side_effect=[error(429, "rate_limited", extra=extra, **headers), OK])
    before = clock.skipped
    send(client)
    assert clock.skipped - before == pytest.approx(seconds, abs=0.5)


def test_a_long_outage_ends_in_retryable(client: NotionClient, clock: NoWaiting, notion: respx.Route) -> None:
    notion.mock(return_value=error(502))
    with pytest.raises(Retryable):
        send(client)
    assert notion.call_count == 6
    assert clock.skipped > 5


def test_values_that_notion_quotes_are_not_repeated(client: NotionClient, notion: respx.Route) -> None:
    message = (
        'body.title[0].text.content.length should be ≤ `2000`, instead was `2001`. Select "' + "private " * 9 + '"'
    )
    notion.mock(side_effect=[error(400, "validation_error", message)])
    with pytest.raises(Permanent) as caught:
        send(client)
    assert "instead was `2001`" in str(caught.value)
    assert "private" not in str(caught.value)


def test_nothing_is_printed_or_logged_by_the_transport(
    client: NotionClient, notion: respx.Route, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    notion.mock(side_effect=[error(400, "validation_error", "my private words")])
    with pytest.raises(Permanent):
        send(client)
    assert "private" not in capsys.readouterr().out + caplog.text
