"""Whether the server lives, is ready, and what it counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from commonplace.archive.access import keys
from commonplace.archive.core import Archive
from commonplace.archive.engine import connect, database_url, outside_transactions
from commonplace.archive.opening import open_archive
from tests.web.conftest import Live, Start


def test_it_lives_and_is_ready(live: Live) -> None:
    assert live.client().get("/healthz").text == "ok\n"
    reply = live.client().get("/readyz")
    assert (reply.status_code, reply.json()["archive"]) == (200, "ok")


def test_it_is_not_ready_with_an_archive_of_another_version(live: Live) -> None:
    with live.archive.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    reply = live.client().get("/readyz")
    assert (reply.status_code, reply.json()["archive"]) == (503, "another version")


def test_numbers_are_for_this_machine_or_for_who_has_the_token(start: Start) -> None:
    live = start(COMMONPLACE_METRICS_TOKEN="let me count")
    live.client().get("/login")
    assert (
        'commonplace_requests_total{method="GET",route="/login",status="200"} 1.0' in live.client().get("/metrics").text
    )
    through_a_tunnel = {"x-forwarded-for": "198.51.100.1"}
    assert live.client().get("/metrics", headers=through_a_tunnel).status_code == 404
    wrong = {**through_a_tunnel, "authorization": "Bearer nothing"}
    assert live.client().get("/metrics", headers=wrong).status_code == 404
    right = {**through_a_tunnel, "authorization": "Bearer let me count"}
    assert live.client().get("/metrics", headers=right).status_code == 200


class TestAfterTheDatabaseWasRestarted:
    """Each connection that rested meanwhile has ended."""

    @pytest.fixture
    def web_archive(self, new_database: Callable[[str], str], tmp_path: Path) -> Iterator[Archive]:
        with open_archive(new_database("postgresql"), files=tmp_path / "files") as opened:
            yield opened

    def test_the_next_request_is_answered(self, live: Live) -> None:
        secret, _ = keys.add_key(live.archive, "test", ["read:archive"], days=1)
        shown = {"authorization": f"Bearer {secret}"}
        client, browser = live.client(), live.logged_in()
        with live.archive.read(), live.archive.look():  # two that rest afterwards
            pass
        end_connections(live.archive)
        assert client.get("/api/conversations", headers=shown).status_code == 200
        end_connections(live.archive)
        assert browser.get("/projects").status_code == 200
        end_connections(live.archive)
        keys.add_key(live.archive, "another", ["read:archive"], days=1)


def end_connections(archive: Archive) -> None:
    """As a server does that stops: every one of this database."""
    there = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    fresh = connect(database_url(archive.engine.url.render_as_string(hide_password=False)))
    with outside_transactions(fresh).connect() as connection:
        ended = set(connection.execute(there).scalars())
        for pid in ended:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        while ended & set(connection.execute(there).scalars()):
            time.sleep(0.01)
    fresh.dispose()
