"""An archive whose syncs and deliveries are killed, and what must hold of the other side afterwards."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.opening import open_archive
from commonplace.model import Conversation
from commonplace.session import open_session
from commonplace.stages import hooks
from tests.archive.builders import simple_chat
from tests.fakes.conversations import FakeConversations
from tests.fakes.hooked import Hooked
from tests.fakes.poke import FakePoke
from tests.stages import killed

LATENCY_SECONDS = 0.02
COUNT = 12


class Place:
    """An archive of a dozen conversations with its settings, which a process finds by the variables. `sync` and
    `deliver` are what is killed."""

    sync: Callable[..., None] = staticmethod(killed.sync_there)
    deliver: Callable[..., None] = staticmethod(killed.deliver_due)

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.variables = {
            "HOME": str(folder),
            "COMMONPLACE_HOME": str(folder),
            "COMMONPLACE_DATABASE_URL": url,
            "COMMONPLACE_CONFIG": str(folder / "commonplace.toml"),
        }

    def finish(self, work: Callable[..., None], *arguments: str) -> None:
        """To its end."""
        assert not killed.run(work, self.variables, *arguments)

    def set_up(self, monkeypatch: pytest.MonkeyPatch, settings: str, **variables: str) -> None:
        (self.folder / "commonplace.toml").write_text(settings)
        self.variables |= variables
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)
        with self.opened() as archive:
            merge(archive, None, [_chat(n) for n in range(COUNT)])

    def opened(self) -> Archive:
        return open_archive(self.url)


def kill_each_time(
    place: Place, work: Callable[..., None], *arguments: str, seen: Callable[[], int], steps: list[int]
) -> int:
    """Work, and be killed when so many more requests were seen; how often it was."""
    kills = 0
    for step in steps:
        until = seen() + step
        kills += killed.run(work, place.variables, *arguments, kill_when=lambda until=until: seen() >= until)  # type: ignore[misc]
    return kills


def check_openai(place: Place, monkeypatch: pytest.MonkeyPatch, steps: list[int]) -> None:
    with FakeConversations(latency_seconds=LATENCY_SECONDS) as fake:
        place.set_up(monkeypatch, "", OPENAI_API_KEY=fake.key, OPENAI_BASE_URL=fake.url)
        seen = lambda: sum(fake.requests.values())  # noqa: E731
        kills = kill_each_time(place, place.sync, "openai", seen=seen, steps=steps)
        assert kills > len(steps) // 2
        place.finish(place.sync, "openai")
        filled = [id for id, items in fake.items.items() if items]
        told = Counter(fake.conversations[id]["metadata"]["source_id"] for id in filled)
        assert told == Counter(f"chatgpt:c{n}" for n in range(COUNT))
        for id in filled:
            number = fake.conversations[id]["metadata"]["source_id"].removeprefix("chatgpt:c")
            assert fake.texts(id) == [f"Words {number} {k}" for k in range(25)]
        writes = fake.writes
        place.finish(place.sync, "openai")
        assert fake.writes == writes


def check_poke(place: Place, monkeypatch: pytest.MonkeyPatch, steps: list[int], mode: str) -> None:
    settings = (
        f'[destinations.poke]\nallow_loopback = true\nrequests_per_minute = 60000\nmode = "{mode}"\ntitles = 50\n'
    )
    with FakePoke(latency_seconds=LATENCY_SECONDS) as fake:
        place.set_up(monkeypatch, settings, POKE_API_KEY=fake.key, POKE_API_ENDPOINT=fake.base_url)
        assert kill_each_time(place, place.sync, "poke", seen=lambda: len(fake.requests), steps=steps)
        place.finish(place.sync, "poke")
        told = "\n".join(body["message"] for body in fake.messages)
        with place.opened() as archive:
            known = ArchiveLedger(archive, f"poke:{urlsplit(fake.base_url).netloc}:me")
            for key, entry in list(known.in_state("uncertain")):  # a person looks there
                about = entry.detail.get("members") or [key]
                has_arrived = f"Talk {about[0].removeprefix('chatgpt:c')}." in told
                (known.accept if has_arrived else known.resend)([key])
        place.finish(place.sync, "poke")
    told = "\n".join(body["message"] for body in fake.messages)
    assert {n: told.count(f"Talk {n}.") for n in range(COUNT)} == dict.fromkeys(range(COUNT), 1)


def check_hooks(place: Place, monkeypatch: pytest.MonkeyPatch, steps: list[int]) -> None:
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    with Hooked(latency_seconds=LATENCY_SECONDS) as hooked:
        settings = f'[hooks.mine]\nurl = "{hooked.address}"\nallow_private = true\n'
        place.set_up(monkeypatch, settings, COMMONPLACE_HOOK_MINE_SECRET=secret)
        with open_session() as session:
            for _ in range(12 * len(steps)):
                hooks.queue(session, "run.failed", {})
            known = ArchiveLedger(session.archive, "hook:mine")
            queued = {id for id, _ in known.in_state("queued")}
            kills = kill_each_time(place, place.deliver, seen=lambda: len(hooked.came), steps=steps)
            assert kills == len(steps)
            place.finish(place.deliver)
            assert {id for id, _ in known.in_state("done")} == queued
    assert set(hooked.ids()) == queued
    # What was under way is told again, under the id by which the receiver knows it.
    assert len(hooked.came) - len(queued) <= kills * hooks.AT_ONCE


def _chat(number: int) -> Conversation:
    return simple_chat(f"c{number}", *(f"Words {number} {k}" for k in range(25)), title=f"Talk {number}.")
