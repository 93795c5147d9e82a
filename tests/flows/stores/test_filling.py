"""A run fills what a project's assistant searches, tells of it in counts, and takes it away."""

from __future__ import annotations

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.session import open_session
from commonplace.stack.processes import Process
from commonplace.stages.mapping import projects
from commonplace.stages.stores.known import store_of
from flows.stores.filling import fill_store
from tests.archive.builders import simple_chat
from tests.fakes.conversations import FakeConversations


def test_a_store_is_filled_and_taken_away_by_runs(prefect_api: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeConversations() as openai:
        monkeypatch.setenv("OPENAI_BASE_URL", openai.url)
        monkeypatch.setenv("OPENAI_API_KEY", openai.key)
        with open_session() as session:
            merge(session.archive, None, [simple_chat("a", "What about loaf 1?", "Bake it.", title="Loaf")])
            made = projects.create(session.archive, "Bread")["id"]
            projects.assign(session.archive, made, ["chatgpt:a"])
            report = fill_store(project=made)
            assert (report["uploaded"], report["failed"]) == (1, 0)
            assert "Bread" not in str(report)
            assert store_of(session, made) is not None
            assert fill_store(project=made)["uploaded"] == 0
            assert fill_store(project=made, remove=True) == {"removed": 1}
            assert store_of(session, made) is None
