"""A run in a process of its own, to be killed: `python -m ...killed SETTINGS LEDGER DOCUMENTS`."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from commonplace.destinations.contract import Document
from commonplace.destinations.notion import NotionSettings, open_notion
from tests.destinations.notion.world import FileLedger


def main(settings: str, ledger: str, documents: str) -> None:
    destination = open_notion(msgspec.json.decode(settings, type=NotionSettings))
    batch = msgspec.json.decode(Path(documents).read_bytes(), type=list[Document])
    destination.write(batch, FileLedger(ledger))
    destination.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
