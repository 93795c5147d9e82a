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
from tests.archive.builders import bytes_of

NOTES = "Bread: 500 g of flour — and time."


def received() -> Conversation:
    attachment = Attachment(id="notes.txt", name="notes.txt", mime_type="text/plain", text=NOTES)
    said = Message(id="m-1", role="user", text="Keep this", digest=b"1", attachments=[attachment])
    return Conversation(source="omi", external_id="o-1", title="Bread", messages=[said])


def test_a_conversation_that_was_received_is_taken_in_with_the_text_of_its_attachment(archive: Archive) -> None:
    tally = Tally()
    import_id = imports.start(archive, name="inbox", signature="")
    with leases.hold(archive, leases.importing(archive.owner)) as lease, TextIndex(archive) as index:
        intake = Intake(lease.archive, name="inbox", import_id=import_id, index=index, tally=tally)
        intake.run([received(), Defect("inbox", "o-2", "no transcript")], lambda: None)
    assert (tally.new, tally.failed, len(tally.defects)) == (1, 1, 1)
    found = load_conversation(archive, "omi:o-1")
    assert found is not None
    (attachment,) = found.messages[0].attachments
    assert attachment.sha256 is not None
    assert bytes_of(archive, attachment.sha256).decode() == NOTES
