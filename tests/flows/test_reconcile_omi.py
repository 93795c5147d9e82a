"""The nightly run reads OMI where it is connected, and leaves its history."""

from __future__ import annotations

import pytest

from commonplace.archive.conversations.reading import conversation_ids
from commonplace.session import open_session
from flows.reconcile_omi import reconcile_omi
from tests.fakes.omi import FakeOmi
from tests.sources.omi.test_reading import memory

pytestmark = pytest.mark.usefixtures("prefect_api")


def test_a_run_takes_in_what_omi_has_and_does_nothing_where_it_is_not_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reconcile_omi() == {}
    with FakeOmi(memory()) as server:
        monkeypatch.setenv("OMI_API_KEY", server.key)
        monkeypatch.setenv("OMI_BASE_URL", server.address)
        report = reconcile_omi()
    assert (report["fetched"], report["new"]) == (1, 1)
    with open_session() as session:
        assert conversation_ids(session.archive) == ["omi:m-1"]
