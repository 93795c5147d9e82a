"""Conversations at OpenAI: requests against the least that there can be, and none that writes where nothing changed.

    python -m benchmarks.openai_conversations           500 conversations of 50 messages
    python -m benchmarks.openai_conversations --quick   60

The least is one request for each conversation and one for every 20 messages.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path

MESSAGES = 50
TARGET = 1.0


def main() -> int:
    from commonplace.archive.ledger import ArchiveLedger
    from commonplace.archive.opening import open_archive
    from commonplace.destinations.openai import ConversationSettings, open_openai
    from tests.destinations.documents import document
    from tests.fakes.conversations import FakeConversations

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 60 if parser.parse_args().quick else 500
    texts = [f"Words {number}" for number in range(MESSAGES)]
    documents = [document(str(number), f"Title {number}", *texts) for number in range(count)]
    with (
        FakeConversations() as fake,
        tempfile.TemporaryDirectory() as folder,
        open_archive(f"sqlite:///{Path(folder) / 'archive.db'}") as archive,
    ):
        destination = open_openai(ConversationSettings(api_key=fake.key, base_url=fake.url))
        ledger = ArchiveLedger(archive, destination.instance)
        destination.write(documents, ledger)
        ratio = sum(fake.requests.values()) / (count * (1 + math.ceil(MESSAGES / 20)))
        before = fake.writes
        destination.write(documents, ledger)
        list(destination.pull_messages(ledger, None))
        again = fake.writes - before
        destination.close()
    print(f"{count:,} conversations: {ratio:.3f} of the least requests (target {TARGET:.1f}); again: {again} writes")
    return 0 if ratio <= TARGET and not again else 1


if __name__ == "__main__":
    sys.exit(main())
