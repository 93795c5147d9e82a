"""How fast the judge `local` is, and how good: `python -m benchmarks.categorize [--quick] [--local]`.

**Quality.** 3,500 short chats were written by hand, most of them without their category's obvious words, in fifteen
languages. A fifth of the topics (not of the chats) is held out: a model that never saw these topics sorts them. The
same is done five times over the other topics, as a check that features were not fitted to the held-out ones. Floors in
the same run: the largest category, and the lexicon alone (the set that most of its words belong to). Two people agree
on the topic of a real chat at a kappa of about 0.5, so no figure here should be read against 1.0.

**Speed.** Conversations of realistic length in an SQLite archive: read, judged (category, tags, title, summary,
language), answers kept and recorded, on one core; beside it the time for reading alone. What is claimed is counted in
seconds of that core, since others may be using the machine.

Without `--local` the judge `openai` follows (`benchmarks/categorize_openai.py`).
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks import categorize_openai
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Judge, Subject, TagsPolicy, Taxonomy
from commonplace.categorize.definitions import shipped, shipped_names
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local import model as models
from commonplace.categorize.local.examples import Example, examples
from commonplace.categorize.local.features import Counter
from commonplace.categorize.local.gist import candidates, gist_of
from commonplace.categorize.local.lexicon import lexicon
from commonplace.categorize.local.quality import Quality, quality
from commonplace.categorize.local.tagging import recurring
from commonplace.categorize.local.teaching import documents, owners_of_topics, shipped_chats
from commonplace.model import Conversation, Message
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.judges import Judging
from commonplace.stages.categorizing.report import CategorizeReport
from commonplace.stages.categorizing.subjects import subjects

PER_SECOND = 300
CALIBRATION_ERROR = 0.10
TAGS_USED_AGAIN = 0.45
FOLDS = 5


def held_out(taxonomy: Taxonomy, counter: Counter) -> Quality:
    """On the fifth of the topics that is never shown."""
    shown = [example for example in examples() if not example.is_held_out]
    return _measured(taxonomy, counter, shown, [example for example in examples() if example.is_held_out])


def _measured(
    taxonomy: Taxonomy, counter: Counter, shown: Sequence[Example], unseen: Sequence[Example], **options: Any
) -> Quality:
    owners = owners_of_topics(taxonomy, {example.reference for example in unseen})
    asked = [example for example in unseen if example.reference in owners]
    model = models.train(taxonomy.names, documents(taxonomy, counter, shipped=shown), **options)
    return quality(
        model.probabilities([counter.vector(example.fields) for example in asked]),
        [owners[example.reference] for example in asked],
        taxonomy.names,
        [example.language for example in asked],
    )


def cross_validated(taxonomy: Taxonomy, counter: Counter) -> float:
    """The accuracy over the other topics, each sorted by a model that did not see it."""
    shown = [example for example in examples() if not example.is_held_out]
    references = sorted({example.reference for example in shown})
    hits = total = 0.0
    for fold in range(FOLDS):
        hidden = set(references[fold::FOLDS])
        unseen = [example for example in shown if example.reference in hidden]
        rest = [example for example in shown if example.reference not in hidden]
        found = _measured(taxonomy, counter, rest, unseen, sharpness=1.0)
        hits += found.accuracy * found.examples
        total += found.examples
    return hits / total


def described_only(taxonomy: Taxonomy, counter: Counter) -> float:
    """As if the taxonomy were a person's own: no example set is named, only words and descriptions are there.

    The topics that a category borrows are among those it is asked about, without their labels.
    """
    owners = owners_of_topics(taxonomy, {example.reference for example in examples()})
    bare = msgspec.structs.replace(
        taxonomy, categories=tuple(msgspec.structs.replace(c, taught_by=()) for c in taxonomy.categories)
    )
    model = models.train(bare.names, documents(bare, counter), sharpness=1.0)
    asked = [
        (vector, owners[example.reference]) for example, vector in shipped_chats(counter) if example.reference in owners
    ]
    said = model.scores([vector for vector, _ in asked]).argmax(axis=1)
    return float((said == np.array([owner for _, owner in asked])).mean())


def lexicon_alone(counter: Counter) -> float:
    """The floor: the example set that most words of the lexicon point to, on the held-out topics."""
    sets = np.array(lexicon().sets)
    unseen = [example for example in examples() if example.is_held_out]
    hits = 0
    for example in unseen:
        found = np.sum([field.groups for field in counter.vector(example.fields).fields], axis=0)
        hits += bool(found.sum()) and sets[found.argmax()] == example.example_set
    return hits / len(unseen)


def speed(count: int) -> dict[str, Any]:
    """From an archive, with everything that is recorded."""
    taxonomy = shipped("everyday")
    assert taxonomy is not None
    judge = LocalJudge()
    started = time.process_time()
    judge.model_of(taxonomy)
    training = time.process_time() - started
    with (
        tempfile.TemporaryDirectory() as folder,
        open_archive(f"sqlite:///{folder}/archive.db") as archive,
        Answers(Path(folder) / "answers.db") as answers,
    ):
        corpus = categorize_openai.corpus(count)
        for start in range(0, count, 200):
            merge(archive, None, [_conversation(subject) for subject in corpus[start : start + 200]])
        reading = _seconds_to_read(archive, conversation_ids(archive))
        started, computing = time.perf_counter(), time.process_time()
        report = CategorizeReport()
        using: Judging[Judge] = Judging(archive=archive, judge=judge, taxonomy=taxonomy, answers=answers)
        stage.judge_pending(using, report)
        seconds, computed = time.perf_counter() - started, time.process_time() - computing
    return {
        "conversations": report.judged,
        "characters_each": round(sum(len(t.text) for s in corpus for t in s.turns) / count),
        "per_second": round(report.judged / seconds),
        "per_cpu_second": round(report.judged / computed),
        "reading_alone_per_second": round(count / reading),
        "training_cpu_seconds": round(training, 2),
    }


def _seconds_to_read(archive: Archive, ids: Sequence[str]) -> float:
    started = time.perf_counter()
    for start in range(0, len(ids), stage.CHUNK):
        subjects(archive, ids[start : start + stage.CHUNK])
    return time.perf_counter() - started


def _conversation(subject: Subject) -> Conversation:
    messages = [
        Message(id=f"{subject.conversation_id}-{n}", role=turn.role, text=turn.text, digest=b"x", position=n)
        for n, turn in enumerate(subject.turns)
    ]
    for before, after in pairwise(messages):
        after.parent_id = before.id
    _, _, identity = subject.conversation_id.partition(":")
    return Conversation(
        source="chatgpt", external_id=identity or subject.conversation_id, title=subject.title, messages=messages
    )


def tags() -> dict[str, Any]:
    """How far tags recur, over a thousand of the shipped chats as if they were an archive: a hard one, of as many
    subjects as chats. Beside it the same without knowing what recurs."""
    archive = [example.subject for example in examples() if not example.is_held_out][::3][:1000]
    known = recurring(candidates(subject) for subject in archive)
    return {"chats": len(archive), "alone": _reuse(archive, {}), "knowing_what_recurs": _reuse(archive, known)}


def _reuse(archive: Sequence[Subject], known: Mapping[str, int]) -> dict[str, float]:
    given = [gist_of(subject, TagsPolicy(), known).tags for subject in archive]
    used = collections.Counter(tag for tags in given for tag in tags)
    total = used.total()
    return {
        "tags_each": round(total / len(archive), 2),
        "of_two_words": round(sum(count for tag, count in used.items() if " " in tag) / total, 3),
        "used_again": round(sum(count for count in used.values() if count > 1) / total, 3),
    }


def run(*, quick: bool = False) -> dict[str, Any]:
    counter = Counter()
    found: dict[str, Any] = {"speed": speed(600 if quick else 3000), "quality": {}}
    for name in shipped_names():
        taxonomy = shipped(name)
        assert taxonomy is not None
        figures = msgspec.to_builtins(held_out(taxonomy, counter))
        if not quick:
            figures["cross_validated_accuracy"] = cross_validated(taxonomy, counter)
            figures["accuracy_from_descriptions_alone"] = described_only(taxonomy, counter)
        found["quality"][name] = figures
    found["tags"] = tags()
    found["quality"]["floors"] = {"largest_category": 1 / 15, "lexicon_alone": lexicon_alone(counter)}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--local", action="store_true", help="the judge `local` alone")
    options = parser.parse_args()
    found = run(quick=options.quick)
    ok = found["speed"]["per_cpu_second"] >= PER_SECOND
    ok &= found["quality"]["everyday"]["calibration_error"] <= CALIBRATION_ERROR
    ok &= found["tags"]["knowing_what_recurs"]["used_again"] >= TAGS_USED_AGAIN
    if not options.local:
        found["openai"] = categorize_openai.run(quick=options.quick)
        ok &= all(r["share_of_the_limit"] >= categorize_openai.TARGET for r in found["openai"]["throughput"])
    print(json.dumps(_rounded(found), indent=2, ensure_ascii=False))
    return int(not ok)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
