"""Against windows that are enforced: a paced run is not refused, and refusals are learned from."""

from __future__ import annotations

from commonplace.destinations.notion import open_notion
from tests.destinations.notion.world import FileLedger, document, settings_for
from tests.fakes.notion import FakeNotion


def test_a_paced_run_is_never_refused() -> None:
    with FakeNotion(latency=0.02, window_seconds=0.6, per_window=20) as notion:
        destination = open_notion(settings_for(notion, notion.add_database()))
        destination.write([document(n) for n in range(98)], FileLedger())
        destination.close()
        assert notion.statuses() == {200: 100}


def test_a_budget_that_is_smaller_than_the_setting_is_learned() -> None:
    with FakeNotion(window_seconds=0.4, per_window=10) as notion:
        destination = open_notion(settings_for(notion, notion.add_database(), requests_per_minute=60))
        destination.write([document(n) for n in range(78)], FileLedger())
        destination.close()
        assert len(notion.rows()) == 78
        assert destination.client.governor.limit() <= 20
        assert notion.statuses()[429] < 60


def test_a_workspace_budget_that_others_use_too_is_kept_to() -> None:
    with FakeNotion(window_seconds=0.4, per_window=40, workspace_per_window=8) as notion:
        destination = open_notion(settings_for(notion, notion.add_database()))
        destination.write([document(n) for n in range(30)], FileLedger())
        destination.close()
        assert len(notion.rows()) == 30
