"""Conversations at OpenAI: requests against the least that there can be, none that writes where nothing changed, and
how near a push is to what latency and concurrency allow.

    python -m benchmarks.openai_conversations           520 conversations of 50 messages
    python -m benchmarks.openai_conversations --quick   104

The least is one request for each conversation and one for every 20 messages. Each answer takes 200 ms; the floor is the
least requests / conversations at once, times the latency. They are written in the chunks of a run, to a server in a
process of its own, as OpenAI is.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MESSAGES = 50
LATENCY_SECONDS = 0.2
TARGET, TARGET_SHARE = 1.0, 0.9


def where(fake: Any) -> tuple[str, str]:
    return fake.key, fake.url


def at_once(fake: Any) -> None:
    fake.latency_seconds = 0.0


def sent(fake: Any) -> tuple[int, int]:
    """Requests in all, and those that write."""
    return sum(fake.requests.values()), fake.writes


def main() -> int:
    from benchmarks.elsewhere import elsewhere
    from commonplace.archive.ledger import ArchiveLedger
    from commonplace.archive.opening import open_archive
    from commonplace.destinations.openai import ConversationSettings, open_openai
    from commonplace.destinations.openai.destination import WRITERS
    from commonplace.stages.selection import slices
    from tests.destinations.documents import document
    from tests.fakes.conversations import FakeConversations

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 104 if parser.parse_args().quick else 520
    texts = [f"Words {number}" for number in range(MESSAGES)]
    documents = [document(str(number), f"Title {number}", *texts) for number in range(count)]
    with (
        elsewhere(FakeConversations, latency_seconds=LATENCY_SECONDS) as ask,
        tempfile.TemporaryDirectory() as folder,
        open_archive(f"sqlite:///{Path(folder) / 'archive.db'}") as archive,
    ):
        key, url = ask(where)
        destination = open_openai(ConversationSettings(api_key=key, base_url=url))
        ledger = ArchiveLedger(archive, destination.instance)
        destination.client.sdk()  # loads what is needed to ask at all
        by_id = {one.conversation.id: one for one in documents}
        started = time.monotonic()
        for chunk in slices(list(by_id), rounds_of=WRITERS):
            destination.write([by_id[id] for id in chunk], ledger)
        took = time.monotonic() - started
        least = count * (1 + math.ceil(MESSAGES / 20))
        requests, before = ask(sent)
        ratio, share = requests / least, least / WRITERS * LATENCY_SECONDS / took
        ask(at_once)
        destination.write(documents, ledger)
        list(destination.pull_messages(ledger, None))
        again = ask(sent)[1] - before
        destination.close()
    print(f"{count:,} conversations: {ratio:.3f} of the least requests (target {TARGET:.1f}); again: {again} writes")
    print(f"{share:.1%} of what latency and {WRITERS} at once allow (target {TARGET_SHARE:.0%})")
    return 0 if ratio <= TARGET and not again and share >= TARGET_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
