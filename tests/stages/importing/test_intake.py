"""Conversations come in wherever they come from: one that was just received needs no export around it."""

from __future__ import annotations

from commonplace.archive import leases
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.errors import Defect
from commonplace.model import Attachment, Conversation, Message
from commonplace.stages.importing.intake import Intake, TextIndex
from commonplace.stages.importing.report import Tally
from tests.archive.builders import bytes_of, simple_chat

NOTES = "Bread: 500 g of flour — and time."


def taken_in(archive: Archive, *items: Conversation | Defect) -> Tally:
    tally = Tally()
    import_id = imports.start(archive, name="inbox", signature="")
    with leases.hold(archive, leases.importing(archive.owner)) as lease, TextIndex(archive) as index:
        intake = Intake(lease.archive, name="inbox", import_id=import_id, index=index, tally=tally)
        intake.run(items, lambda: None)
    return tally


def received() -> Conversation:
    attachment = Attachment(id="notes.txt", name="notes.txt", mime_type="text/plain", text=NOTES)
    said = Message(id="m-1", role="user", text="Keep this", digest=b"1", attachments=[attachment])
    return Conversation(source="omi", external_id="o-1", title="Bread", messages=[said])


def test_a_conversation_that_was_received_is_taken_in_with_the_text_of_its_attachment(archive: Archive) -> None:
    tally = taken_in(archive, received(), Defect("inbox", "o-2", "no transcript"))
    assert (tally.new, tally.failed, len(tally.defects)) == (1, 1, 1)
    found = load_conversation(archive, "omi:o-1")
    assert found is not None
    (attachment,) = found.messages[0].attachments
    assert attachment.sha256 is not None
    assert bytes_of(archive, attachment.sha256).decode() == NOTES


def test_a_value_that_no_database_takes_fails_alone(archive: Archive) -> None:
    odd = simple_chat("odd", "What is this?", created_at=1 << 70)
    tally = taken_in(archive, simple_chat("a", "one"), odd, simple_chat("b", "two"))
    assert (tally.new, tally.failed) == (2, 1)
    assert "cannot be stored" in tally.defects[0].reason
