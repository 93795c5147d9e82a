"""Reading a finished batch: output and error file alike, line by line, each conversation's answer for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from commonplace.categorize.openai.batch_job import Job, Line
from commonplace.categorize.openai.packing import defect, verdict_of
from commonplace.categorize.openai.questionnaire import Questionnaire
from commonplace.errors import Defect
from commonplace.model import Usage, Verdict
from commonplace.openai.errors import named
from commonplace.openai.pricing import Price, shares
from commonplace.openai.replies import SAYS, Reply, of_response

BAD_REQUEST = {400, 413, 422}
"""Statuses that say something of the request itself; with any other it was just not answered."""


class Harvest(msgspec.Struct, kw_only=True):
    """What a batch brought."""

    verdicts: list[Verdict] = msgspec.field(default_factory=list)
    defects: list[Defect] = msgspec.field(default_factory=list)
    went_wrong: list[tuple[str, str]] = msgspec.field(default_factory=list)
    missing: int = 0
    """Conversations that were not answered: out of time, cancelled, or the service failed."""
    usage: Usage = Usage()
    codes: set[tuple[int, str]] = msgspec.field(default_factory=set)
    """What lines that failed say: status and code."""


class _Error(msgspec.Struct):
    code: str | None = None


class _Body(msgspec.Struct):
    error: _Error | None = None


class _Response(msgspec.Struct):
    status_code: int = 0
    body: msgspec.Raw = msgspec.Raw(b"{}")


class _Row(msgspec.Struct):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


def harvest(
    job: Job, contents: Sequence[bytes], price: Price | None, *, named: Callable[[str], str] = named
) -> Harvest:
    """What the files of a batch say. Unknown and repeated lines are ignored; lines that are gone are missing. Of codes
    of errors those are told that are `named`."""
    found = Harvest()
    questions = Questionnaire(job.taxonomy, job.analysis)
    left = dict(job.lines)
    for row in _rows(contents):
        line = left.get(row.custom_id)
        if line is None:
            continue
        if row.response is not None and row.response.status_code == 200:
            del left[row.custom_id]
            _take(found, job, questions, line, of_response(bytes(row.response.body)), price)
            continue
        status, code = _failure(row, named)
        found.codes.add((status, code))
        if status in BAD_REQUEST:
            del left[row.custom_id]
            for pair in line.conversations:
                said = ", ".join(filter(None, (f"HTTP {status}", code)))
                _note(found, pair, f"the service does not accept it ({said})")
    found.missing = sum(len(line.conversations) for line in left.values())
    return found


def _rows(contents: Sequence[bytes]) -> Iterator[_Row]:
    for content in contents:
        for line in content.splitlines():
            try:
                yield msgspec.json.decode(line, type=_Row)
            except msgspec.MsgspecError:
                continue


def _failure(row: _Row, named: Callable[[str], str]) -> tuple[int, str]:
    if row.response is None:
        return 0, named((row.error.code if row.error else None) or "")
    try:
        body = msgspec.json.decode(row.response.body, type=_Body)
    except msgspec.MsgspecError:
        body = _Body()
    return row.response.status_code, named((body.error.code if body.error else None) or "")


def _take(found: Harvest, job: Job, questions: Questionnaire, line: Line, reply: Reply, price: Price | None) -> None:
    usage = reply.counted.usage(price)
    found.usage += usage
    read = questions.read(reply.text, range(len(line.conversations)))
    why = SAYS.get(reply.problem or "")
    for place, (pair, share) in enumerate(zip(line.conversations, shares(usage, line.weights), strict=True)):
        answer = read[place]
        if isinstance(answer, str):
            _note(found, pair, why or answer)
            continue
        verdict = verdict_of(
            answer,
            conversation_id=pair[0],
            content_hash=pair[1],
            said_by={
                "taxonomy": job.taxonomy.name,
                "taxonomy_hash": job.taxonomy.hash,
                "judge": job.judge,
                "model": job.model,
                "prompt_version": job.prompt_version,
            },
            usage=share,
        )
        found.verdicts.append(verdict)


def _note(found: Harvest, pair: tuple[str, str], reason: str) -> None:
    found.went_wrong.append(pair)
    found.defects.append(defect(pair[0], reason))
