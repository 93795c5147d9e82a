"""Why a conversation is where it is."""

from __future__ import annotations

from sqlalchemy import event

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.verdicts.verdicts import correct
from commonplace.stages.explaining import why
from commonplace.stages.mapping import projects
from tests.archive.builders import simple_chat

ID = "chatgpt:a"


def test_everything_that_is_known_of_one_is_told(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "hello")])
    assert why(archive, ID).assigned is None
    correct(archive, ID, "category", "Coding", origin="web")
    projects.assign(archive, "Kitchen", [ID], new=True)
    ArchiveLedger(archive, "notion:x").fail(ID, "h", "too long")
    opened: list[object] = []
    event.listen(archive.engine, "checkout", lambda *_: opened.append(_))
    told = why(archive, ID)
    assert len(opened) == 1
    assert [(word.field, word.value, word.origin) for word in told.said] == [("category", "Coding", "web")]
    assert told.assigned is not None
    assert (told.assigned.rule, told.assigned.project) == ("person", "Kitchen")
    assert [(copy.destination, copy.state, copy.reason) for copy in told.copies] == [("notion:x", "failed", "too long")]
