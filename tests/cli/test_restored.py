"""A backup that is restored elsewhere knows what was pushed, sent and bought: none of it happens again."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from commonplace.session import open_session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages import hooks
from tests.cli.conftest import Run
from tests.fakes.conversations import KEY, FakeConversations
from tests.fakes.hooked import Hooked
from tests.fakes.openai import FakeOpenAI
from tests.fakes.poke import FakePoke

SETTINGS = """
[destinations.poke]
allow_loopback = true
requests_per_minute = 60000

[hooks.mine]
url = "{hooked}"
allow_private = true
"""


def test_a_backup_restored_elsewhere_pushes_sends_and_buys_nothing_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path / "sample.zip", conversations=4)
    with FakeOpenAI(api_key=KEY) as judging, FakeConversations() as fake, FakePoke() as poke, Hooked() as hooked:
        (tmp_path / "commonplace.toml").write_text(SETTINGS.format(hooked=hooked.address))
        variables = {
            "COMMONPLACE_CONFIG": str(tmp_path / "commonplace.toml"),
            "COMMONPLACE_HOOK_MINE_SECRET": "whsec_" + base64.b64encode(b"s" * 32).decode(),
            "OPENAI_API_KEY": KEY,
            "POKE_API_KEY": poke.key,
            "POKE_API_ENDPOINT": poke.base_url,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

        def work() -> tuple[int, ...]:
            """All that costs or tells; what has gone out so far."""
            monkeypatch.setenv("OPENAI_BASE_URL", judging.url)
            assert run("categorize", "--judge", "openai", "--direct")[0] == 0
            monkeypatch.setenv("OPENAI_BASE_URL", fake.url)
            assert run("sync", "openai", "--direct")[0] == 0
            assert run("openai", "store", project)[0] == 0
            assert run("sync", "poke", "--all", "--direct")[0] == 0
            with open_session() as session:
                hooks.deliver(session)
            return len(judging.seen), fake.writes, len(poke.requests), len(hooked.came)

        assert run("import", str(tmp_path / "sample.zip"), "--direct")[0] == 0
        assert run("map", "--direct")[0] == 0
        project = run("projects", "list")[1]["projects"][0]["name"]
        with open_session() as session:
            hooks.queue(session, "import.completed", {"new": 4})
        gone_out = work()
        assert all(gone_out)
        assert run("backup", tmp_path / "book.commonplace")[0] == 0
        monkeypatch.setenv("COMMONPLACE_HOME", str(tmp_path / "elsewhere"))
        assert run("restore", tmp_path / "book.commonplace")[0] == 0
        assert work() == gone_out
        assert len(fake.conversations) == 4
        assert len(fake.vector.stores) == 1
