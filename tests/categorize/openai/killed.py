"""A process that judges until it is killed: `python -m tests.categorize.openai.killed URL FILE COUNT MODE`.

It keeps each verdict in the file the moment it is handed over, and asks only about what is not there, as a stage does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from commonplace.archive.opening import open_archive
from commonplace.archive.verdicts.batches import ArchiveBatches
from commonplace.categorize.contract import Category, Taxonomy
from commonplace.categorize.openai import OpenAIBatches, OpenAIJudge
from commonplace.categorize.openai.packing import Plan
from commonplace.categorize.receipts import ReceiptsInMemory
from commonplace.model import Verdict
from commonplace.openai.client import Account, Client
from tests.categorize.openai.conftest import NAMES, subjects

CONCURRENCY = 4


class Kept(ReceiptsInMemory):
    """Receipts that write every verdict to the disk."""

    def __init__(self, file: TextIO) -> None:
        super().__init__()
        self._file = file

    def keep(self, verdict: Verdict) -> None:
        self._file.write(verdict.conversation_id + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def main(url: str, kept: Path, count: int, mode: str) -> None:
    taxonomy = Taxonomy(name="small", categories=tuple(Category(name=name) for name in NAMES))
    done = set(kept.read_text().split()) if kept.exists() else set()
    waiting = [each for each in subjects(count) if each.conversation_id not in done]
    client = Client(Account(api_key="sk-test", base_url=url, timeout=300))
    with kept.open("a", encoding="utf-8") as file:
        kept_here = Kept(file)

        def keep_all(verdicts: Sequence[Verdict]) -> None:
            for verdict in verdicts:
                kept_here.keep(verdict)

        if mode == "live":
            plan = Plan(1500, 1, 6000)
            judge = OpenAIJudge(client, concurrency=CONCURRENCY, plan=plan)
            judge.judge_each(waiting, taxonomy, kept_here)
            judge.close()
            return
        with open_archive(str(kept.with_suffix(".db"))) as archive:
            batches = OpenAIBatches(client, ArchiveBatches(archive), grace_seconds=0)
            batches.collect(keep_all)
            done = set(kept.read_text().split())
            sent = batches.submit([each for each in waiting if each.conversation_id not in done], taxonomy)
            print(json.dumps({"submitted": sent.conversations}))  # noqa: T201
            batches.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
