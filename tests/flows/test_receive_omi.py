"""Deliveries become conversations by a run that leaves its history."""

from __future__ import annotations

import json

import pytest

from commonplace.archive.conversations.reading import conversation_ids, list_conversations
from commonplace.archive.inbox import Delivery, open_inbox
from commonplace.session import open_session
from commonplace.stages.importing.events import FEW
from flows.receive_omi import receive_omi
from tests.sources.omi.test_reading import memory

pytestmark = pytest.mark.usefixtures("prefect_api")


def test_a_run_takes_in_what_waits_sorts_a_few_and_names_what_it_could_not() -> None:
    with open_session() as session:
        with open_inbox(session.archive) as inbox:
            bodies = [json.dumps(memory(id=f"m-{n}")).encode() for n in range(30)]
            inbox.put([Delivery(source="omi", kind="memory", uid="u", body=body) for body in [*bodies, b"no json"]])
        report = receive_omi()
        assert (report["new"], report["failed"]) == (30, 1)
        assert report["defects"][0]["reason"].startswith("It is not valid JSON")
        assert len(conversation_ids(session.archive)) == 30
        sorted_ones = [
            one for one in list_conversations(session.archive, limit=100) if one.category and one.project_name
        ]
        assert len(sorted_ones) == FEW
        assert receive_omi()["read"] == 0
