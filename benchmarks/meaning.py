"""How much is found in other words, and how fast: `python -m benchmarks.meaning [--passages 100000] [--quick]`.

The archive is the shipped examples, 3,498 short chats in fifteen languages, embedded once and kept in `.data/`. The
questions (`quality/paraphrases.tsv`) were written for it without the words of the chat that answers them, many in
another language; one chat is right, and others on its topic count as wrong. `--quick` takes every fourth chat and what
is asked about them: quick figures are for comparing with quick figures.

Speed is measured on random passages, beside the product of their matrix with one vector in the same process.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from sqlalchemy import select

from benchmarks.generated.kept import DATA
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.archive.rows import insert_rows
from commonplace.archive.schema import conversations, passages
from commonplace.archive.search import near
from commonplace.archive.search import passages as stored
from commonplace.archive.search.search import Mode
from commonplace.categorize.local.examples import Example, examples
from commonplace.config import Environment, MeaningSettings, Settings
from commonplace.model import Conversation, Message, Role
from commonplace.session import Session
from commonplace.stages import asking, embedding
from commonplace.stages.searching import Searcher

QUESTIONS = Path(__file__).parent / "quality" / "paraphrases.tsv"
FIRST = 5
QUICK = 4
DIMENSIONS = 256
PER_CONVERSATION = 10
ROUNDS = 40
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
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return [Asked(*line.split("\t")) for line in lines]


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


def filled(archive: Archive, chats: Sequence[Example]) -> Session:
    """The archive with these chats in it, embedded: what is there already is not made again."""
    merge(archive, None, [conversation(chat) for chat in chats])
    settings = Settings(home=DATA, database_url="", files="", timezone="UTC", meaning=MeaningSettings(model="use"))
    session = Session(settings, Environment({}), archive)
    first = embedding.embed_pending(session)
    again = embedding.embed_pending(session)
    if first.embedded:
        print(f"embedded {first.embedded:,} conversations, {first.passages:,} passages: {first.seconds:.1f} s")
    print(f"embedding again, nothing new: {again.passages} texts, {again.seconds:.2f} s (2 s asked)")
    return session


def found_in(searcher: Searcher, mode: Mode, question: str) -> list[str]:
    plain = " ".join(word.strip("\"'?!") for word in question.split())
    return [one.id for one in searcher.search(plain, mode=mode, limit=FIRST, facets=False).results]


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
        hits = [answer in found_in(searcher, mode, one.said) for one, answer in zip(asked, answers, strict=True)]
        print(f"  {mode:8} {_share(hits):.2f}")


def _share(hits: Iterator[bool] | Sequence[bool]) -> float:
    counted = list(hits)
    return sum(counted) / max(1, len(counted))


def median_ms(work: Callable[[int], object], rounds: int = ROUNDS) -> float:
    work(0)
    took = []
    for number in range(rounds):
        started = time.perf_counter()
        work(number)
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000


def speed(session: Session, asked: Sequence[Asked]) -> None:
    """Whole searches, over the examples."""
    searcher = Searcher(session)
    took = {
        mode: median_ms(lambda n, mode=mode: found_in(searcher, mode, asked[n % len(asked)].question))  # type: ignore[misc]
        for mode in MODES
    }
    limit = (took["words"] + took["meaning"]) * 1.2
    print("\np50: " + ", ".join(f"{mode} {ms:.1f} ms" for mode, ms in took.items()) + f" ({limit:.1f} ms asked)")
    asking_ms = median_ms(lambda n: asking.quote(session, searcher, asked[n % len(asked)].question))
    print(f"ask without a model, p50: {asking_ms:.0f} ms (1,000 ms asked)")


def search_of(count: int) -> None:
    """One search by meaning over so many passages, beside one bare product with their matrix."""
    draw = np.random.default_rng(0)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_archive(f"{folder}/archive.db", files=f"{folder}/files") as archive,
    ):
        kind = _random_passages(archive, count, draw)
        wanted = draw.normal(size=(ROUNDS, DIMENSIONS)).astype(np.float32)
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
        ours = median_ms(lambda n: near.nearest(archive, kind, wanted[n]))
    matrix = draw.normal(size=(count, DIMENSIONS)).astype(np.float32)
    bare = median_ms(lambda n: matrix @ wanted[n])
    print(
        f"\n{count:,} passages: by meaning {ours:.1f} ms, bare product {bare:.1f} ms: {ours / bare:.2f} x (1.5 asked)"
    )


def _random_passages(archive: Archive, count: int, draw: np.random.Generator) -> stored.Kind:
    chats = range(count // PER_CONVERSATION)
    said = [Message(id=f"{n}", role="user", text="x", digest=b"x") for n in chats]
    for start in range(0, len(chats), 5_000):
        batch = chats[start : start + 5_000]
        merge(
            archive,
            None,
            [Conversation(source="chatgpt", external_id=f"{n}", updated_at=1, messages=[said[n]]) for n in batch],
        )
    with archive.read() as connection:
        keys = list(connection.execute(select(conversations.c.key)).scalars())
    kind = stored.begin(archive, "use:random", DIMENSIONS, is_bought=False)
    columns = tuple(column.name for column in passages.columns if column.name != "key")
    for start in range(0, count, 50_000):
        some = min(50_000, count - start)
        vectors = np.clip(draw.normal(size=(some, DIMENSIONS)) * 40, -127, 127).astype(np.int8)
        rows = [
            (kind.key, keys[(start + n) // PER_CONVERSATION], None, None, 0, 1, b"%d" % (start + n), 1 / 640,
             vectors[n].tobytes())
            for n in range(some)
        ]  # fmt: skip
        with archive.write() as connection:
            insert_rows(connection, passages, columns, rows)
    near.renew(archive, kind, at_once=True)
    return kind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--passages", type=int, nargs="*", default=[])
    wanted = parser.parse_args()
    every = QUICK if wanted.quick else 1
    asked = questions()
    about = {answering(one, examples()) for one in asked}
    chats = [chat for n, chat in enumerate(examples()) if n % every == 0 or _id(chat) in about]
    DATA.mkdir(exist_ok=True)
    with open_archive(str(DATA / f"meaning-{every}.db")) as archive:
        session = filled(archive, chats)
        quality(session, chats, asked)
        speed(session, asked)
    for count in wanted.passages:
        search_of(count)


if __name__ == "__main__":
    main()
