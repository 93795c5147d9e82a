"""Whether the server lives, is ready, and what it counts."""

from __future__ import annotations

from sqlalchemy import text

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
