"""Counting in Redis: what several servers are asked counts together, and Redis may go away."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from limits import parse

from commonplace.web.security.counting import NotShared, SharedCounts
from tests.web.conftest import Live, Start

REDIS = shutil.which("redis-server") or shutil.which("valkey-server")


@pytest.fixture
def nowhere() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"redis://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def redis(nowhere: str, tmp_path: Path) -> Iterator[str]:
    if REDIS is None:
        pytest.skip("there is no redis-server")
    command = [REDIS, "--port", nowhere.rpartition(":")[2], "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any("Ready to accept connections" in line for line in process.stdout)
        yield nowhere
        process.terminate()


def _statuses(live: Live, many: int) -> list[int]:
    client = live.client()
    return [client.get("/login").status_code for _ in range(many)]


def test_two_servers_count_together(start: Start, redis: str) -> None:
    told = {"RATELIMIT_STORAGE_URI": redis, "RATELIMIT_DEFAULT": "4/hour"}
    assert _statuses(start(**told), 3) == [200] * 3
    assert _statuses(start(**told), 3) == [200, 429, 429]


def test_what_was_refused_names_when_to_come_back_and_what_is_forgiven_is_forgotten(redis: str) -> None:
    async def ask() -> None:
        counts, rate = SharedCounts(redis), parse("2/minute")
        assert [await counts.hit(rate, "a") for _ in range(2)] == [0, 0]
        assert 1 <= await counts.hit(rate, "a") <= 60
        assert await counts.hit(rate, "b") == 0
        await counts.clear(rate, "a")
        assert await counts.hit(rate, "a") == 0
        await counts.close()

    asyncio.run(ask())


def test_without_redis_each_server_counts_for_itself(start: Start, nowhere: str) -> None:
    live = start(RATELIMIT_STORAGE_URI=nowhere, RATELIMIT_DEFAULT="3/hour")
    assert _statuses(live, 5) == [200, 200, 200, 429, 429]


def test_that_redis_does_not_answer_is_one_error(nowhere: str) -> None:
    async def ask() -> None:
        counts = SharedCounts(nowhere)
        with pytest.raises(NotShared):
            await counts.hit(parse("3/minute"), "a")
        await counts.close()

    asyncio.run(ask())
