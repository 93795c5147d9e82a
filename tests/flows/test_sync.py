"""What a sync run tells: where its pages are, what they do not show, what went wrong; never a title."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter
from prefect.client.schemas.sorting import ArtifactSort

from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack.processes import Process
from commonplace.stages.syncing.report import MOST_PAGES
from flows.import_exports import import_exports
from flows.running import RunFailed
from flows.sync import sync
from tests.fakes.notion import FakeNotion


@pytest.fixture
def notion(prefect_api: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNotion]:
    """A Notion that the settings point to, and 30 conversations to write."""
    path = tmp_path / "sample.zip"
    write_sample(path, conversations=30)
    import_exports(paths=[str(path)])
    with FakeNotion(per_window=100_000) as server:
        monkeypatch.setenv("NOTION_DATABASE_ID", server.database_of(server.add_database()))
        monkeypatch.setenv("NOTION_TOKEN", server.token)
        monkeypatch.setenv("NOTION_BASE_URL", server.base_url)
        yield server


def reports_of(runs: FlowRunFilter, destination: str = "notion") -> list[str]:
    """What the syncs among these runs reported, newest last."""
    report = ArtifactFilter(key=ArtifactFilterKey(any_=[f"commonplace-sync-{destination}-report"]))
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(artifact_filter=report, flow_run_filter=runs, sort=ArtifactSort.CREATED_DESC)
    return [str(one.data) for one in reversed(artifacts)]


def report_of(runs: FlowRunFilter, destination: str = "notion") -> str:
    return reports_of(runs, destination)[-1]


def test_the_report_links_to_pages_by_their_ids(notion: FakeNotion, own_runs: FlowRunFilter) -> None:
    report = sync(destination="notion")
    told = report_of(own_runs)
    ids = {page.id.replace("-", "") for page in notion.rows()}
    linked = [id for id in ids if f"](https://www.notion.so/{id})" in told]
    assert len(linked) == MOST_PAGES
    assert f"and {30 - MOST_PAGES} more" in told
    (database,) = notion.databases
    assert f"All of it: [open](https://www.notion.so/{database.replace('-', '')})" in told
    for page in notion.rows():
        assert page.title not in told
        assert page.title not in str(report)
        assert page.title.split()[0] + "-" not in told


def test_what_pages_do_not_show_is_named_by_conversation(notion: FakeNotion, own_runs: FlowRunFilter) -> None:
    report = sync(destination="notion")
    shown = [page for page in notion.rows() if page.text.startswith("Not on this page")]
    assert report["left_out"] == len(shown) > 0
    told = report_of(own_runs)
    assert "## What pages do not show" in told
    for page in shown:
        assert f"| {page.value('Conversation ID')} | created | Left out: " in told


def test_what_failed_is_named_by_conversation_with_notions_words(notion: FakeNotion, own_runs: FlowRunFilter) -> None:
    # One without files: a page that is refused with its files is tried without.
    notion.fail_next("400", on="POST pages", about="Reply to a job offer")
    report = sync(destination="notion")
    (failed,) = report["problems"]
    assert f"| {failed['conversation_id']} | failed | Notion rejects it:" in report_of(own_runs)
    again = sync(destination="notion")
    assert "pages" not in again
    assert "## Written" not in report_of(own_runs)


def test_a_run_that_is_stopped_tells_what_it_had_done(notion: FakeNotion, own_runs: FlowRunFilter) -> None:
    sync(destination="notion", limit=4)
    notion.fail_next("403", on="POST pages", times=100)
    before = len(reports_of(own_runs))
    with pytest.raises(RunFailed, match="Share the page") as failed:
        sync(destination="notion")
    assert failed.value.report["unchanged"] == 4
    assert len(reports_of(own_runs)) == before + 1
    assert "| unchanged | 4 |" in report_of(own_runs)


def test_force_writes_again_what_somebody_damaged(notion: FakeNotion) -> None:
    sync(destination="notion", limit=3)
    whole = [page.text for page in notion.rows()]
    for page in notion.rows():
        page.blocks.clear()
    assert sync(destination="notion", limit=3, force=True)["updated"] == 3
    assert [page.text for page in notion.rows()] == whole


def test_a_folders_report_says_where_the_folder_is(notion: FakeNotion, own_runs: FlowRunFilter) -> None:
    report = sync(destination="markdown")
    assert report["created"] == 30
    assert f"All of it: `{report['location']}`" in report_of(own_runs, "markdown")
    assert "[open]" not in report_of(own_runs, "markdown")
