"""Ninety short questions in fourteen languages to the sample export, by meaning alone: how often one of the first three
conversations is about what was asked for. All were written before anything was changed for them; none is left out.
And questions to which nothing there is an answer: how often something is quoted all the same."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from commonplace.archive.opening import open_archive
from commonplace.archive.schema import conversations
from commonplace.archive.search.near import nearest
from commonplace.archive.search.passages import kind_named
from commonplace.config import Environment, MeaningSettings, Settings
from commonplace.meaning.questions import direction_of
from commonplace.meaning.registry import free_embedder
from commonplace.session import Session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages import asking, embedding
from commonplace.stages.importing.stage import import_exports
from commonplace.stages.searching import Searcher

QUESTIONS = Path(__file__).with_name("short_questions.tsv")
"""Of each its language, the question, and what the titles have in them that answer it."""
ABSENT = QUESTIONS.with_name("absent_questions.txt")
FIRST = 3


class Short(NamedTuple):
    as_the_model_has_them: float
    as_asked: float
    absent_but_quoted: float


def recall_of_short_questions() -> Short:
    lines = [line.split("\t") for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    embedder = free_embedder()
    with tempfile.TemporaryDirectory() as name, open_archive(f"sqlite:///{name}/archive.db") as archive:
        folder = Path(name)
        write_sample(folder / "sample.zip")
        settings = Settings(
            home=folder, database_url="", files="", timezone="UTC", meaning=MeaningSettings(model="use")
        )
        session = Session(settings, Environment({}), archive)
        import_exports(session, [folder / "sample.zip"])
        embedding.embed_pending(session)
        kind = kind_named(archive, embedder.key)
        assert kind is not None
        with archive.read() as connection:
            titles = {
                row.key: row.title for row in connection.execute(select(conversations.c.key, conversations.c.title))
            }
        hits = [0, 0]
        for _, question, wanted in lines:
            for way, row in enumerate((embedder.embed([question])[0], direction_of(embedder, question))):
                first = nearest(archive, kind, row)[:FIRST]
                hits[way] += any(wanted in titles[each.key] for each in first)
        absent = ABSENT.read_text(encoding="utf-8").splitlines()
        with closing(Searcher(session)) as searcher:
            quoted = sum(bool(asking.quote(session, searcher, question).sources) for question in absent)
    return Short(hits[0] / len(lines), hits[1] / len(lines), quoted / len(absent))
