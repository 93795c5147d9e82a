"""Every route of the pages against what it says it takes: whatever schemathesis makes up of that, nothing breaks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from commonplace.archive.access import users
from commonplace.archive.conversations.merge import merge
from commonplace.web.api import tus
from commonplace.web.app import PAGES
from tests.archive.builders import simple_chat
from tests.web.conftest import HASHED, PASSWORD, Forms, Live, Start

NOT_CALLED = {
    "/account/sessions/{id}/end",  # ends the session that asks
    "/account/password",
    "/logout",
    "/login",
    "/welcome/{token}",
    "/settings/backups",  # each takes its time, and makes a file
    "/settings/backups/restore",
    "/destinations/set-up/{name}",  # asks the service, which has its own tests
    "/destinations/hooks/test",
    "/runs/{id}/events",
}
ASKED_BY_SCRIPTS = ("/uploads", "/ask", "/conversations", "/review", "/runs/{id}/now")
"""How the paths begin that scripts of pages ask by themselves, as often as somebody types."""
BROKEN = {500, 501, 502, 504}
"""503 says what is not there: Prefect, of which this archive has none."""


@pytest.fixture
def live(start: Start) -> Live:
    running = start("[answers]\nmodel = 'none'\n", RATELIMIT_DEFAULT="1000000/minute")
    users.add_user(running.archive, "me", HASHED(PASSWORD), owner="me")
    merge(running.archive, None, [simple_chat("c-1", "how to bake bread", "with patience", updated=5)])
    merge(running.archive.of("eve"), None, [simple_chat("hers", "xyzzy", "xyzzy", updated=7)])
    return running


def _operations(beginnings: tuple[str, ...]) -> list[Any]:
    routes = [route for router in (*PAGES, tus.router) for route in router.routes if isinstance(route, APIRoute)]
    chosen = [route for route in routes if route.path not in NOT_CALLED and route.path.startswith(beginnings)]
    described = schemathesis.openapi.from_dict(get_openapi(title="Pages", version="1", routes=chosen))
    return [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]


def _try(live: Live, beginnings: tuple[str, ...], examples: int) -> None:
    few = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    browser = live.logged_in()
    token = next(form["fields"]["csrf"] for form in Forms.of(browser.get("/import").text) if "csrf" in form["fields"])
    operations = _operations(beginnings)
    assert len(operations) >= 10
    statuses = set()
    for operation in operations:

        @few
        @given(case=operation.as_strategy())
        def one(case: schemathesis.Case[Any]) -> None:
            if isinstance(case.body, dict):
                case.body["csrf"] = token
            sent = {"accept": "text/html", "origin": live.url}
            cookies = dict(browser.client.cookies)
            reply = case.call(base_url=live.url, headers=sent, cookies=cookies, timeout=120, allow_redirects=False)
            assert reply.status_code not in BROKEN, (case.method, case.path)
            assert "xyzzy" not in reply.text
            statuses.add(reply.status_code)

        one()
    assert {200, 422} & statuses
    assert 401 not in statuses


def test_nothing_that_a_script_could_ask_breaks_a_page(live: Live) -> None:
    _try(live, ASKED_BY_SCRIPTS, 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_form_and_no_address_of_a_page_breaks_it_however_often(live: Live) -> None:
    _try(live, ("/",), 60)
