"""Server, drain and importer are killed in a stream of webhooks: nothing is lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from commonplace.archive.inbox import open_inbox
from commonplace.archive.schema import conversations
from commonplace.moments import DAY, HOUR, to_iso
from commonplace.session import open_session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.importing import events
from commonplace.stages.importing.stage import import_paths
from tests.sources.omi.test_reading import memory

OPENED = "from pathlib import Path\nfrom commonplace.session import open_session\n"
DRAIN = (
    OPENED
    + "from commonplace.stages.importing import events\n"
    + "with open_session() as session:\n    print('begun', flush=True)\n    while True: events.receive(session)\n"
)
WRITE = (
    OPENED
    + "from commonplace.stages.importing.stage import import_paths\n"
    + "with open_session() as session:\n    print('begun', flush=True)\n"
    + "    while True: import_paths(session.archive, [Path('export.zip')])\n"
)
VICTIMS = ("drain", "writer", "server")
DELIVERIES = 60
EXPORTED = 200


def started(home: Path, *command: str) -> subprocess.Popen[str]:
    """A process of ours that has begun; what it said is its next line."""
    environment = {**os.environ, "COMMONPLACE_HOME": str(home), "OMI_WEBHOOK_TOKEN": "t" * 40}
    return subprocess.Popen(
        [sys.executable, *command], env=environment, cwd=home.parent, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def end(process: subprocess.Popen[str]) -> int:
    process.kill()
    process.communicate()
    return process.returncode


def stream(url: str, names: list[str], begun: int, at: int, kill: Callable[[], None]) -> set[str]:
    """Deliver while somebody answers, one for each hour since; `kill` when the one of that place is on its way. What
    was answered 200."""
    kept: set[str] = set()
    with httpx.Client(base_url=url, timeout=300) as client:
        for place, name in enumerate(names):
            if place == at:
                threading.Thread(target=kill).start()
            moment = to_iso(begun + place * HOUR)
            told = memory(
                id=name,
                **dict.fromkeys(("created_at", "started_at", "finished_at"), moment),
                transcript_segments=[{"text": name, "speaker_id": 0, "start": 1.0}],
            )
            try:
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
    write_sample(home.parent / "export.zip", conversations=EXPORTED)
    answered: set[str] = set()
    running: dict[str, subprocess.Popen[str]] = {}
    with ExitStack() as stopping:
        stopping.callback(lambda: [end(process) for process in running.values()])
        for kill in range(kills):
            chance, victim = random.Random(kill), VICTIMS[kill % len(VICTIMS)]
            if "server" not in running:
                running["server"] = started(home, "-m", "commonplace", "serve", "--port", "0", "--json", "--no-link")
                url = json.loads(said(running["server"]))["url"]
            if victim != "server":
                running[victim] = started(home, "-c", DRAIN if victim == "drain" else WRITE)
                assert said(running[victim]) == "begun\n"
            at = chance.randrange(DELIVERIES // 2)
            names = [f"m-{kill}-{n}" for n in range(DELIVERIES)]
            answered |= stream(url, names, kill * 4 * DAY, at, running[victim].kill)
            end(running.pop(victim))
        assert len(answered) > DELIVERIES * sum(victim != "server" for victim in VICTIMS[:kills]) / 2
    check(answered, home)


def check(answered: set[str], home: Path) -> None:
    """Everything that was answered 200 is there once, and so is everything that was imported."""
    with open_session() as session:
        events.receive(session)
        report = events.receive(session)  # finds nothing left, and changes nothing
        assert (report.read, report.failed, report.busy) == (0, 0, [])
        with open_inbox(session.archive) as inbox:
            counts = inbox.counts()
        assert (counts["waiting"], counts["failed"], counts["quarantined"]) == (0, 0, 0)
        import_paths(session.archive, [home.parent / "export.zip"])
        with session.archive.read() as connection:
            ids = list(connection.execute(select(conversations.c.id)).scalars())
    received = {id for id in ids if id.startswith("omi:")}
    assert {f"omi:{name}" for name in answered} <= received
    assert len(ids) == len(received) + EXPORTED


@pytest.mark.timeout(600)
def test_nothing_that_was_answered_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_kills(tmp_path / "book", monkeypatch, len(VICTIMS))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nor_in_a_hundred_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_kills(tmp_path / "book", monkeypatch, 100)
