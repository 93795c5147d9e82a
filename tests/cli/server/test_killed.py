"""The server, and whoever empties its inbox, are killed in a stream of webhooks: nothing is lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from commonplace.archive.inbox import open_inbox
from commonplace.archive.schema import conversations
from commonplace.session import open_session
from commonplace.stages.importing import events
from tests.sources.omi.test_reading import memory

EMPTY = "from commonplace.session import open_session\nfrom commonplace.stages.importing import events\n"
DRAIN = EMPTY + "with open_session() as session:\n    print('begun', flush=True)\n    events.receive(session)\n"


def started(home: Path, *command: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "COMMONPLACE_HOME": str(home), "OMI_WEBHOOK_TOKEN": "t" * 40}
    return subprocess.Popen(
        [sys.executable, *command], env=environment, cwd=home.parent, stdout=subprocess.PIPE, text=True
    )


def stream(url: str, names: list[str], enough: threading.Event, chance: random.Random) -> set[str]:
    """Deliver until nobody answers; those that were answered with 200."""
    kept: set[str] = set()
    when = chance.randint(1, len(names) - 1)
    with httpx.Client(base_url=url, timeout=30) as client:
        for place, name in enumerate(names):
            if place == when:
                enough.set()
            try:
                told = memory(id=name, transcript_segments=[{"text": name, "speaker_id": 0, "start": 1.0}])
                reply = client.post(
                    f"/omi/memory?uid=u&token={'t' * 40}", json=told, headers={"idempotency-key": f"d-{name}"}
                )
            except httpx.HTTPError:
                break
            if reply.status_code == 200:
                kept.add(name)
    return kept


def check_kills(home: Path, monkeypatch: pytest.MonkeyPatch, kills: int) -> None:
    monkeypatch.setenv("COMMONPLACE_HOME", str(home))
    answered: set[str] = set()
    for kill in range(kills):
        chance = random.Random(kill)
        server = started(home, "-m", "commonplace", "serve", "--port", "0", "--json", "--no-link")
        assert server.stdout
        url, enough = json.loads(server.stdout.readline())["url"], threading.Event()
        killing = threading.Thread(target=lambda process=server, now=enough: (now.wait(60), process.kill()))
        killing.start()
        answered |= stream(url, [f"m-{kill}-{n}" for n in range(200)], enough, chance)
        killing.join()
        server.communicate()
        draining = started(home, "-c", DRAIN)
        assert draining.stdout
        assert draining.stdout.readline() == "begun\n"
        with pytest.raises(subprocess.TimeoutExpired):
            draining.wait(chance.uniform(0, 0.05))
        draining.kill()
        draining.communicate()
    assert answered
    with open_session() as session:
        for _ in range(2):  # the second finds nothing left, and changes nothing
            report = events.receive(session)
        assert (report.read, report.failed) == (0, 0)
        with open_inbox(session.archive) as inbox:
            counts = inbox.counts()
            assert (counts["waiting"], counts["failed"], counts["quarantined"]) == (0, 0, 0)
        with session.archive.read() as connection:
            ids = set(connection.execute(select(conversations.c.id)).scalars())
            assert connection.execute(select(func.count()).select_from(conversations)).scalar_one() == len(ids)
    assert {f"omi:{name}" for name in answered} <= ids


@pytest.mark.timeout(600)
def test_nothing_that_was_answered_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_kills(tmp_path / "book", monkeypatch, 1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nor_in_a_hundred_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_kills(tmp_path / "book", monkeypatch, 100)
