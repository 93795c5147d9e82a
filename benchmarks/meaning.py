"""How much is found in other words, and how fast: `python -m benchmarks.meaning [--quick]
[--passages 100000 1000000] [--postgres 200000]`.

The archive is 3,498 of the shipped examples, short chats in fifteen languages, embedded once and kept in `.data/`. The
questions (`quality/paraphrases.tsv`) were written for it without the words of the chat that answers them, many in
another language; one chat is right, and others on its topic count as wrong. Topics which came after the questions
(`quality/later_topics.txt`) are left out. `--quick` takes every fourth chat and what
is asked about them: quick figures are for comparing with quick figures.

Speed is measured over as many generated conversations and passages as are wanted (`generated/vectors.py`), kept in
`.data/`, too, beside the product of all vectors with one in the same process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from sqlalchemy import select

from benchmarks.generated.archive import filled
from benchmarks.generated.kept import DATA
from benchmarks.generated.vectors import embedded, real_rows
from benchmarks.measuring.processes import MEGABYTE, Private
from benchmarks.measuring.verdicts import verdict
from benchmarks.quality.short_questions import recall_of_short_questions
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.archive.schema import passages
from commonplace.archive.search import near, passages_postgresql
from commonplace.archive.search import passages as stored
from commonplace.archive.search.search import Mode
from commonplace.categorize.local.examples import Example, examples
from commonplace.config import Environment, MeaningSettings, Settings
from commonplace.meaning.contract import Floats
from commonplace.meaning.registry import free_embedder
from commonplace.model import Conversation, Message, Role
from commonplace.session import Session
from commonplace.stages import asking, embedding
from commonplace.stages.searching import Searcher

QUESTIONS = Path(__file__).parent / "quality" / "paraphrases.tsv"
LATER = QUESTIONS.with_name("later_topics.txt")
FIRST = 5
QUICK = 4
PER_CONVERSATION = 10
ROUNDS, COLD_ROUNDS = 40, 7
MANY = 1_000_000
TEN = 10
MODES: tuple[Mode, ...] = ("words", "meaning", "hybrid")


class Asked(msgspec.Struct, frozen=True):
    """A question, the language it is in, and which chat answers it, by a part of what was said there."""

    language: str
    asked_in: str
    said: str
    question: str

    @property
    def group(self) -> str:
        if self.language != self.asked_in:
            return "another language"
        return "English" if self.language == "en" else "its own language"


def questions() -> list[Asked]:
    """As people ask them, with the mark."""
    lines = [line.split("\t") for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return [Asked(language, asked_in, said, f"{question.rstrip('?')}?") for language, asked_in, said, question in lines]


def answering(asked: Asked, chats: Sequence[Example]) -> str:
    """The chat that a question is about."""
    wanted = asked.said.lower()
    return next(
        _id(chat)
        for chat in chats
        if chat.language == asked.language and wanted in "\n".join(turn.text for turn in chat.subject.turns).lower()
    )


def _id(chat: Example) -> str:
    return f"chatgpt:{chat.subject.conversation_id.replace(':', '-')}"


def conversation(chat: Example) -> Conversation:
    id = _id(chat).partition(":")[2]
    roles: tuple[Role, Role] = ("user", "assistant")
    said = [
        Message(id=f"{id}-{n}", role=roles[n % 2], text=turn.text, digest=f"{id}-{n}".encode(), created_at=n,
                parent_id=f"{id}-{n - 1}" if n else None)
        for n, turn in enumerate(chat.subject.turns)
    ]  # fmt: skip
    return Conversation(
        source="chatgpt", external_id=id, title=chat.subject.title, updated_at=1, messages=said,
        current_message_id=said[-1].id,
    )  # fmt: skip


def prepared(archive: Archive, chats: Sequence[Example]) -> Session:
    """The archive with these chats in it, embedded: what is there already is not made again."""
    merge(archive, None, [conversation(chat) for chat in chats])
    settings = Settings(home=DATA, database_url="", files="", timezone="UTC", meaning=MeaningSettings(model="use"))
    session = Session(settings, Environment({}), archive)
    first = embedding.embed_pending(session)
    again = embedding.embed_pending(session)
    if first.embedded:
        print(f"embedded {first.embedded:,} conversations, {first.passages:,} passages: {first.seconds:.1f} s")
    verdict(f"seconds to embed again, {again.passages} texts", again.seconds, at_most=2)
    return session


def found_in(searcher: Searcher, mode: Mode, question: str) -> list[str]:
    return [one.id for one in searcher.search(question, mode=mode, limit=FIRST, facets=False).results]


def plain(said: str) -> str:
    """Without what search takes for a phrase."""
    return " ".join(word.strip("\"'") for word in said.split())


def quality(session: Session, chats: Sequence[Example], asked: Sequence[Asked]) -> None:
    searcher = Searcher(session)
    answers = [answering(one, chats) for one in asked]
    groups = ["English", "its own language", "another language"]
    print(f"\nrecall@{FIRST}, {len(asked)} questions in other words   all   {'   '.join(groups)}")
    for mode in MODES:
        hits = [answer in found_in(searcher, mode, one.question) for one, answer in zip(asked, answers, strict=True)]
        by_group = [_share(hit for hit, one in zip(hits, asked, strict=True) if one.group == group) for group in groups]
        print(f"  {mode:8} {_share(hits):.2f}   {'   '.join(f'{share:.2f}' for share in by_group)}")
    print(f"recall@{FIRST}, the same chats asked for by a part of what was said there")
    for mode in MODES:
        hits = [answer in found_in(searcher, mode, plain(one.said)) for one, answer in zip(asked, answers, strict=True)]
        print(f"  {mode:8} {_share(hits):.2f}")
    short = recall_of_short_questions()
    print(f"recall@3, short questions to the sample: {short.as_asked:.2f}", end="; ")
    print(f"{short.as_the_model_has_them:.2f} as the model has them")
    print(f"questions without an answer there of which something is quoted: {short.absent_but_quoted:.2f}")


def _share(hits: Iterator[bool] | Sequence[bool]) -> float:
    counted = list(hits)
    return sum(counted) / max(1, len(counted))


def in_turn(works: Sequence[Callable[[int], object]], rounds: int = ROUNDS) -> list[float]:
    """Median milliseconds of each, asked one after the other in every round, so that all meet the same machine."""
    took: list[list[float]] = [[] for _ in works]
    for number in range(-1, rounds):
        for work, times in zip(works, took, strict=True):
            started = time.perf_counter()
            work(max(number, 0))
            times.append(time.perf_counter() - started)
    return [statistics.median(times[1:]) * 1000 for times in took]


def speed(session: Session, asked: Sequence[Asked]) -> None:
    """Whole searches, over the examples."""
    searcher = Searcher(session)
    words, meaning, hybrid, ask = in_turn(
        [
            *(lambda n, mode=mode: found_in(searcher, mode, asked[n].question) for mode in MODES),
            lambda n: asking.quote(session, searcher, asked[n].question),
        ]
    )
    print(f"\np50: words {words:.1f} ms, meaning {meaning:.1f} ms, hybrid {hybrid:.1f} ms, asked {ask:.1f} ms")
    verdict("hybrid / words and meaning", hybrid / (words + meaning), at_most=1.2)


def cold(database: Path, asked: Sequence[Asked]) -> None:
    """The command, from its start to its end."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ, "COMMONPLACE_HOME": home, "COMMONPLACE_DATABASE_URL": f"sqlite:///{database}",
            "COMMONPLACE_FILES": f"{home}/files",
        }  # fmt: skip
        command = [sys.executable, "-m", "commonplace", "search", "--json"]

        def run(n: int, mode: Mode) -> None:
            line = [*command, "--mode", mode, asked[n].said]
            subprocess.run(line, env=environment, check=True, stdout=subprocess.DEVNULL)

        words, hybrid = in_turn([lambda n: run(n, "words"), lambda n: run(n, "hybrid")], COLD_ROUNDS)
    print(f"\nfrom a cold start: words {words:.0f} ms, hybrid {hybrid:.0f} ms")
    verdict("seconds that hybrid takes longer", (hybrid - words) / 1000, at_most=1.5)


def search_of(
    count: int, real: Floats, wanted: Floats, session: Session, asked: Sequence[Asked], *, postgres: bool
) -> None:
    """Searches over so many passages, beside one bare product with their matrix."""
    with filled(count, postgres=postgres, each=PER_CONVERSATION) as archive:
        kind = embedded(archive, free_embedder().key, real)
        private = Private()
        with private:  # before the matrix: what that takes while it is made would be taken again by this
            for direction in wanted[:10]:
                near.nearest(archive, kind, direction)
        matrix = _matrix(archive, kind)
        ours, bare = in_turn([lambda n: near.nearest(archive, kind, wanted[n]), lambda n: matrix @ wanted[n]])
        where = "PostgreSQL" if postgres else "SQLite"
        print(f"\n{len(matrix):,} passages on {where}: by meaning {ours:.1f} ms, bare product {bare:.1f} ms")
        if postgres:
            verdict("recall@10 beside exact", _recall(archive, kind, matrix, wanted), at_least=0.94)
        else:
            verdict("by meaning / bare product", ours / bare, at_most=1.5 if count < MANY else 1.0)
            verdict("MB private to the process", private.grew_by / MEGABYTE, at_most=60)
        whole = Session(session.settings, session.environment, archive)
        again = embedding.embed_pending(whole)
        verdict(f"seconds to embed again, {again.passages} texts", again.seconds, at_most=2)
        searcher = Searcher(whole)
        ask, *modes = in_turn(
            [
                lambda n: asking.quote(whole, searcher, asked[n].question),
                *(lambda n, mode=mode: found_in(searcher, mode, asked[n].question) for mode in MODES),
            ]
        )
        print("  p50: " + ", ".join(f"{mode} {ms:.1f} ms" for mode, ms in zip(MODES, modes, strict=True)))
        verdict("hybrid / words and meaning", modes[2] / (modes[0] + modes[1]), at_most=1.2)
        verdict(f"seconds to ask {count // PER_CONVERSATION:,} conversations, without a model", ask / 1000, at_most=1)


def _matrix(archive: Archive, kind: stored.Kind) -> Floats:
    """All vectors, as a bare product wants them, in the order of their keys."""
    with archive.read() as connection:
        query = select(passages.c.vector, passages.c.scale).where(passages.c.kind_key == kind.key)
        rows = connection.execute(query.order_by(passages.c.key), execution_options={"yield_per": 10_000})
        return np.stack([stored.restored(row.vector, row.scale) for row in rows])


def _recall(archive: Archive, kind: stored.Kind, matrix: Floats, wanted: Floats) -> float:
    """Of the ten nearest passages, how many the index finds."""
    with archive.read() as connection:
        query = select(passages.c.key).where(passages.c.kind_key == kind.key).order_by(passages.c.key)
        keys = np.array(connection.execute(query).scalars().all())
        shares = []
        for direction in wanted:
            exact = set(keys[np.argsort(-(matrix @ direction))[:TEN]].tolist())
            listed = passages_postgresql.nearest(connection, kind, direction, near.CANDIDATES, None, None)
            shares.append(len(exact & {key for _, key, _ in listed[:TEN]}) / TEN)
    return statistics.mean(shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--passages", type=int, nargs="*", default=[], help="so many, on SQLite")
    parser.add_argument("--postgres", type=int, nargs="*", default=[], help="so many, on PostgreSQL")
    options = parser.parse_args()
    every = QUICK if options.quick else 1
    asked = questions()
    about = {answering(one, examples()) for one in asked}
    later = LATER.read_text(encoding="utf-8").split()
    there = [chat for chat in examples() if chat.reference not in later]
    chats = [chat for n, chat in enumerate(there) if n % every == 0 or _id(chat) in about]
    DATA.mkdir(exist_ok=True)
    with open_archive(str(DATA / f"meaning-{every}.db")) as archive:
        session = prepared(archive, chats)
        quality(session, chats, asked)
        speed(session, asked)
        cold(DATA / f"meaning-{every}.db", asked)
        kind = stored.kind_named(archive, free_embedder().key)
        assert kind is not None
        real, wanted = real_rows(archive, kind), free_embedder().embed([one.question for one in asked])
        for postgres, counts in ((False, options.passages), (True, options.postgres)):
            for count in counts:
                search_of(count, real, wanted, session, asked, postgres=postgres)


if __name__ == "__main__":
    main()
