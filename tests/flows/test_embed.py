"""Embedding as a flow: bought in chunks of a fake service, told in artifacts without a word of what was said."""

from __future__ import annotations

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter

from commonplace.archive.opening import open_archive
from commonplace.archive.search import passages as stored
from commonplace.config import load
from commonplace.stack.processes import Process
from flows.embed import embed
from flows.running import RunFailed
from tests.fakes.openai import FakeOpenAI
from tests.stages.mapping.test_stage import import_all, world

EMBEDDINGS = "/v1/embeddings"


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty conversations, and a service's model in the settings."""
    settings, _ = load()
    with open_archive(settings.database_url, files=settings.files) as archive:
        import_all(archive, world(60)[0])
    (settings.home / "commonplace.toml").write_text('[meaning]\nmodel = "text-embedding-3-small"\n')


def test_it_is_embedded_once_and_a_refusal_is_made_up_for_by_the_next_run(
    prefect_api: Process, own_runs: FlowRunFilter, filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", server.api_key)
        server.fail("wrong_key", times=9)
        with pytest.raises(RunFailed, match="OPENAI_API_KEY"):
            embed()
        server.faults.clear()
        report = embed()
        assert report["embedded"] == 60
        assert report["cost_usd"] >= 0
        asked = len(server.requests_to(EMBEDDINGS))
        assert embed()["embedded"] == 0
        assert len(server.requests_to(EMBEDDINGS)) == asked
    settings, _ = load()
    with open_archive(settings.database_url, files=settings.files) as archive:
        (kind,) = stored.kinds(archive)
        assert stored.coverage(archive, kind) == 1.0
        with archive.read() as connection:
            titles = [row[0] for row in connection.exec_driver_sql("SELECT title FROM conversations")]
    with get_client(sync_client=True) as client:
        told = "\n".join(str(artifact.data) for artifact in client.read_artifacts(flow_run_filter=own_runs))
    assert "embedded" in told
    assert not [title for title in titles if title in told]
