"""A process that merges chats of its own, and some of everybody's: `python -m tests.archive.writer URL NUMBER`."""

from __future__ import annotations

import sys

from commonplace.archive.conversations.merge import merge
from commonplace.archive.opening import open_archive
from tests.archive.builders import simple_chat

OWN = 20
SHARED = 10
BATCH = 5


def main(url: str, number: int) -> None:
    own = [simple_chat(f"own-{number}-{n}", "one", "two") for n in range(OWN)]
    shared = [
        simple_chat(f"shared-{n}", "one", f"by {number}", updated=100 + number, title=f"of {number}")
        for n in range(SHARED)
    ]
    for conversation in shared:
        conversation.messages[1].id = f"by-{number}"
    everything = [conversation for pair in zip(own[:SHARED], shared, strict=True) for conversation in pair] + own[
        SHARED:
    ]
    with open_archive(url) as archive:
        for start in range(0, len(everything), BATCH):
            merge(archive, None, everything[start : start + BATCH])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
