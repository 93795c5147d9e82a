"""A batch's input file: built within the service's limits, in a temporary file that has no name."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import msgspec

from commonplace.categorize.openai.batch_job import Batch
from commonplace.categorize.openai.packing import Item, expected, room_for
from commonplace.categorize.openai.questionnaire import Questionnaire
from commonplace.categorize.openai.realtime import request_body

TOO_MANY_TOKENS = "token_limit_exceeded"
"""The service's code for a batch that did not fit into the account's queue, known only after a while."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one file and the account's queue may hold. The queue's limit depends on the account and the model."""

    requests: int = 50_000
    bytes: int = 190 * 1024 * 1024
    enqueued_tokens: int = 2_000_000

    def lowered(self, known: Sequence[Batch]) -> Limits:
        """Half of what the service found too much, if it did."""
        refused = [batch.job.tokens for batch in known if batch.status == TOO_MANY_TOKENS]
        if not refused:
            return self
        return msgspec.structs.replace(self, enqueued_tokens=min(self.enqueued_tokens, min(refused) // 2))


class BatchFile(msgspec.Struct):
    """What is in it, and the open file."""

    handle: IO[bytes]
    groups: list[list[Item]]
    sha256: str
    tokens: int


@contextmanager
def build(model: str, questions: Questionnaire, groups: Sequence[list[Item]], limits: Limits) -> Iterator[BatchFile]:
    """As many of the requests, in order, as fit into one file; the custom id of each is its place."""
    with tempfile.TemporaryFile() as handle:
        digest = hashlib.sha256()
        size = tokens = 0
        taken: list[list[Item]] = []
        for group in groups[: limits.requests]:
            line = _line(model, questions, group, len(taken))
            if size + len(line) > limits.bytes:
                break
            handle.write(line)
            digest.update(line)
            size += len(line)
            tokens += expected(questions, group).input
            taken.append(group)
        handle.seek(0)
        yield BatchFile(handle, taken, digest.hexdigest(), tokens)


def _line(model: str, questions: Questionnaire, group: list[Item], place: int) -> bytes:
    body = request_body(model, questions, [item.text for item in group], room_for(questions, group))
    request = {"custom_id": f"{place:05d}", "method": "POST", "url": "/v1/responses", "body": body}
    return msgspec.json.encode(request) + b"\n"
