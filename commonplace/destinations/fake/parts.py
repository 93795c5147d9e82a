"""A conversation whose messages are parts of their own at the service: added where it grew, replaced where it forked.

Adding cannot be repeated, so after any doubt the service is asked what is there: parts that follow what is known, and
say what would have been added next, are ours.
"""

from __future__ import annotations

import hashlib

from commonplace.destinations.contract import Ledger
from commonplace.destinations.fake.service import FakeService
from commonplace.model import Conversation, LedgerItem, Message

AT_ONCE = 2


def bring(service: FakeService, page_id: str, conversation: Conversation, ledger: Ledger) -> None:
    """The active messages, in order; what others said there stays."""
    wanted = [message for message in conversation.messages if message.is_active and not _is_from_there(message)]
    known = ledger.items(conversation.id)
    same = 0
    while same < min(len(known), len(wanted)) and _key(wanted[same]) == (known[same].id, known[same].input_hash):
        same += 1
    for item in known[same:]:
        service.cut(page_id, item.remote_id)
    ledger.drop_items(conversation.id, [item.id for item in known[same:]])
    same += _adopt(service, page_id, conversation.id, wanted[same:], {item.remote_id for item in known}, ledger)
    for start in range(same, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        remote_ids = service.append(page_id, [message.text for message in some])
        ledger.add_items(conversation.id, [_item(*pair) for pair in zip(some, remote_ids, strict=True)])


def _adopt(
    service: FakeService, page_id: str, conversation_id: str, wanted: list[Message], known: set[str], ledger: Ledger
) -> int:
    """Parts that were added without an answer."""
    strangers = [part for part in service.pages[page_id].parts if part.id not in known]
    found: list[LedgerItem] = []
    for message, part in zip(wanted, strangers, strict=False):
        if message.text != part.text:
            break
        found.append(_item(message, part.id))
    ledger.add_items(conversation_id, found)
    return len(found)


def with_digest(message: Message) -> Message:
    message.digest = hashlib.blake2b(message.text.encode(), digest_size=16).digest()
    return message


def _is_from_there(message: Message) -> bool:
    return message.id.startswith("fake:")


def _item(message: Message, remote_id: str) -> LedgerItem:
    id, input_hash = _key(message)
    return LedgerItem(id=id, input_hash=input_hash, remote_id=remote_id)


def _key(message: Message) -> tuple[str, str]:
    text = message.text.encode("utf-8", "surrogatepass")
    return message.id, hashlib.blake2b(text, digest_size=8).hexdigest()
